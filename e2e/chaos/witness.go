package chaos

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/e2e/fleet"
	"github.com/aliquot-labs/aliquot/labs/sandbox"
)

// Witnesses are whom the accounts come from.
type Witnesses struct {
	Fleet     *fleet.Fleet
	Callers   *Callers
	Receivers []*Receiver
}

// Accounts asks them all.
func (w Witnesses) Accounts(ctx context.Context) (Accounts, error) {
	a := Accounts{Callers: w.Callers.Account(), Lab: labAccount(w.Fleet.Lab.Account())}
	var err error
	if a.Store, err = readStore(ctx, w.Fleet.DatabaseURL); err != nil {
		return a, err
	}
	if a.Temporal.Orders, err = w.Fleet.Running(ctx, dispatch.WorkflowOrder); err != nil {
		return a, err
	}
	if a.Temporal.Deliveries, err = w.Fleet.Running(ctx, dispatch.WorkflowDeliveries); err != nil {
		return a, err
	}
	for _, r := range w.Receivers {
		a.Endpoints = append(a.Endpoints, r.Account())
	}
	return a, nil
}

// labAccount sums up what the simulated lab has sent and got.
func labAccount(account sandbox.Account) Lab {
	l := Lab{Accepted: map[string]int{}, Facts: map[string]int{}}
	for _, call := range account.Calls {
		if call.Operation != "PlaceOrder" && call.Operation != "neutral.place" {
			continue
		}
		for _, o := range call.Orders {
			if o.Outcome == sandbox.OutcomeAccepted || o.Outcome == sandbox.OutcomeDropped {
				l.Accepted[o.OrderNumber]++
			}
		}
	}
	taken := map[string]bool{}
	for _, w := range account.Webhooks {
		fact := w.OrderNumber + w.Type + w.ID
		if w.ID == "" { // the protocol has no identity of its own
			fact += fmt.Sprintf("%x", sha256.Sum256(w.Body))
		}
		first := !taken[fact]
		taken[fact] = taken[fact] || w.Status/100 == 2
		if first && taken[fact] {
			l.Facts[w.OrderNumber]++
		}
	}
	for _, t := range taken {
		if !t {
			l.Untaken++
		}
	}
	return l
}

// readStore reads the rows themselves, by none of the product's code.
func readStore(ctx context.Context, url string) (Store, error) {
	var s Store
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return s, fmt.Errorf("reaching the store: %w", err)
	}
	defer conn.Close(ctx)
	if s.Orders, err = rows[Order](ctx, conn, `SELECT id, number, status, COALESCE(parent_id, '') AS parent_id, registrable FROM orders`); err != nil {
		return s, err
	}
	if s.Events, err = rows[Event](ctx, conn, `SELECT order_id, sequence, status FROM events ORDER BY order_id, sequence`); err != nil {
		return s, err
	}
	if s.Messages, err = rows[Message](ctx, conn, `SELECT id, event_type AS type, order_id, sequence FROM messages`); err != nil {
		return s, err
	}
	s.Reports, err = rows[Report](ctx, conn, `SELECT id, COALESCE(order_id, '') AS order_id, state FROM inbox`)
	return s, err
}

func rows[T any](ctx context.Context, conn *pgx.Conn, query string) ([]T, error) {
	found, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByName[T])
}

package chaos

import (
	"context"
	"crypto/sha256"
	"errors"
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
	lab := w.Fleet.Lab.Account()
	if lab.Forgotten > 0 {
		return Accounts{}, fmt.Errorf("the simulated lab has forgotten %d calls and webhooks", lab.Forgotten)
	}
	a := Accounts{Callers: w.Callers.Account(), Lab: labAccount(lab)}
	for _, v := range w.Fleet.Lab.Appointments() {
		a.Lab.Visits = append(a.Lab.Visits, Visit{ID: v.ID, Of: v.OrderNumber, Status: v.Status})
	}
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
	l := Lab{Accepted: map[string]int{}, Asked: map[string]int{}, Facts: map[string]int{}, Versions: map[string]int{}}
	given := map[string]bool{}
	for _, call := range account.Calls {
		for _, o := range call.Orders {
			if version := fmt.Sprint(o.OrderNumber, call.Version); call.Version > 0 && !given[version] {
				given[version] = true
				l.Versions[o.OrderNumber]++
			}
		}
		if call.Operation != "PlaceOrder" && call.Operation != "neutral.place" {
			continue
		}
		for _, o := range call.Orders {
			l.Asked[o.OrderNumber]++
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
	var errs [8]error
	s.Orders, errs[0] = rows[Order](ctx, conn, `SELECT id, number, status, COALESCE(parent_id, '') AS parent_id, origin, transaction_id,
		registrable, imported, modality, unfinished FROM orders`)
	s.Events, errs[1] = rows[Event](ctx, conn, `SELECT order_id, sequence, status FROM events ORDER BY order_id, sequence`)
	s.Messages, errs[2] = rows[Message](ctx, conn, `SELECT id, event_type AS type, order_id, sequence FROM messages`)
	s.Reports, errs[3] = rows[Report](ctx, conn, `SELECT id, COALESCE(order_id, '') AS order_id, state FROM inbox`)
	s.Visits, errs[4] = rows[Visit](ctx, conn, `SELECT id, order_id AS of, status FROM appointments`)
	s.Children, errs[5] = rows[Child](ctx, conn, `SELECT order_id, child_id FROM decisions WHERE child_id <> ''`)
	s.Kept, errs[6] = column(ctx, conn, `SELECT order_id FROM order_attention WHERE reason = 'appointment_at_provider'`)
	s.Counts, errs[7] = rows[Count](ctx, conn, `SELECT modality, status, CAST(SUM(orders) AS BIGINT) AS n FROM order_counts
		GROUP BY modality, status HAVING SUM(orders) <> 0`)
	return s, errors.Join(errs[:]...)
}

func rows[T any](ctx context.Context, conn *pgx.Conn, query string) ([]T, error) {
	found, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByName[T])
}

func column(ctx context.Context, conn *pgx.Conn, query string) ([]string, error) {
	found, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}

package chaos

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/aliquot-labs/aliquot/e2e/deployment"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// Observers are the sources of the observations.
type Observers struct {
	Deployment *deployment.Deployment
	Callers    *Callers
	Receivers  []*Receiver
}

// Observe collects the observations of all observers.
func (w Observers) Observe(ctx context.Context) (Observations, error) {
	lab := w.Deployment.Lab.Traffic()
	if lab.Dropped > 0 {
		return Observations{}, fmt.Errorf("the simulated lab has forgotten %d calls and webhooks", lab.Dropped)
	}
	a := Observations{CallerRecords: w.Callers.Records(), Lab: labTraffic(lab)}
	for _, v := range w.Deployment.Lab.Appointments() {
		a.Lab.Appointments = append(a.Lab.Appointments, Appointment{ID: v.ID, OrderRef: v.OrderNumber, Status: v.Status})
	}
	var err error
	if a.Store, err = readStore(ctx, w.Deployment.DatabaseURL); err != nil {
		return a, err
	}
	if a.Temporal.Orders, err = w.Deployment.RunningWorkflows(ctx, dispatch.WorkflowOrder); err != nil {
		return a, err
	}
	if a.Temporal.Deliveries, err = w.Deployment.RunningWorkflows(ctx, dispatch.WorkflowDeliveries); err != nil {
		return a, err
	}
	for _, r := range w.Receivers {
		a.Endpoints = append(a.Endpoints, r.Endpoint())
	}
	return a, nil
}

// labTraffic summarizes the traffic log of the simulated lab.
func labTraffic(traffic simlab.Traffic) LabTraffic {
	l := LabTraffic{Accepted: map[string]int{}, PlaceCalls: map[string]int{}, AcceptedFacts: map[string]int{},
		ReportVersions: map[string]int{}}
	given := map[string]bool{}
	for _, call := range traffic.Calls {
		for _, o := range call.Orders {
			if version := fmt.Sprint(o.OrderNumber, call.Version); call.Version > 0 && !given[version] {
				given[version] = true
				l.ReportVersions[o.OrderNumber]++
			}
		}
		if call.Operation != "PlaceOrder" && call.Operation != "neutral.place" {
			continue
		}
		for _, o := range call.Orders {
			l.PlaceCalls[o.OrderNumber]++
			if o.Outcome == simlab.OutcomeAccepted || o.Outcome == simlab.OutcomeDropped {
				l.Accepted[o.OrderNumber]++
			}
		}
	}
	taken := map[string]bool{}
	for _, w := range traffic.WebhookAttempts {
		fact := w.OrderNumber + w.Type + w.ID
		if w.ID == "" { // the protocol has no message id
			fact += fmt.Sprintf("%x", sha256.Sum256(w.Body))
		}
		first := !taken[fact]
		taken[fact] = taken[fact] || w.Status/100 == 2
		if first && taken[fact] {
			l.AcceptedFacts[w.OrderNumber]++
		}
	}
	for _, t := range taken {
		if !t {
			l.UnacceptedFacts++
		}
	}
	return l
}

// readStore reads the rows by SQL, without the product's code.
func readStore(ctx context.Context, url string) (Store, error) {
	var s Store
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return s, fmt.Errorf("reaching the store: %w", err)
	}
	defer conn.Close(ctx)
	var errs [8]error
	s.Orders, errs[0] = rows[Order](ctx, conn,
		`SELECT o.id, o.number, p.status, COALESCE(CAST(o.parent_id AS TEXT), '') AS parent_id, o.origin, o.transaction_id,
		o.registrable, o.imported, o.modality, p.unfinished FROM orders o JOIN order_progress p ON p.order_id = o.id`)
	s.Events, errs[1] = rows[Event](ctx, conn, `SELECT order_id, sequence, status FROM events ORDER BY order_id, sequence`)
	s.Messages, errs[2] = rows[Message](ctx, conn,
		`SELECT id, event_type AS type, COALESCE(CAST(order_id AS TEXT), '') AS order_id, sequence FROM messages`)
	s.InboxItems, errs[3] = rows[InboxItem](ctx, conn,
		`SELECT id, COALESCE(CAST(order_id AS TEXT), '') AS order_id, state FROM inbox`)
	s.Appointments, errs[4] = rows[Appointment](ctx, conn, `SELECT id, order_id AS order_ref, status FROM appointments`)
	s.Children, errs[5] = rows[Child](ctx, conn, `SELECT order_id, child_id FROM decisions WHERE child_id IS NOT NULL`)
	s.AppointmentsAtProvider, errs[6] = column(ctx, conn,
		`SELECT order_id FROM order_attention WHERE reason = 'appointment_at_provider'`)
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

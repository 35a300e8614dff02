package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// replacementID returns the id of the order that replaces or redraws this one: of the existing one, or a new id. It is
// empty when the decision asks for neither.
func replacementID(ctx context.Context, tx *sql.Tx, r order.Recording) (string, error) {
	if !r.Decision.CreateReplacement && !r.Decision.CreateRedraw {
		return "", nil
	}
	id, err := sqldb.QueryOne(ctx, tx, sqldb.ScanText, `SELECT id FROM orders WHERE parent_id = $1`, r.OrderID)
	if errors.Is(err, ErrNotFound) {
		return sqldb.NewID(), nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the replacement of order %s: %w", r.OrderID, err)
	}
	return id, nil
}

// createReplacementOrder creates the order that replaces or redraws a recording's order, in the same order transaction,
// unless
// it exists or there is to be none (childID is empty). It returns the endpoints to nudge.
func (s *Store) createReplacementOrder(ctx context.Context, tx *sql.Tx, r order.Recording,
	childID string) ([]string, error) {
	if childID == "" {
		return nil, nil
	}
	loaded, err := s.loadOrder(ctx, tx, "", r.OrderID)
	if err != nil {
		return nil, err
	}
	parent := *loaded
	for _, o := range parent.Transaction.Orders {
		if o.ID == childID {
			return nil, nil
		}
	}
	child := newReplacement(parent, childID, s.now())
	if r.Decision.CreateRedraw {
		v, err := s.newestResult(ctx, tx, parent.ID, true)
		if errors.Is(err, ErrNotFound) {
			err = errNoResult
		}
		if err != nil {
			return nil, fmt.Errorf("reading the results of order %s: %w", parent.ID, err)
		}
		child = newRedraw(parent, v.Report, childID, s.now())
	}
	c, err := s.createOrder(ctx, tx, child, "parent:"+parent.ID)
	if err != nil {
		return nil, fmt.Errorf("creating the replacement of order %s: %w", parent.ID, err)
	}
	_, err = tx.ExecContext(ctx,
		`UPDATE orders SET sms_enabled = (SELECT p.sms_enabled FROM orders p WHERE p.id = $1) WHERE id = $2`, parent.ID,
		childID)
	if err != nil {
		return nil, fmt.Errorf("writing the communication settings of order %s: %w", childID, err)
	}
	return c.EndpointsToNudge, nil
}

// newReplacement returns a new order for the same patient, lab test and policy. A registered kit is replaced by one
// that needs no registration (order-lifecycle#replacement).
func newReplacement(parent order.Order, id string, now time.Time) order.Order {
	o := copyOfParent(parent, id, order.OriginRecreation, now)
	o.ReplacementDepth = parent.ReplacementDepth + 1
	o.Registrable = parent.Registrable && !parent.Registered
	o.State = order.NewState(&o, parent.State.Policy, time.Time{})
	return o
}

// newRedraw returns a new order for the same patient and the markers that are missing because of an error of the lab.
func newRedraw(parent order.Order, r order.LabReport, id string, now time.Time) order.Order {
	o := copyOfParent(parent, id, order.OriginRedraw, now)
	o.LabTest.Markers = missingMarkers(parent.LabTest.Markers, r.MissingByLabFault())
	o.State = order.NewState(&o, parent.State.Policy, time.Time{})
	return o
}

// copyOfParent returns an order with the data that its parent was ordered with, and without the parent's history.
func copyOfParent(parent order.Order, id string, origin order.Origin, now time.Time) order.Order {
	o := parent
	AssignOrderIDs(&o)
	o.ID, o.ParentID, o.Origin = id, parent.ID, origin
	o.Registered, o.Imported = false, false
	o.Accession, o.SampleID, o.Detail, o.ActivateBy = "", "", "", nil
	o.Status = lifecycle.Ordered
	o.Shipment, o.Events, o.Results = nil, nil, nil
	o.CreatedAt = now
	return o
}

// missingMarkers lists the markers of a lab test that a lab report lacks, as the lab test has them. If a part of a
// panel is missing, it lists the panel, because the lab accepts orders for panels only. A marker that belongs to no
// marker of the lab test is listed as the report names it.
func missingMarkers(markers []order.Marker, missing []order.MissingMarker) []order.Marker {
	var out []order.Marker
	seen := map[int64]bool{}
	for _, m := range missing {
		found, ok := findMarker(markers, m)
		switch {
		case !ok:
			out = append(out, order.Marker{Name: m.Name, Slug: m.Slug, LOINC: m.LOINC, ProviderID: m.ProviderID})
		case !seen[found.ID]:
			seen[found.ID] = true
			out = append(out, found)
		}
	}
	return out
}

// findMarker finds a missing marker by the lab's id, else by its LOINC code, else by its slug, else the panel that
// contains it.
func findMarker(markers []order.Marker, m order.MissingMarker) (order.Marker, bool) {
	for _, is := range []func(order.Marker) bool{
		func(have order.Marker) bool { return equalCodes(have.ProviderID, m.ProviderID) },
		func(have order.Marker) bool { return equalCodes(have.LOINC, m.LOINC) },
		func(have order.Marker) bool { return m.Slug != "" && have.Slug == m.Slug },
		func(have order.Marker) bool { return have.CoversResult(m.Slug, m.ProviderID, m.LOINC) },
	} {
		for _, have := range markers {
			if is(have) {
				return have, true
			}
		}
	}
	return order.Marker{}, false
}

// equalCodes reports whether both codes are known and equal.
func equalCodes(a, b *string) bool { return a != nil && b != nil && *a != "" && *a == *b }

package store

import (
	"context"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
)

func scanMarker(row Scanner) (order.Marker, error) {
	text, err := ScanText(row)
	if err != nil {
		return order.Marker{}, err
	}
	var m order.Marker
	return m, decodeJSON(text, &m)
}

// Markers lists every marker of the catalogue, whether it can be ordered or not, by id. Those of lab tests that were not imported are
// with their tests only.
func (s *Store) Markers(ctx context.Context) ([]order.Marker, error) {
	all, err := QueryAll(ctx, s.read, scanMarker, `SELECT document FROM markers ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("listing markers: %w", err)
	}
	return all, nil
}

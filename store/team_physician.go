package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// RememberPhysician stores a physician who has ordered for a team, by NPI, or updates the stored details. It writes
// nothing when nothing changes.
func (s *Store) RememberPhysician(ctx context.Context, teamID string, p order.Physician) error {
	at := sealContext("physicians", teamID+" "+p.NPI, "document")
	sealed, err := sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanBytes,
		`SELECT document FROM physicians WHERE team_id = $1 AND npi = $2`,
		teamID, p.NPI)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("reading a physician of team %s: %w", teamID, err)
	}
	var kept order.Physician
	if err == nil {
		if err := s.keys.OpenJSON(at, sealed, &kept); err != nil {
			return err
		}
		if reflect.DeepEqual(kept, p) {
			return nil
		}
	}
	if sealed, err = s.keys.SealJSON(at, p); err != nil {
		return fmt.Errorf("sealing a physician of team %s: %w", teamID, err)
	}
	_, err = s.db.Writer.ExecContext(ctx,
		`INSERT INTO physicians (team_id, npi, document, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (team_id, npi) DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at`,
		teamID, p.NPI, sealed, sqldb.ToMicros(s.now()))
	if err != nil {
		return fmt.Errorf("writing a physician of team %s: %w", teamID, err)
	}
	return nil
}

// maxListedPhysicians is the most physicians that are listed for a team.
const maxListedPhysicians = 1000

// Physicians lists the physicians who have ordered for a team, by NPI.
func (s *Store) Physicians(ctx context.Context, teamID string) ([]order.Physician, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, func(row sqldb.Scanner) (p order.Physician, err error) {
		var npi string
		var sealed []byte
		if err := row.Scan(&npi, &sealed); err != nil {
			return p, err
		}
		err = s.keys.OpenJSON(sealContext("physicians", teamID+" "+npi, "document"), sealed, &p)
		return p, err
	}, fmt.Sprintf(`SELECT npi, document FROM physicians WHERE team_id = $1 ORDER BY npi LIMIT %d`, maxListedPhysicians),
		teamID)
	if err != nil {
		return nil, fmt.Errorf("listing physicians of team %s: %w", teamID, err)
	}
	return all, nil
}

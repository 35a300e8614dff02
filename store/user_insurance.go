package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/internal/billing"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Insurance is one record of a user's insurance. A new record does not replace older ones.
type Insurance struct {
	ID        string
	UserID    string
	Primary   bool
	Document  []byte // JSON; sealed
	CreatedAt time.Time
}

// AddInsurance adds an insurance record to a user of a team. A zero CreatedAt means now. The error is ErrNotFound when
// there is no such user.
func (s *Store) AddInsurance(ctx context.Context, teamID string, in Insurance) error {
	if in.CreatedAt.IsZero() {
		in.CreatedAt = s.now()
	}
	if err := sqldb.RequireIDs("the id", in.ID); err != nil {
		return fmt.Errorf("adding insurance: %w", err)
	}
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `INSERT INTO user_insurance (id, user_id, is_primary, document, created_at)
		SELECT $1, u.id, $3, $4, $5 FROM users u WHERE u.id = $2 AND u.team_id = $6 AND u.erase_at = 0`,
		in.ID, in.UserID, in.Primary, s.sealBytes(sealContext("user_insurance", in.ID, "document"), in.Document),
		sqldb.ToMicros(in.CreatedAt), teamID)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("adding insurance of user %s: %w", in.UserID, err)
	}
	return nil
}

// LatestInsurance reads the newest record of a user's primary insurance, or of any other insurance. The error is
// ErrNotFound when there is no such user or record.
func (s *Store) LatestInsurance(ctx context.Context, teamID, userID string, primary bool) (Insurance, error) {
	in, err := sqldb.QueryOne(ctx, s.db.Reader, s.scanInsurance,
		`SELECT i.id, i.user_id, i.is_primary, i.document, i.created_at
		FROM user_insurance i JOIN users u ON u.id = i.user_id
		WHERE i.user_id = $1 AND i.is_primary = $2 AND u.team_id = $3 AND u.erase_at = 0
		ORDER BY i.created_at DESC, i.id DESC LIMIT 1`, userID, primary, teamID)
	if err != nil {
		return Insurance{}, fmt.Errorf("reading insurance of user %s: %w", userID, err)
	}
	return in, nil
}

func (s *Store) scanInsurance(row sqldb.Scanner) (Insurance, error) {
	var in Insurance
	var sealed []byte
	var created int64
	err := row.Scan(&in.ID, &in.UserID, &in.Primary, &sealed, &created)
	if err != nil {
		return Insurance{}, err
	}
	in.CreatedAt = sqldb.FromMicros(created)
	in.Document, err = s.keys.Open(sealContext("user_insurance", in.ID, "document"), sealed)
	return in, err
}

// AddPayor adds a payor that is visible to the team only. The error is ErrConflict when the code is in use.
func (s *Store) AddPayor(ctx context.Context, teamID string, p billing.Payor) error {
	document, err := encodeJSON(p)
	if err != nil {
		return err
	}
	_, err = s.db.Writer.ExecContext(ctx,
		`INSERT INTO payors (code, team_id, document, created_at) VALUES ($1, $2, $3, $4)`,
		p.Code, teamID, document, sqldb.ToMicros(s.now()))
	if err != nil {
		return sqldb.WrapWriteError(err, "payor", p.Code)
	}
	return nil
}

// Payors lists the payors that a team has added, oldest first.
func (s *Store) Payors(ctx context.Context, teamID string) ([]billing.Payor, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanPayor,
		`SELECT document FROM payors WHERE team_id = $1 ORDER BY created_at, code`, teamID)
	if err != nil {
		return nil, fmt.Errorf("listing payors of team %s: %w", teamID, err)
	}
	return all, nil
}

func scanPayor(row sqldb.Scanner) (p billing.Payor, err error) {
	var document string
	if err := row.Scan(&document); err != nil {
		return billing.Payor{}, err
	}
	err = decodeJSON(document, &p)
	return p, err
}

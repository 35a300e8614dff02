package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// User is a person for whom a team orders lab tests. The team knows the user by an id of its own.
type User struct {
	ID                string
	TeamID            string
	ClientUserID      string  // unique within the team
	FallbackTimeZone  *string // IANA name
	FallbackBirthDate *string // YYYY-MM-DD; sealed
	IngestionStart    *string // YYYY-MM-DD; stored for the client only
	IngestionEnd      *string // YYYY-MM-DD; stored for the client only
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// UserConflict means that the team already has a user with that client_user_id. It is an ErrConflict.
type UserConflict struct{ Existing User } //nolint:errname // named for what it carries to the client

// Error names the existing user by Aliquot's id only, because the client's id may contain anything.
func (e *UserConflict) Error() string {
	return fmt.Sprintf("user %s of team %s has the same client_user_id", e.Existing.ID, e.Existing.TeamID)
}

// Unwrap makes errors.Is(err, ErrConflict) true.
func (e *UserConflict) Unwrap() error { return ErrConflict }

const userColumns = `id, team_id, client_user_id, fallback_time_zone, fallback_birth_date, ingestion_start,
	ingestion_end, created_at, updated_at`

// MaxSandboxUsers is the most users of a sandbox team (client-api#1-transport).
const MaxSandboxUsers = 50

// ErrSandboxUserLimit means that a sandbox team has MaxSandboxUsers users.
var ErrSandboxUserLimit = errors.New("the sandbox team has as many users as it may have")

// CreateUser adds a user. A zero CreatedAt means now. The error is *UserConflict when the team's client_user_id is in
// use, and ErrSandboxUserLimit for a sandbox team with MaxSandboxUsers users. On PostgreSQL, concurrent calls may
// exceed that limit.
func (s *Store) CreateUser(ctx context.Context, u User) error {
	if u.CreatedAt.IsZero() {
		u.CreatedAt = s.now()
	}
	if err := sqldb.RequireIDs("the id", u.ID, "the team", u.TeamID); err != nil {
		return fmt.Errorf("creating a user: %w", err)
	}
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `INSERT INTO users (`+userColumns+
		`) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $8
		WHERE NOT EXISTS (SELECT 1 FROM teams WHERE id = $2 AND environment = $9)
			OR (SELECT count(*) FROM users WHERE team_id = $2 AND erase_at = 0) < $10
		ON CONFLICT (team_id, client_user_id) WHERE erase_at = 0 DO NOTHING`,
		u.ID, u.TeamID, u.ClientUserID, u.FallbackTimeZone, s.sealText(sealContext("users", u.ID, "fallback_birth_date"),
			u.FallbackBirthDate),
		u.IngestionStart, u.IngestionEnd, sqldb.ToMicros(u.CreatedAt), Sandbox, MaxSandboxUsers)
	if err != nil {
		return sqldb.WrapWriteError(err, "user", u.ID)
	}
	if n == 1 {
		return nil
	}
	existing, err := s.UserByClientUserID(ctx, u.TeamID, u.ClientUserID)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("creating a user of team %s: %w", u.TeamID, ErrSandboxUserLimit)
	}
	if err != nil {
		return err
	}
	return &UserConflict{Existing: existing}
}

// User reads one user of a team. The error is ErrNotFound when the team has no user with that id, or has deleted the
// user.
func (s *Store) User(ctx context.Context, teamID, id string) (User, error) {
	var where sqldb.Where
	where.And("id = ?", id)
	where.AndIfSet("team_id = ?", teamID)
	where.AndTerm("erase_at = 0")
	u, err := sqldb.QueryOne(ctx, s.db.Reader, s.scanUser, `SELECT `+userColumns+` FROM users`+where.String(),
		where.Args...)
	if err != nil {
		return User{}, fmt.Errorf("reading user %s: %w", id, err)
	}
	return u, nil
}

// UserByClientUserID reads one user by the team's own id. The error is ErrNotFound when there is none.
func (s *Store) UserByClientUserID(ctx context.Context, teamID, clientUserID string) (User, error) {
	u, err := sqldb.QueryOne(ctx, s.db.Reader, s.scanUser,
		`SELECT `+userColumns+` FROM users WHERE team_id = $1 AND client_user_id = $2 AND erase_at = 0`, teamID, clientUserID)
	if err != nil {
		return User{}, fmt.Errorf("reading a user of team %s: %w", teamID, err)
	}
	return u, nil
}

// Users lists users of a team, oldest first, and counts all of them. limit is at most 500.
func (s *Store) Users(ctx context.Context, teamID string, offset, limit int) (users []User, total int, err error) {
	var where sqldb.Where
	where.And("team_id = ?", teamID)
	where.AndTerm("erase_at = 0")
	err = s.db.InSnapshot(ctx, func(q sqldb.Querier) error {
		if total, err = countRows(ctx, q, "users", where); err != nil {
			return err
		}
		users, err = sqldb.QueryAll(ctx, q, s.scanUser, `SELECT `+userColumns+` FROM users`+where.String()+
			fmt.Sprintf(` ORDER BY created_at, id LIMIT %d OFFSET %d`, min(limit, maxUserPage), offset), where.Args...)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("listing users: %w", err)
	}
	return users, total, nil
}

const maxUserPage = 500

// UserPatch holds changes of a user. Nil fields change nothing.
type UserPatch struct {
	ClientUserID      *string
	FallbackTimeZone  *string
	FallbackBirthDate *string
	IngestionStart    *string
	IngestionEnd      *string
}

// PatchUser changes a user of a team. A new client_user_id is also set in the user's orders. The error is ErrNotFound
// when there is no such user, and *UserConflict when another user has the client_user_id.
func (s *Store) PatchUser(ctx context.Context, teamID, id string, p UserPatch) error {
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		n, err := sqldb.ExecCount(ctx, tx, `UPDATE users SET client_user_id = COALESCE($1, client_user_id),
			fallback_time_zone = COALESCE($2, fallback_time_zone), fallback_birth_date = COALESCE($3, fallback_birth_date),
			ingestion_start = COALESCE($4, ingestion_start), ingestion_end = COALESCE($5, ingestion_end), updated_at = $6
			WHERE id = $7 AND team_id = $8 AND erase_at = 0`,
			p.ClientUserID, p.FallbackTimeZone, s.sealText(sealContext("users", id, "fallback_birth_date"), p.FallbackBirthDate),
			p.IngestionStart, p.IngestionEnd, sqldb.ToMicros(s.now()), id, teamID)
		if err == nil && n == 0 {
			err = ErrNotFound
		}
		if err != nil || p.ClientUserID == nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE orders SET client_user_id = $1 WHERE `+ordersOfUser+` AND erased_at = 0`,
			*p.ClientUserID, id)
		return err
	})
	if sqldb.IsUniqueViolation(err) {
		existing, err := s.UserByClientUserID(ctx, teamID, *p.ClientUserID)
		if err != nil {
			return err
		}
		return &UserConflict{Existing: existing}
	}
	if err != nil {
		return fmt.Errorf("changing user %s: %w", id, err)
	}
	return nil
}

func (s *Store) scanUser(row sqldb.Scanner) (User, error) {
	var u User
	var birth []byte
	var created, updated int64
	err := row.Scan(&u.ID, &u.TeamID, &u.ClientUserID, &u.FallbackTimeZone, &birth, &u.IngestionStart, &u.IngestionEnd,
		&created, &updated)
	if err != nil {
		return User{}, err
	}
	if u.FallbackBirthDate, err = s.openText(sealContext("users", u.ID, "fallback_birth_date"), birth); err != nil {
		return User{}, err
	}
	u.CreatedAt, u.UpdatedAt = sqldb.FromMicros(created), sqldb.FromMicros(updated)
	return u, nil
}

// PutUserInfo stores or replaces the personal data of a user, a JSON document. The error is ErrNotFound when there is
// no such user.
func (s *Store) PutUserInfo(ctx context.Context, teamID, id string, info []byte) error {
	n, err := sqldb.ExecCount(ctx, s.db.Writer,
		`UPDATE users SET info = $1 WHERE id = $2 AND team_id = $3 AND erase_at = 0`,
		s.sealBytes(sealContext("users", id, "info"), info), id, teamID)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("writing the personal data of user %s: %w", id, err)
	}
	return nil
}

// UserInfo reads the personal data of a user. The error is ErrNotFound when there is no such user, or no such data.
func (s *Store) UserInfo(ctx context.Context, teamID, id string) ([]byte, error) {
	sealed, err := sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanBytes,
		`SELECT info FROM users WHERE id = $1 AND team_id = $2 AND erase_at = 0 AND info IS NOT NULL`,
		id, teamID)
	if err != nil {
		return nil, fmt.Errorf("reading the personal data of user %s: %w", id, err)
	}
	return s.keys.Open(sealContext("users", id, "info"), sealed)
}

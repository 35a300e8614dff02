package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// Endpoint is a URL of a team that takes webhook messages.
type Endpoint struct {
	ID             string
	TeamID         string
	URL            string
	Description    string
	Secret         string            // whsec_…; sealed
	PreviousSecret string            // the secret before a rotation; also signs until PreviousUntil; sealed
	PreviousUntil  time.Time         // zero: no previous secret
	FilterTypes    []string          // event types to send; nil: all
	Headers        map[string]string // sent with every message; sealed
	RateLimit      int               // messages per second; 0: no limit
	Disabled       bool
	DisabledReason string                  // a code
	FailingSince   time.Time               // first failed attempt since the last success; zero: none
	Health         webhooks.EndpointHealth // decides when a failing endpoint is disabled
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

const endpointColumns = `id, team_id, url, description, secret, previous_secret, previous_until, filter_types,
	headers, rate_limit, disabled, disabled_reason, failing_since, first_failure, last_failure, clock_started,
	created_at, updated_at`

// CreateEndpoint adds an endpoint. It gets the webhook messages of events from now on. A zero CreatedAt means now. The
// error is ErrConflict when the id is in use.
func (s *Store) CreateEndpoint(ctx context.Context, e Endpoint) error {
	if e.CreatedAt.IsZero() {
		e.CreatedAt = s.now()
	}
	if err := sqldb.RequireIDs("the id", e.ID); err != nil {
		return fmt.Errorf("writing endpoint %s: %w", e.ID, err)
	}
	row, err := s.sealEndpoint(e)
	if err != nil {
		return fmt.Errorf("writing endpoint %s: %w", e.ID, err)
	}
	_, err = s.db.Writer.ExecContext(ctx, `INSERT INTO endpoints (`+endpointColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, $13, $13)`,
		e.ID, e.TeamID, e.URL, e.Description, row.secret, row.previous, sqldb.ToMicros(e.PreviousUntil), row.filter,
		row.headers,
		e.RateLimit,
		e.Disabled, e.DisabledReason, sqldb.ToMicros(e.CreatedAt))
	if err != nil {
		return sqldb.WrapWriteError(err, "endpoint", e.ID)
	}
	return nil
}

// Endpoint reads one endpoint. The error is ErrNotFound when there is none.
func (s *Store) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	e, err := sqldb.QueryOne(ctx, s.db.Reader, s.scanEndpoint,
		`SELECT `+endpointColumns+` FROM endpoints WHERE id = $1 AND deleted_at = 0`, id)
	if err != nil {
		return Endpoint{}, fmt.Errorf("reading endpoint %s: %w", id, err)
	}
	return e, nil
}

// Endpoints lists a team's endpoints, including disabled ones, oldest first. An empty teamID lists those of all teams.
func (s *Store) Endpoints(ctx context.Context, teamID string) ([]Endpoint, error) {
	var where sqldb.Where
	where.AndTerm("deleted_at = 0")
	where.AndIfSet("team_id = ?", teamID)
	all, err := sqldb.QueryAll(ctx, s.db.Reader, s.scanEndpoint,
		`SELECT `+endpointColumns+` FROM endpoints`+where.String()+` ORDER BY created_at, id`, where.Args...)
	if err != nil {
		return nil, fmt.Errorf("listing endpoints: %w", err)
	}
	return all, nil
}

// EndpointsAfter lists up to limit endpoints of a team, oldest first, after the endpoint afterID (empty: from the
// first).
func (s *Store) EndpointsAfter(ctx context.Context, teamID, afterID string, limit int) ([]Endpoint, error) {
	var where sqldb.Where
	where.AndTerm("deleted_at = 0")
	where.And("team_id = ?", teamID)
	where.AndIfSet("(created_at, id) > (SELECT created_at, id FROM endpoints WHERE id = ?)", afterID)
	all, err := sqldb.QueryAll(ctx, s.db.Reader, s.scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints`+
		where.String()+fmt.Sprintf(` ORDER BY created_at, id LIMIT %d`, limit), where.Args...)
	if err != nil {
		return nil, fmt.Errorf("listing endpoints: %w", err)
	}
	return all, nil
}

// endpointRow holds the columns of an endpoint that are stored in another form.
type endpointRow struct {
	secret, previous, headers []byte
	filter                    *string
}

func (s *Store) sealEndpoint(e Endpoint) (endpointRow, error) {
	row := endpointRow{secret: s.keys.Seal(sealContext("endpoints", e.ID, "secret"), []byte(e.Secret))}
	if e.PreviousSecret != "" {
		row.previous = s.keys.Seal(sealContext("endpoints", e.ID, "previous_secret"), []byte(e.PreviousSecret))
	}
	if e.FilterTypes != nil {
		types, err := json.Marshal(e.FilterTypes)
		if err != nil {
			return endpointRow{}, err
		}
		text := string(types)
		row.filter = &text
	}
	var err error
	if len(e.Headers) > 0 {
		row.headers, err = s.keys.SealJSON(sealContext("endpoints", e.ID, "headers"), e.Headers)
	}
	return row, err
}

func (s *Store) scanEndpoint(row sqldb.Scanner) (Endpoint, error) {
	var e Endpoint
	var sealed endpointRow
	var previousUntil, failing, first, last, clock, created, updated int64
	err := row.Scan(&e.ID, &e.TeamID, &e.URL, &e.Description, &sealed.secret, &sealed.previous, &previousUntil,
		&sealed.filter,
		&sealed.headers, &e.RateLimit, &e.Disabled, &e.DisabledReason, &failing, &first, &last, &clock, &created, &updated)
	if err != nil {
		return Endpoint{}, err
	}
	e.PreviousUntil, e.FailingSince = sqldb.FromMicros(previousUntil), sqldb.FromMicros(failing)
	e.Health = webhooks.EndpointHealth{FirstFailure: sqldb.FromMicros(first), LastFailure: sqldb.FromMicros(last),
		ClockStarted: sqldb.FromMicros(clock)}
	e.CreatedAt, e.UpdatedAt = sqldb.FromMicros(created), sqldb.FromMicros(updated)
	return e, s.openEndpoint(&e, sealed)
}

func (s *Store) openEndpoint(e *Endpoint, row endpointRow) error {
	secret, err := s.keys.Open(sealContext("endpoints", e.ID, "secret"), row.secret)
	if err != nil {
		return err
	}
	previous, err := s.keys.Open(sealContext("endpoints", e.ID, "previous_secret"), row.previous)
	if err != nil {
		return err
	}
	e.Secret, e.PreviousSecret = string(secret), string(previous)
	if row.filter != nil {
		if err := json.Unmarshal([]byte(*row.filter), &e.FilterTypes); err != nil {
			return fmt.Errorf("decoding the filter of endpoint %s: %w", e.ID, err)
		}
	}
	return s.keys.OpenJSON(sealContext("endpoints", e.ID, "headers"), row.headers, &e.Headers)
}

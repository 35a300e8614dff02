package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/webhooks"
)

// DisabledFailing is the reason of an endpoint that was given up because nothing reached it for days.
const DisabledFailing = "failing"

// Endpoint is where a team takes webhooks.
type Endpoint struct {
	ID             string
	TeamID         string
	URL            string
	Description    string
	Secret         string            // whsec_…; sealed
	PreviousSecret string            // the secret before a rotation; signs too until PreviousUntil; sealed
	PreviousUntil  time.Time         // zero: no previous secret
	FilterTypes    []string          // event types to send; nil: all
	Headers        map[string]string // sent along with every message; sealed
	RateLimit      int               // messages per second; 0: no limit
	Disabled       bool
	DisabledReason string          // a code
	FailingSince   time.Time       // the first failed attempt after a successful one; zero: the last one succeeded
	Health         webhooks.Health // decides when a failing endpoint is given up
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

const endpointColumns = `id, team_id, url, description, secret, previous_secret, previous_until, filter_types, headers, rate_limit,
	disabled, disabled_reason, failing_since, first_failure, last_failure, clock_started, created_at, updated_at`

// CreateEndpoint adds an endpoint; it gets the messages of events from now on. A zero CreatedAt means now. The error is ErrConflict
// when the id is taken.
func (s *Store) CreateEndpoint(ctx context.Context, e Endpoint) error {
	if e.CreatedAt.IsZero() {
		e.CreatedAt = s.now()
	}
	row, err := s.sealEndpoint(e)
	if err != nil {
		return fmt.Errorf("writing endpoint %s: %w", e.ID, err)
	}
	_, err = s.write.ExecContext(ctx, `INSERT INTO endpoints (`+endpointColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, $13, $13)`,
		e.ID, e.TeamID, e.URL, e.Description, row.secret, row.previous, micros(e.PreviousUntil), row.filter, row.headers, e.RateLimit,
		e.Disabled, e.DisabledReason, micros(e.CreatedAt))
	if err != nil {
		return exists(err, "endpoint", e.ID)
	}
	return nil
}

// Endpoint reads one endpoint. The error is ErrNotFound when there is none.
func (s *Store) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	e, err := one(ctx, s.read, s.scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1`, id)
	if err != nil {
		return Endpoint{}, fmt.Errorf("reading endpoint %s: %w", id, err)
	}
	return e, nil
}

// Endpoints lists a team's endpoints, disabled ones too, oldest first; those of all teams when teamID is empty.
func (s *Store) Endpoints(ctx context.Context, teamID string) ([]Endpoint, error) {
	all, err := collect(ctx, s.read, s.scanEndpoint,
		`SELECT `+endpointColumns+` FROM endpoints WHERE $1 = '' OR team_id = $1 ORDER BY created_at, id`, teamID)
	if err != nil {
		return nil, fmt.Errorf("listing endpoints: %w", err)
	}
	return all, nil
}

// SetEndpointDisabled disables an endpoint, and with it ends what was still to be delivered to it, as the client API contract
// says; or it enables the endpoint again, with its failures forgotten. The reason is a code. The error is ErrNotFound when there
// is no such endpoint.
func (s *Store) SetEndpointDisabled(ctx context.Context, id string, disabled bool, reason string) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if !disabled {
			return s.enable(ctx, tx, id)
		}
		return s.disable(ctx, tx, id, reason)
	})
	if err != nil {
		return fmt.Errorf("setting endpoint %s disabled=%t: %w", id, disabled, err)
	}
	return nil
}

func (s *Store) enable(ctx context.Context, tx *sql.Tx, id string) error {
	n, err := change(ctx, tx, `UPDATE endpoints SET disabled = FALSE, disabled_reason = '', failing_since = 0,
		first_failure = 0, last_failure = 0, clock_started = 0, updated_at = $1 WHERE id = $2`, micros(s.now()), id)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

func (s *Store) disable(ctx context.Context, tx *sql.Tx, id, reason string) error {
	now := micros(s.now())
	_, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = $1, updated_at = $2 WHERE endpoint_id = $3 AND state = 'pending'`,
		DeliveryCancelled, now, id)
	if err != nil {
		return err
	}
	n, err := change(ctx, tx, `UPDATE endpoints SET disabled = TRUE, disabled_reason = $1, updated_at = $2 WHERE id = $3`, reason, now, id)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// endpointRow is the part of an endpoint that is stored in another form.
type endpointRow struct {
	secret, previous, headers []byte
	filter                    *string
}

func (s *Store) sealEndpoint(e Endpoint) (endpointRow, error) {
	row := endpointRow{secret: s.keys.Seal(place("endpoints", e.ID, "secret"), []byte(e.Secret))}
	if e.PreviousSecret != "" {
		row.previous = s.keys.Seal(place("endpoints", e.ID, "previous_secret"), []byte(e.PreviousSecret))
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
		row.headers, err = s.keys.sealJSON(place("endpoints", e.ID, "headers"), e.Headers)
	}
	return row, err
}

func (s *Store) scanEndpoint(row scanner) (Endpoint, error) {
	var e Endpoint
	var sealed endpointRow
	var previousUntil, failing, first, last, clock, created, updated int64
	err := row.Scan(&e.ID, &e.TeamID, &e.URL, &e.Description, &sealed.secret, &sealed.previous, &previousUntil, &sealed.filter,
		&sealed.headers, &e.RateLimit, &e.Disabled, &e.DisabledReason, &failing, &first, &last, &clock, &created, &updated)
	if err != nil {
		return Endpoint{}, err
	}
	e.PreviousUntil, e.FailingSince = instant(previousUntil), instant(failing)
	e.Health = webhooks.Health{FirstFailure: instant(first), LastFailure: instant(last), FailingSince: instant(clock)}
	e.CreatedAt, e.UpdatedAt = instant(created), instant(updated)
	return e, s.openEndpoint(&e, sealed)
}

func (s *Store) openEndpoint(e *Endpoint, row endpointRow) error {
	secret, err := s.keys.Open(place("endpoints", e.ID, "secret"), row.secret)
	if err != nil {
		return err
	}
	previous, err := s.keys.Open(place("endpoints", e.ID, "previous_secret"), row.previous)
	if err != nil {
		return err
	}
	e.Secret, e.PreviousSecret = string(secret), string(previous)
	if row.filter != nil {
		if err := json.Unmarshal([]byte(*row.filter), &e.FilterTypes); err != nil {
			return fmt.Errorf("decoding the filter of endpoint %s: %w", e.ID, err)
		}
	}
	return s.keys.openJSON(place("endpoints", e.ID, "headers"), row.headers, &e.Headers)
}

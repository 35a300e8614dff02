package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// CallLane says which calls of a lab account go first.
type CallLane string

// The lanes of the calls of a lab account.
const (
	LaneUrgent  CallLane = "urgent"  // someone waits for the answer: cancelling, appointments, availability
	LaneRoutine CallLane = "routine" // the others: placing, correcting, results, polling
)

// Turn is the place of one call among the calls of a lab account. The caller carries it between its asks. The zero Turn
// belongs to a call that has not asked yet.
type Turn struct {
	Start   time.Time // by the database's clock: the reserved start, or when to ask again
	Granted bool      // the start is reserved: no other call of the account starts within the spacing
	Asks    int       // how often the call has asked without being granted a start
}

// CallStartRequest asks for the start of one call, or one retry, with the credentials of a lab account.
type CallStartRequest struct {
	Account string        // the id of the lab account
	Spacing time.Duration // the least time between two starts; 0: no reservation is needed
	Lane    CallLane
	Turn    Turn // the answer to the ask before; zero: this is the first ask
	// MaxWait is the longest wait that the caller accepts. A start after it is neither reserved nor promised. 0: no limit.
	MaxWait time.Duration
}

// ReserveCallStart reserves the start of one call over all processes, by the database's clock (molecular-api#d25). The
// answer is a granted turn, or one that says when to ask again with it. wait is the time until its Start, which may be
// negative. Starts that are not used are not reused. The zero Turn is the answer if every start is after MaxWait.
//
// An urgent call is granted the next start at once. A routine call is granted a start at once if it is near; otherwise
// it is promised a time, at which it asks again. So the routine calls that wait do not delay an urgent one. A routine
// call that finds at its time that urgent calls went first gets a second, near promise. Its third ask is granted,
// whatever the urgent calls do: these grants have half of the account's starts.
func (s *Store) ReserveCallStart(ctx context.Context, r CallStartRequest) (t Turn, wait time.Duration, err error) {
	if r.Spacing <= 0 {
		return Turn{Start: s.now(), Granted: true}, 0, nil
	}
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		p, now, err := s.lockCallStarts(ctx, tx, r.Account)
		if err != nil {
			return err
		}
		before := p
		if t, wait = p.reserve(r, now); p == before {
			return nil
		}
		_, err = tx.ExecContext(ctx, `UPDATE call_pacing
			SET next_start = $1, routine_next = $2, retry_next = $3, retry_start = $4 WHERE pair = $5`,
			p.next, p.routine, p.retryPromise, p.retryGrant, r.Account)
		return err
	})
	if err != nil {
		return Turn{}, 0, fmt.Errorf("reserving a call of %s: %w", r.Account, err)
	}
	return t, wait, nil
}

// lockCallStarts reads and locks the reservations of an account, and reads the database's clock.
func (s *Store) lockCallStarts(ctx context.Context, tx *sql.Tx, account string) (p callStarts, now int64, err error) {
	lock := ""
	if s.db.Dialect == sqldb.Postgres {
		lock = " FOR UPDATE"
	}
	read := strings.ReplaceAll(`SELECT next_start, routine_next, retry_next, retry_start, {now} FROM call_pacing
		WHERE pair = $1`, "{now}", s.db.Dialect.NowMicrosExpr()) + lock
	scan := func() error {
		return tx.QueryRowContext(ctx, read, account).Scan(&p.next, &p.routine, &p.retryPromise, &p.retryGrant, &now)
	}
	if err = scan(); !errors.Is(err, sql.ErrNoRows) {
		return p, now, err
	}
	if _, err = tx.ExecContext(ctx,
		`INSERT INTO call_pacing (pair, next_start) VALUES ($1, 0) ON CONFLICT (pair) DO NOTHING`, account); err != nil {
		return p, 0, err
	}
	return p, now, scan()
}

// MaxStartDelay is how late a call may be made after its reserved start. A call that is later asks again.
const MaxStartDelay = 30 * time.Millisecond

// nearStart is how far ahead a start may be that a routine call is granted. It is a buffer of calls that wait in their
// processes, so that the account's starts are used though timers are late.
const nearStart = 2 * time.Second

// callStarts are the reservations of one account, in microseconds of the database's clock.
type callStarts struct {
	next         int64 // the next free start; only a granted start moves it
	routine      int64 // the next time that is promised to the first ask of a routine call
	retryPromise int64 // the next time that is promised to the second ask
	retryGrant   int64 // when the next third ask is due, if the ones before were granted at half of the starts
}

// reserve answers one ask. wait is the time from now until the turn's start.
func (p *callStarts) reserve(r CallStartRequest, now int64) (t Turn, wait time.Duration) {
	at, granted := p.decide(r, now)
	wait = time.Duration(at-now) * time.Microsecond
	switch {
	case granted:
		return Turn{Start: sqldb.FromMicros(at), Granted: true, Asks: r.Turn.Asks}, wait
	case r.MaxWait > 0:
		return Turn{}, wait
	}
	return Turn{Start: sqldb.FromMicros(at), Asks: r.Turn.Asks + 1}, wait
}

// decide returns the start that the call is granted, or the time at which it has to ask again.
func (p *callStarts) decide(r CallStartRequest, now int64) (at int64, granted bool) {
	if held := sqldb.ToMicros(r.Turn.Start); r.Turn.Granted && held+MaxStartDelay.Microseconds() >= now {
		return held, true
	}
	asks := r.Turn.Asks
	if r.Turn.Granted {
		asks = max(asks, 2) // the call was late for its start
	}
	start, spacing, near := max(now, p.next), r.Spacing.Microseconds(), nearStart.Microseconds()
	switch {
	case r.Lane == LaneUrgent:
		if r.MaxWait > 0 && start-now > r.MaxWait.Microseconds() {
			return start, false
		}
		if p.routine > start {
			p.routine += spacing // the routine calls that wait are delayed by this one
		}
		return p.grant(start, spacing), true
	case asks == 0:
		at = max(start, p.routine)
		isNear := at-now <= near
		if !isNear && r.MaxWait > 0 {
			return at, false
		}
		p.routine = at + spacing
		if !isNear {
			return at, false
		}
		return p.grant(start, spacing), true
	case asks == 1:
		if start-now <= near {
			return p.grant(start, spacing), true
		}
	default:
		// Calls that come back late, after an outage, all ask for the third time at once. They are spread again.
		if p.retryGrant-now <= near+2*spacing {
			p.retryGrant = max(now, p.retryGrant) + 2*spacing
			return p.grant(start, spacing), true
		}
	}
	at = max(start, p.retryPromise)
	p.retryPromise = at + 2*spacing
	return at, false
}

// grant reserves a start and returns it.
func (p *callStarts) grant(start, spacing int64) int64 {
	p.next = start + spacing
	return start
}

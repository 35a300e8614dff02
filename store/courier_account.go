package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// CourierRefusal says that a tracking service refuses our account. It is the mark of the account: there is one, however
// many orders wait for trackers.
type CourierRefusal struct {
	Service   string    // easypost
	Since     time.Time // of the first refusal without a success in between
	RefusedAt time.Time // of the last refusal
	Status    int       // HTTP status of the last answer
	Code      string    // the service's own code; may be empty
}

// courierRetryPause is how long no call is made after a refusal of the account. Then one caller tries.
const courierRetryPause = time.Minute

const courierRefusalColumns = `service, since, refused_at, status, code`

func scanCourierRefusal(row sqldb.Scanner) (r CourierRefusal, err error) {
	var since, refused int64
	err = row.Scan(&r.Service, &since, &refused, &r.Status, &r.Code)
	r.Since, r.RefusedAt = sqldb.FromMicros(since), sqldb.FromMicros(refused)
	return r, err
}

// CourierRefusals lists the accounts at tracking services that are refused now.
func (s *Store) CourierRefusals(ctx context.Context) ([]CourierRefusal, error) {
	all, err := sqldb.QueryAll(ctx, s.db.Reader, scanCourierRefusal,
		`SELECT `+courierRefusalColumns+` FROM courier_refusals ORDER BY service`)
	if err != nil {
		return nil, fmt.Errorf("listing refused courier accounts: %w", err)
	}
	return all, nil
}

// MayCallCourier reports whether a call to a tracking service may be made now. While the service refuses our account,
// one caller a minute may call, over all processes. refused says whether it is refused; then the caller reports a
// success with ClearCourierRefusal.
func (s *Store) MayCallCourier(ctx context.Context, service string) (may, refused bool, err error) {
	now := s.now()
	_, err = sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanInt,
		`SELECT 1 FROM courier_refusals WHERE service = $1`, service)
	if errors.Is(err, ErrNotFound) {
		return true, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("reading whether %s refuses the account: %w", service, err)
	}
	n, err := sqldb.ExecCount(ctx, s.db.Writer,
		`UPDATE courier_refusals SET retry_at = $1 WHERE service = $2 AND retry_at <= $3`,
		sqldb.ToMicros(now.Add(courierRetryPause)), service, sqldb.ToMicros(now))
	if err != nil {
		return false, true, fmt.Errorf("claiming a call to %s: %w", service, err)
	}
	return n == 1, true, nil
}

// NoteCourierRefusal records that a tracking service has refused our account, with the HTTP status and the service's
// code of its answer. It reports whether that is new.
func (s *Store) NoteCourierRefusal(ctx context.Context, service string, status int,
	code string) (isNew bool, err error) {
	now := s.now()
	since, err := sqldb.QueryOne(ctx, s.db.Writer, sqldb.ScanTime,
		`INSERT INTO courier_refusals (`+courierRefusalColumns+`, retry_at) VALUES ($1, $2, $2, $3, $4, $5)
		ON CONFLICT (service) DO UPDATE SET refused_at = excluded.refused_at, status = excluded.status,
			code = excluded.code, retry_at = excluded.retry_at
		RETURNING since`,
		service, sqldb.ToMicros(now), status, storableText(code), sqldb.ToMicros(now.Add(courierRetryPause)))
	if err != nil {
		return false, fmt.Errorf("recording that %s refuses the account: %w", service, err)
	}
	return since.Equal(sqldb.FromMicros(sqldb.ToMicros(now))), nil
}

// ClearCourierRefusal records that a tracking service takes our account again. Without a mark it does nothing.
func (s *Store) ClearCourierRefusal(ctx context.Context, service string) error {
	if _, err := s.db.Writer.ExecContext(ctx, `DELETE FROM courier_refusals WHERE service = $1`, service); err != nil {
		return fmt.Errorf("recording that %s takes the account: %w", service, err)
	}
	return nil
}

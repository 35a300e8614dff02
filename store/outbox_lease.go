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

// ErrLeaseLost means that another batch has taken the lease since.
var ErrLeaseLost = errors.New("another batch has taken the lease")

// DeliveryLease is the right of one batch to make the deliveries of one endpoint. It ends Duration after it was taken
// or renewed, by the database's clock.
type DeliveryLease struct {
	EndpointID string
	Owner      string // id of the batch
	Fence      int64  // rises each time that the endpoint's lease is taken; the highest one holds it
	Duration   time.Duration
}

// TakeDeliveryLease takes the lease of an endpoint for a batch when it is free, has expired, or is the batch's own. It
// sets the lease's Fence. When another batch holds the lease, the Fence is 0, and wait is the time until that lease
// expires unless it is renewed.
func (s *Store) TakeDeliveryLease(ctx context.Context, lease DeliveryLease) (taken DeliveryLease, wait time.Duration,
	err error) {
	// The UPDATE evaluates the clock again, because it may have waited for the row.
	take := s.withDatabaseClock(`INSERT INTO delivery_leases (endpoint_id, owner, fence, expires_at)
		VALUES ($1, $2, 1, {now} + $3)
		ON CONFLICT (endpoint_id) DO UPDATE
		SET owner = excluded.owner, fence = delivery_leases.fence + 1, expires_at = {now} + $3
		WHERE delivery_leases.expires_at <= {now} OR delivery_leases.owner = excluded.owner
		RETURNING fence`)
	left := s.withDatabaseClock(`SELECT expires_at - {now} FROM delivery_leases WHERE endpoint_id = $1`)
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		taken, wait = lease, 0
		fence, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt, take, lease.EndpointID, lease.Owner,
			lease.Duration.Microseconds())
		taken.Fence = int64(fence)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		micros, err := sqldb.QueryOne(ctx, tx, sqldb.ScanInt, left, lease.EndpointID)
		taken.Fence, wait = 0, max(time.Duration(micros)*time.Microsecond, time.Millisecond)
		return err
	})
	if err != nil {
		return DeliveryLease{}, 0, fmt.Errorf("taking the lease of endpoint %s: %w", lease.EndpointID, err)
	}
	return taken, wait, nil
}

// RenewDeliveryLease lets the lease end Duration from now. That also holds for a lease that has expired and that nobody
// has taken since. The error is ErrLeaseLost when another batch has taken it.
func (s *Store) RenewDeliveryLease(ctx context.Context, lease DeliveryLease) error {
	renewed, err := s.renewDeliveryLease(ctx, s.db.Writer, lease)
	if err == nil && !renewed {
		err = ErrLeaseLost
	}
	if err != nil {
		return fmt.Errorf("renewing the lease of endpoint %s: %w", lease.EndpointID, err)
	}
	return nil
}

// renewDeliveryLease reports whether the lease was renewed. It is not when another batch has taken it.
func (s *Store) renewDeliveryLease(ctx context.Context, q sqldb.Querier, lease DeliveryLease) (bool, error) {
	n, err := sqldb.ExecCount(ctx, q, s.withDatabaseClock(`UPDATE delivery_leases SET expires_at = {now} + $1
		WHERE endpoint_id = $2 AND fence = $3`), lease.Duration.Microseconds(), lease.EndpointID, lease.Fence)
	return n > 0, err
}

// ReleaseDeliveryLease frees the lease, so that the next batch need not wait until it expires. It changes nothing when
// another batch has taken it.
func (s *Store) ReleaseDeliveryLease(ctx context.Context, lease DeliveryLease) error {
	_, err := s.db.Writer.ExecContext(ctx,
		`UPDATE delivery_leases SET expires_at = 0 WHERE endpoint_id = $1 AND fence = $2`, lease.EndpointID, lease.Fence)
	if err != nil {
		return fmt.Errorf("releasing the lease of endpoint %s: %w", lease.EndpointID, err)
	}
	return nil
}

// withDatabaseClock replaces {now} in a statement by the expression of the database's clock.
func (s *Store) withDatabaseClock(statement string) string {
	return strings.ReplaceAll(statement, "{now}", s.db.Dialect.NowMicrosExpr())
}

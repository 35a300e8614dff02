package activities

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

const (
	// leaseSlack is by how much a lease outlasts an attempt that begins as soon as the lease is taken.
	leaseSlack      = 2 * time.Second
	leaseRenewAge   = time.Second            // a batch with attempts in progress renews a lease of this age
	leasePoll       = 500 * time.Millisecond // between two looks at a lease, another batch's or its own
	leaseRetryPause = 250 * time.Millisecond // before a failed renewal is repeated
	leaseCallLimit  = 5 * time.Second        // of one statement
)

// batchLease is a batch's lease of its endpoint. It knows how much of the lease is left without asking the database: it
// counts from before each call that took or renewed it.
type batchLease struct {
	db      *store.Store
	log     *slog.Logger
	postMax time.Duration // the longest duration of an attempt

	renewing sync.Mutex // held during a renewal, so that waiting attempts share one

	mu        sync.Mutex
	lease     store.DeliveryLease // its Fence is 0 before it is taken
	renewedAt time.Time
	lost      bool // another batch has taken it
}

func newBatchLease(a *Activities, endpointID string) *batchLease {
	postMax := a.Sender.Timeout()
	return &batchLease{db: a.Store, log: a.Log, postMax: postMax,
		lease: store.DeliveryLease{EndpointID: endpointID, Owner: sqldb.NewID(), Duration: postMax + leaseSlack}}
}

// take tries to take the lease. When another batch holds it, wait is the time until it expires unless it is renewed.
func (l *batchLease) take(ctx context.Context) (wait time.Duration, err error) {
	lease, _, _ := l.state()
	began := time.Now()
	taken, wait, err := l.db.TakeDeliveryLease(ctx, lease)
	if err != nil || taken.Fence == 0 {
		return wait, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lease, l.renewedAt = taken, began
	return 0, nil
}

func (l *batchLease) state() (lease store.DeliveryLease, renewedAt time.Time, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lease, l.renewedAt, l.lost
}

func (l *batchLease) isTaken() bool {
	lease, _, _ := l.state()
	return lease.Fence > 0
}

// age returns how long ago the lease was taken or renewed. A clock that stood still while the machine was suspended
// does not make it younger.
func (l *batchLease) age() time.Duration {
	_, at, _ := l.state()
	now := time.Now()
	return max(now.Sub(at), now.Round(0).Sub(at.Round(0)))
}

// ensure returns nil when the lease outlasts an attempt that begins now. It renews the lease when it has to. While the
// store is unavailable it tries again until the lease has expired, and then returns the error, so that another worker
// can make the deliveries. The error is store.ErrLeaseLost when another batch has taken the lease.
func (l *batchLease) ensure(ctx context.Context) error {
	for {
		lease, _, lost := l.state()
		if lost {
			return store.ErrLeaseLost
		}
		if lease.Duration-l.age() >= l.postMax {
			return nil
		}
		if err := l.renew(ctx, leaseSlack); err != nil {
			if errors.Is(err, store.ErrLeaseLost) || l.age() >= lease.Duration {
				return err
			}
			l.log.WarnContext(ctx, "lease of an endpoint not renewed yet", "endpoint_id", lease.EndpointID, "error", err)
			if err := sleep(ctx, leaseRetryPause); err != nil {
				return err
			}
		}
	}
}

// renew renews the lease if it is older than the age.
func (l *batchLease) renew(ctx context.Context, older time.Duration) error {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	if l.age() < older {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, leaseCallLimit)
	defer cancel()
	lease, _, _ := l.state()
	began := time.Now()
	err := l.db.RenewDeliveryLease(ctx, lease)
	l.noteRenewal(began, errors.Is(err, store.ErrLeaseLost), err)
	return err
}

// noteRenewal notes the result of a renewal whose call began at a time.
func (l *batchLease) noteRenewal(began time.Time, lost bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = l.lost || lost
	if err == nil && !lost && began.After(l.renewedAt) {
		l.renewedAt = began
	}
}

// release frees the lease after the batch. If that fails, the lease expires.
func (l *batchLease) release(ctx context.Context) {
	lease, _, lost := l.state()
	if lease.Fence == 0 || lost {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseCallLimit)
	defer cancel()
	if err := l.db.ReleaseDeliveryLease(ctx, lease); err != nil {
		l.log.WarnContext(ctx, "lease of an endpoint not released", "endpoint_id", lease.EndpointID, "error", err)
	}
}

// acquireLease waits until no other batch makes the deliveries of the endpoint, and takes the lease. It returns false
// when the batch has to end first.
func (b *batch) acquireLease(ctx context.Context) (bool, error) {
	waited := false
	for !b.isStopped() && !workerStopping(ctx) {
		wait, err := b.lease.take(ctx)
		if err != nil || b.lease.isTaken() {
			return err == nil, err
		}
		if !waited {
			waited = true
			b.Metrics.leases.WithLabelValues("waited").Inc()
			b.Log.InfoContext(ctx, "another batch makes the deliveries of the endpoint", "endpoint_id", b.endpoint.ID,
				"lease_left", wait)
		}
		if err := sleep(ctx, min(wait, leasePoll)); err != nil {
			return false, err
		}
	}
	return false, nil
}

// mayPost reports whether an attempt may begin now: the batch holds the lease for as long as the attempt can take.
// Otherwise the batch hands out nothing more.
func (b *batch) mayPost(ctx context.Context) bool {
	if b.ignoresLeases {
		return true
	}
	err := b.lease.ensure(ctx)
	b.stopWithoutLease(ctx, err)
	return err == nil
}

// stopWithoutLease ends the batch if the error says that its lease is lost or cannot be renewed.
func (b *batch) stopWithoutLease(ctx context.Context, err error) {
	switch {
	case err == nil:
	case !errors.Is(err, store.ErrLeaseLost):
		b.stop(err)
	case b.stop(nil):
		b.Metrics.leases.WithLabelValues("lost").Inc()
		b.Log.WarnContext(ctx, "another batch has taken over the deliveries of the endpoint", "endpoint_id", b.endpoint.ID)
	}
}

// keepLease renews the lease while attempts are in progress or not recorded, until the returned function is called.
// Attempts that are recorded renew it too, so a busy batch seldom needs this.
func (b *batch) keepLease(ctx context.Context) (stop func()) {
	ctx = context.WithoutCancel(ctx)
	return repeatUntilStopped(leasePoll, func() {
		if !b.lease.isTaken() || !b.hasUnrecorded() || b.lease.age() < leaseRenewAge {
			return
		}
		err := b.lease.renew(ctx, leaseRenewAge)
		if errors.Is(err, store.ErrLeaseLost) {
			b.stopWithoutLease(ctx, err) // other errors matter to the next attempt only
		}
	})
}

// postingContext returns the context of the attempts. Temporal cancels a batch when it has replaced it, but an attempt
// in progress ends as it would, because the batch that replaces this one waits for the lease. Only a worker that stops
// cuts attempts off, at the end of its time.
func postingContext(ctx context.Context) (posting context.Context, end func()) {
	posting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-activity.GetWorkerStopChannel(ctx):
			cancel()
		case <-posting.Done():
		}
	})
	return posting, func() { stop(); cancel() }
}

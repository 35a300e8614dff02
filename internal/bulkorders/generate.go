// Package bulkorders fills an empty database with generated orders for tests and benchmarks. The orders belong to many
// teams, users and labs, cover two years and have every status. Last names have realistic frequencies. Rows are sealed
// and hashed as real ones are.
package bulkorders

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/store"
)

// Options describe the orders to generate.
type Options struct {
	Orders   int
	Seed     uint64    // the same seed generates the same orders
	NewestAt time.Time // when the newest order was created. Defaults to now.
}

// ErrNotEmpty means that the database already has orders.
var ErrNotEmpty = errors.New("the database already has orders: use an empty database")

// batchSize is how many orders are written in one transaction.
const batchSize = 2000

// GenerateOrders generates orders in a migrated database without orders, and returns their teams. The first team has
// half of the orders, the others share the rest.
func GenerateOrders(ctx context.Context, db *store.Store, o Options) ([]store.Team, error) {
	if o.NewestAt.IsZero() {
		o.NewestAt = time.Now()
	}
	if filled, err := db.HasOrders(ctx); err != nil || filled {
		return nil, errors.Join(err, errorIf(filled, ErrNotEmpty))
	}
	w := newGenerator(o)
	for _, t := range w.teams {
		if err := db.CreateTeam(ctx, t); err != nil {
			return nil, err
		}
	}
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 1)
	for from := 0; from < o.Orders; from += batchSize {
		to := min(from+batchSize, o.Orders)
		group.Go(func() error {
			return errors.Join(db.BulkInsertUsers(running, w.usersOf(from, to)),
				db.BulkInsertOrders(running, w.newOrders(from, to)))
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("generating orders: %w", err)
	}
	// If autovacuum analyzes the tables at the same time, newer rows are not vacuumed. A second analysis finishes the
	// work.
	return w.teams, errors.Join(db.Analyze(ctx), db.Analyze(ctx))
}

func errorIf(holds bool, err error) error {
	if holds {
		return err
	}
	return nil
}

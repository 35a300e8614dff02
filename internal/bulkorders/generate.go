// Package bulkorders fills an empty database with generated orders, for tests and benchmarks: of many teams, users and labs, over two years, in
// every status, with names as common and as rare as people's. They are written as real ones are, sealed and with keyed hashes.
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

// Options say what to generate.
type Options struct {
	Orders   int
	Seed     uint64    // the same one makes the same orders
	NewestAt time.Time // when the newest order was created. Defaults to now.
}

// ErrNotEmpty says that a database has orders, among which generated ones must not come.
var ErrNotEmpty = errors.New("the database has orders already, and generated ones must not come among them: give it an empty one")

// batchSize is how many orders are written in one transaction.
const batchSize = 2000

// GenerateOrders generates orders into a migrated database without any, and returns their teams: the first has half of the orders, the others
// share the rest.
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
	// PostgreSQL may have begun to look at the tables by itself, which keeps what has come since from being vacuumed. The second time
	// finds little to do.
	return w.teams, errors.Join(db.Analyze(ctx), db.Analyze(ctx))
}

func errorIf(holds bool, err error) error {
	if holds {
		return err
	}
	return nil
}

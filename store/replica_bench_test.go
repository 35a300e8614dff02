package store

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// BenchmarkReadAuditedByReplica compares audited readings of an order by the replica with readings by the primary
// alone, with eight callers. Both servers run on this machine, so the load on the primary is not what it measures.
func BenchmarkReadAuditedByReplica(b *testing.B) {
	const callers, reads = 8, 25
	r := newReplicated(b, time.Hour, nil)
	team := sqldb.NewID()
	require.NoError(b, r.direct.CreateTeam(b.Context(), Team{ID: team, Name: "Acme", Environment: Sandbox}))
	created, err := r.direct.CreateOrder(b.Context(), newOrder(r.direct, team))
	require.NoError(b, err)
	o := created.Order
	r.waitUntilReplayed()
	run := func(s *Store) time.Duration {
		var wait sync.WaitGroup
		began := time.Now()
		for range callers {
			wait.Go(func() {
				for range reads {
					if _, err := s.ReadOrderAudited(b.Context(), o.TeamID, o.ID, auditedRead); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wait.Wait()
		return time.Since(began)
	}
	run(r.direct) // warms up connections, plans and caches
	run(r.store)
	var ratios, direct, replica []float64
	for b.Loop() {
		d, w := run(r.direct).Seconds(), run(r.store).Seconds()
		ratios, direct, replica = append(ratios, w/d), append(direct, d), append(replica, w)
	}
	for _, times := range [][]float64{ratios, direct, replica} {
		slices.Sort(times)
	}
	require.NotEmpty(b, ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(callers*reads/direct[len(direct)/2], "primary/s")
	b.ReportMetric(callers*reads/replica[len(replica)/2], "replica/s")
	b.ReportMetric(0, "ns/op")
}

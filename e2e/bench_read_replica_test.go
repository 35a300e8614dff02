package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// BenchmarkReadOrderByReplica compares GET /v3/order/{id} answered by a replica of the database with the same request
// answered by the primary alone. All servers share this machine, so it measures the cost of a request, not what the
// primary gains. The ratio is of the times: 1.25 is a quarter slower.
func BenchmarkReadOrderByReplica(b *testing.B) {
	server, err := postgrestest.StartPersistent(b.Context())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, server.Remove()) })
	url, err := server.CreateDatabase("reads")
	require.NoError(b, err)
	s := newSearchStore(b, url, 1000)
	primary := newReadBenchmark(b, s)

	standby, err := server.StartStandby(b.Context())
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, standby.Stop()) })
	replicaURL, err := standby.DatabaseURL(url)
	require.NoError(b, err)
	s.Store, err = store.Open(b.Context(), store.Options{URL: url, Keys: s.keys,
		Replica: sqldb.ReplicaOptions{URL: replicaURL, MaxAge: time.Minute}})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	replica := newReadBenchmark(b, s)

	primary.run(b) // warms up connections, plans and caches; the replica is checked meanwhile
	replica.run(b)
	var ratios []float64 // of consecutive runs, so that load on the machine affects both
	for b.Loop() {
		alone, replicated := primary.run(b), replica.run(b)
		ratios = append(ratios, float64(replicated)/float64(alone))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
	b.ReportMetric(0, "ns/op")
}

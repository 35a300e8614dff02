package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// BenchmarkRecord measures the recording of one event of an order with ten events and one endpoint.
func BenchmarkRecord(b *testing.B) {
	const history = 10
	for _, engine := range engines {
		b.Run(string(engine), func(b *testing.B) {
			s := openStore(b, engineURL(b, engine))
			require.NoError(b, s.Migrate(b.Context()))
			team := sqldb.NewID()
			require.NoError(b, s.CreateTeam(b.Context(), Team{ID: team, Name: "Acme", Environment: Sandbox}))
			require.NoError(b, s.CreateEndpoint(b.Context(),
				Endpoint{ID: sqldb.NewID(), TeamID: team, URL: "https://client.example/hook"}))
			var st order.State
			for i := 0; b.Loop(); i++ {
				if i%history == 0 {
					b.StopTimer()
					c, err := s.CreateOrder(b.Context(), newOrder(s, team))
					require.NoError(b, err)
					st = c.Order.State
					b.StartTimer()
				}
				d := decisionWithSteps(st, s.now(), []lifecycle.LowStatus{lifecycle.TransitCustomer, lifecycle.WithCustomer}[i%2])
				out, err := s.Record(b.Context(), order.Recording{
					OrderID: st.OrderID, Revision: st.Revision, Cause: order.CauseCall(sqldb.NewID()), Decision: d,
				})
				require.NoError(b, err)
				st = d.Next
				st.Revision = out.Revision
			}
		})
	}
}

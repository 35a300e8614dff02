package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestOrdersToAsk(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		in := func(lows ...lifecycle.LowStatus) string {
			o := addOrder(t, s)
			if len(lows) == 0 {
				return o.ID
			}
			_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall(sqldb.NewID())},
				func(st order.State) order.Decision { return decisionWithSteps(st, s.now(), lows...) })
			require.NoError(t, err)
			return o.ID
		}
		ended := []lifecycle.LowStatus{lifecycle.RequisitionCreated, lifecycle.DeliveredToLab, lifecycle.Completed}
		longAgo := in(ended...)
		forward(40 * order.Day)
		unsent, placed := in(), in(lifecycle.RequisitionCreated)
		transit, recent := in(lifecycle.RequisitionCreated, lifecycle.TransitLab), in(ended...)
		toAsk := func(askedSince time.Time, after string, limit int) []string {
			ids, err := s.OrdersToAsk(t.Context(), s.now().Add(-30*order.Day), askedSince, after, limit)
			require.NoError(t, err)
			return ids
		}
		began := s.now()
		all := []string{unsent, placed, transit, recent}
		require.Equal(t, all, toAsk(began, "", 10))
		require.NotContains(t, toAsk(began, "", 10), longAgo)
		require.Equal(t, []string{transit}, toAsk(began, placed, 1))

		forward(time.Second)
		call := func(id, kind, outcome string) {
			c := PartnerCall{ID: sqldb.NewID(), OrderID: id, Kind: kind}
			_, err := s.RecordPartnerCallStart(t.Context(), c)
			require.NoError(t, err)
			if outcome != "" {
				require.NoError(t, s.RecordPartnerCallEnd(t.Context(), c.ID, outcome, nil))
			}
		}
		call(unsent, CallKindPoll, "unanswered")
		call(placed, CallKindPoll, "busy:503")
		call(transit, CallKindPoll, "")
		call(recent, CallKindPollProvider, "done")
		require.Equal(t, all, toAsk(began, "", 10), "the control: no lab has answered")
		call(placed, CallKindPoll, "done")
		call(transit, CallKindPoll, "not_supported")
		require.Equal(t, []string{unsent, recent}, toAsk(began, "", 10))
		require.Equal(t, all, toAsk(s.now().Add(time.Second), "", 10), "an earlier answer does not count")
	})
}

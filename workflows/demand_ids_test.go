package workflows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// TestDemandsWithoutAUsableIDAreRejected: somebody can send an update by hand. One under whose id nothing can be
// recorded is rejected, and the order goes on.
func TestDemandsWithoutAUsableIDAreRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reply := func() *demandReply { return &demandReply{now: w.now, accepted: make(chan struct{})} }
	usable := uuid.Must(uuid.NewV7()).String()
	var rejected []*demandReply
	for _, id := range []string{"", "a\x00b", "a b", "\u00e9", strings.Repeat("x", 101),
		"no-uuid", "{" + usable + "}", strings.ToUpper(usable)} {
		r := reply()
		rejected = append(rejected, r)
		w.at(time.Hour, func() {
			d := cancelDemand()
			d.ID = id
			w.env.UpdateWorkflow(dispatch.UpdateDemand, uuid.NewString(), r, d)
		})
	}
	nonsense := reply()
	w.at(2*time.Hour, func() {
		w.env.UpdateWorkflow(dispatch.UpdateDemand, uuid.NewString(), nonsense,
			order.Demand{ID: usable, Kind: "nonsense"})
	})
	cancelled := w.demandAt(3*time.Hour, cancelDemand())
	w.run()
	for _, r := range rejected {
		require.ErrorContains(t, r.err, "no usable id")
		require.False(t, r.Answered)
	}
	require.True(t, nonsense.Answered, "the control: it is refused by the rules")
	require.False(t, nonsense.Done)
	require.NotEmpty(t, nonsense.Reason)
	require.True(t, cancelled.Done)
	require.Equal(t, []lifecycle.LowStatus{ordered, created, lifecycle.Cancelled}, w.statusHistory())
}

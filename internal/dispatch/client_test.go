package dispatch_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// errTaskFailed is the server's answer if a signal arrives just when the run would end: the task with the update fails.
var errTaskFailed = serviceerror.NewWorkflowNotReady(
	"Unable to perform workflow execution update due to unexpected workflow task failure.")

func TestDemandRetriesWithoutARun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault error
		asked int
	}{
		"the task failed":        {errTaskFailed, 2},
		"the run is over":        {serviceerror.NewNotFound("workflow execution already completed"), 2},
		"the run has just ended": {temporal.NewApplicationError("ended", "AcceptedUpdateCompletedWorkflow"), 2},
		"anything else":          {errors.New("no"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, err := sendDemand(t, test.fault)
			require.Len(t, asked, test.asked)
			if test.asked == 1 {
				var away *dispatch.UnavailableError
				require.ErrorAs(t, err, &away)
				require.ErrorIs(t, err, test.fault)
				return
			}
			require.NoError(t, err)
			require.Equal(t, asked[0], asked[1], "it may have been recorded the first time")
		})
	}
}

// sendDemand makes a demand whose first answer is an error. It returns the demands that the order's workflow got.
func sendDemand(t *testing.T, first error) (asked []order.Demand, err error) {
	t.Helper()
	handle := &mocks.WorkflowUpdateHandle{}
	handle.On("Get", mock.Anything, mock.Anything).Return(nil)
	c := &mocks.Client{}
	c.On("CheckHealth", mock.Anything, mock.Anything).Return(&client.CheckHealthResponse{}, nil)
	c.On("NewWithStartWorkflowOperation", mock.Anything, mock.Anything, mock.Anything).Return(nil)
	note := func(args mock.Arguments) {
		update := args.Get(1).(client.UpdateWithStartWorkflowOptions).UpdateOptions
		asked = append(asked, update.Args[0].(order.Demand))
	}
	c.On("UpdateWithStartWorkflow", mock.Anything, mock.Anything).Run(note).Return(nil, first).Once()
	c.On("UpdateWithStartWorkflow", mock.Anything, mock.Anything).Run(note).Return(handle, nil)
	_, err = dispatch.NewClient(c).Demand(t.Context(), "an-order", order.Demand{ID: "a-demand", Kind: order.DemandCancel})
	return asked, err
}

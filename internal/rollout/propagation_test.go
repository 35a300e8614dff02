package rollout

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	deploymentpb "go.temporal.io/api/deployment/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
)

// propagatingService is a Temporal that reports propagation until a given time.
type propagatingService struct {
	workflowservice.WorkflowServiceClient
	propagatedAt time.Time
	err          error
}

// propagatingClient is a connection to it.
type propagatingClient struct {
	client.Client
	service propagatingService
}

func (c *propagatingClient) WorkflowService() workflowservice.WorkflowServiceClient {
	return &c.service
}

func (t *propagatingService) DescribeWorkerDeployment(
	context.Context, *workflowservice.DescribeWorkerDeploymentRequest, ...grpc.CallOption,
) (*workflowservice.DescribeWorkerDeploymentResponse, error) {
	state := enumspb.ROUTING_CONFIG_UPDATE_STATE_COMPLETED
	if time.Now().Before(t.propagatedAt) {
		state = enumspb.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS
	}
	return &workflowservice.DescribeWorkerDeploymentResponse{
		WorkerDeploymentInfo: &deploymentpb.WorkerDeploymentInfo{RoutingConfigUpdateState: state},
	}, t.err
}

// TestAwaitPropagation checks that a change is made only when all task queues know it. Before that, orders may run on
// the build before.
func TestAwaitPropagation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		takes time.Duration
		err   error
		after time.Duration // when propagation ends
		want  string        // what the error contains; empty: no error
	}{
		"it is known at once":    {},
		"it spreads for a while": {takes: 10 * time.Second, after: 10 * time.Second},
		"it spreads for too long": {takes: time.Hour, after: propagationTimeout,
			want: `the change of the deployment "aliquot" is made`},
		"nothing is known of the deployment": {err: serviceerror.NewNotFound("deployment not found")},
		"Temporal cannot be asked": {err: serviceerror.NewPermissionDenied("no", ""),
			want: "asking Temporal about the deployment"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				err := Open(&propagatingClient{service: propagatingService{propagatedAt: begun.Add(c.takes), err: c.err}},
					"default",
					"aliquot").awaitPropagation(t.Context())
				require.Equal(t, c.after, time.Since(begun))
				if c.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, c.want)
			})
		})
	}
}

// TestAwaitPropagationEndsWithItsContext checks that the wait ends with its context.
func TestAwaitPropagationEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Open(&propagatingClient{service: propagatingService{propagatedAt: time.Now().Add(time.Hour)}}, "default",
		"aliquot").awaitPropagation(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

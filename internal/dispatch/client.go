package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// UnavailableError says that Temporal, or the order's workflow, did not answer in time. Whether the demand takes effect is open: the
// same demand id may be asked again.
type UnavailableError struct{ Cause error }

func (e *UnavailableError) Error() string {
	return "the order's workflow did not answer: " + e.Cause.Error()
}

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Cause }

// Unavailable marks the error for callers that do not import this package.
func (e *UnavailableError) Unavailable() bool { return true }

// nudgeInterval is how old a nudge that is known to have arrived must be before another is sent. It is shorter than a batch lingers,
// so the batch that the last one began finds what was committed meanwhile.
const nudgeInterval = time.Second

// Client starts and reaches workflows. It is safe for concurrent use.
type Client struct {
	temporal client.Client
	now      func() time.Time

	mu             sync.Mutex
	lastNudgeAt    map[string]time.Time     // when the nudge was sent that is known to have arrived last, by endpoint
	nudgesInFlight map[string]chan struct{} // closed when the nudge that is being sent has arrived or failed, by endpoint
}

// NewClient wraps a Temporal client.
func NewClient(c client.Client) *Client {
	return &Client{temporal: c, now: time.Now, lastNudgeAt: map[string]time.Time{},
		nudgesInFlight: map[string]chan struct{}{}}
}

// StartOrder starts the workflow of a newly created order. One that exists already, running or not, is left alone.
func (c *Client) StartOrder(ctx context.Context, orderID string) error {
	o := orderOptions(orderID)
	o.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	_, err := c.startOrderRun(ctx, orderID, o)
	return err
}

// EnsureOrder makes sure that an order has a running workflow. It reports whether one had to be started.
func (c *Client) EnsureOrder(ctx context.Context, orderID string) (started bool, err error) {
	return c.startOrderRun(ctx, orderID, orderOptions(orderID))
}

// startOrderRun starts an order's workflow unless the options forbid it for one that exists.
func (c *Client) startOrderRun(ctx context.Context, orderID string,
	o client.StartWorkflowOptions) (started bool, err error) {
	o.WorkflowExecutionErrorWhenAlreadyStarted = true
	_, err = c.temporal.ExecuteWorkflow(ctx, o, WorkflowOrder, OrderInput{OrderID: orderID})
	if _, ok := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); ok {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("starting the workflow of order %s: %w", orderID, err)
	}
	return true, nil
}

// SignalFact hands a partner's report to the order's workflow, and starts a run where none is open: an ended order takes corrections.
func (c *Client) SignalFact(ctx context.Context, orderID string, f order.Fact) error {
	_, err := c.temporal.SignalWithStartWorkflow(ctx, OrderWorkflowID(orderID), SignalFact, f, orderOptions(orderID),
		WorkflowOrder,
		OrderInput{OrderID: orderID})
	if err != nil {
		return fmt.Errorf("signalling order %s: %w", orderID, err)
	}
	return nil
}

// WakeOrder tells an order's run to look at what is recorded of the order, and starts one where there is none: it ends at once when
// there is nothing to do.
func (c *Client) WakeOrder(ctx context.Context, orderID string) error {
	_, err := c.temporal.SignalWithStartWorkflow(ctx, OrderWorkflowID(orderID), SignalWake, nil, orderOptions(orderID),
		WorkflowOrder,
		OrderInput{OrderID: orderID})
	if err != nil {
		return fmt.Errorf("waking order %s: %w", orderID, err)
	}
	return nil
}

// Demand asks something of an order and waits for the answer, as long as ctx allows. The demand's id makes it idempotent. Errors:
// *UnavailableError.
func (c *Client) Demand(ctx context.Context, orderID string, d order.Demand) (order.DemandAnswer, error) {
	// The SDK would retry an unreachable server for as long as ctx allows; the caller is told at once.
	if err := c.CheckReachable(ctx); err != nil {
		return order.DemandAnswer{}, &UnavailableError{Cause: err}
	}
	const tries = 3
	var err error
	for range tries {
		var answer order.DemandAnswer
		if answer, err = c.updateOrder(ctx, orderID, d); err == nil {
			return answer, nil
		}
		if refused, ok := RefusalAnswer(err); ok {
			return refused, nil
		}
		if !foundNoRun(err) {
			break
		}
		d.IsRetry = true
	}
	return order.DemandAnswer{}, &UnavailableError{Cause: err}
}

func (c *Client) updateOrder(ctx context.Context, orderID string, d order.Demand) (order.DemandAnswer, error) {
	o := orderOptions(orderID)
	o.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	handle, err := c.temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: c.temporal.NewWithStartWorkflowOperation(o, WorkflowOrder, OrderInput{OrderID: orderID}),
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID:     d.ID,
			WorkflowID:   OrderWorkflowID(orderID),
			UpdateName:   UpdateDemand,
			Args:         []any{d},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return order.DemandAnswer{}, err
	}
	var answer order.DemandAnswer
	return answer, handle.Get(ctx, &answer)
}

// foundNoRun reports whether the update found no run that could answer it: the run was over, or the task that took the update failed,
// as one does that would end the run just when a signal comes. The next try finds the run going on, or starts another.
func foundNoRun(err error) bool {
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return true
	}
	if _, ok := errors.AsType[*serviceerror.WorkflowNotReady](err); ok {
		return true
	}
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && app.Type() == "AcceptedUpdateCompletedWorkflow"
}

// RefusalAnswer reads the answer of a validator that refused a demand.
func RefusalAnswer(err error) (order.DemandAnswer, bool) {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || app.Type() != ErrorRefused {
		return order.DemandAnswer{}, false
	}
	var answer order.DemandAnswer
	return answer, app.Details(&answer) == nil
}

// RefusalError is the error by which a validator refuses a demand.
func RefusalError(r order.Reason, from lifecycle.LowStatus) error {
	return temporal.NewNonRetryableApplicationError("refused: "+string(r), ErrorRefused, nil,
		order.DemandAnswer{Reason: r, FromStatus: from})
}

// NudgeDeliveries tells an endpoint's delivery workflow that there is something to deliver, and starts it where it does not run.
// Nudges are coalesced per endpoint: one at a time is sent, and none while the last one is fresh. So a Temporal that is slow is not
// asked by everybody at once for the same.
func (c *Client) NudgeDeliveries(ctx context.Context, endpointID string) error {
	sent, err := c.acquireNudge(ctx, endpointID)
	if sent == nil || err != nil {
		return err
	}
	at := c.now()
	_, err = c.temporal.SignalWithStartWorkflow(ctx, DeliveriesWorkflowID(endpointID), SignalNudge, nil,
		client.StartWorkflowOptions{
			ID:        DeliveriesWorkflowID(endpointID),
			TaskQueue: QueueDeliveries,
		}, WorkflowDeliveries, DeliveriesInput{EndpointID: endpointID})
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.nudgesInFlight, endpointID)
	close(sent)
	if err != nil {
		return fmt.Errorf("nudging the deliveries of endpoint %s: %w", endpointID, err)
	}
	c.lastNudgeAt[endpointID] = at
	return nil
}

// acquireNudge waits until nobody else nudges the endpoint. It returns nil when a nudge is not needed any more, and otherwise what to
// close when it has been sent.
func (c *Client) acquireNudge(ctx context.Context, endpointID string) (sent chan struct{}, err error) {
	for {
		c.mu.Lock()
		fresh := c.now().Sub(c.lastNudgeAt[endpointID]) < nudgeInterval
		others := c.nudgesInFlight[endpointID]
		if !fresh && others == nil {
			sent = make(chan struct{})
			c.nudgesInFlight[endpointID] = sent
		}
		c.mu.Unlock()
		if fresh || sent != nil {
			return sent, nil
		}
		select {
		case <-others:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting to nudge the deliveries of endpoint %s: %w", endpointID, ctx.Err())
		}
	}
}

// reachTimeout is how soon Temporal has to answer to count as reachable.
const reachTimeout = 2 * time.Second

// CheckReachable reports whether Temporal answers.
func (c *Client) CheckReachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	if _, err := c.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("reaching Temporal: %w", err)
	}
	return nil
}

func orderOptions(orderID string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: OrderWorkflowID(orderID), TaskQueue: QueueOrders}
}

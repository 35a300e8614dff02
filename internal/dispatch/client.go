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

	"github.com/aliquot-labs/aliquot/order"
)

// UnavailableError says that Temporal, or the order's workflow, did not answer in time. The demand may or may not take
// effect. The caller may repeat it with the same id.
type UnavailableError struct{ Cause error }

func (e *UnavailableError) Error() string {
	return "the order's workflow did not answer: " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Cause }

// Unavailable lets callers recognise the error without importing this package.
func (e *UnavailableError) Unavailable() bool { return true }

// nudgeInterval is the least time between a nudge that arrived and the next one. It is shorter than the time that a
// batch lingers, so the running batch finds what was committed since its nudge.
const nudgeInterval = time.Second

// Client starts and reaches workflows. It is safe for concurrent use.
type Client struct {
	temporal client.Client
	now      func() time.Time

	mu             sync.Mutex
	lastNudgeAt    map[string]time.Time     // when the last nudge that arrived was sent, by endpoint
	nudgesInFlight map[string]chan struct{} // closed when the nudge in flight has arrived or failed, by endpoint
}

// NewClient returns a client that uses a Temporal client.
func NewClient(c client.Client) *Client {
	return &Client{temporal: c, now: time.Now, lastNudgeAt: map[string]time.Time{},
		nudgesInFlight: map[string]chan struct{}{}}
}

// StartOrder starts the workflow of a new order. It does nothing if the workflow exists, running or not.
func (c *Client) StartOrder(ctx context.Context, orderID string) error {
	o := orderOptions(orderID)
	o.WorkflowIDReusePolicy = enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	_, err := c.startOrderRun(ctx, orderID, o)
	return err
}

// EnsureOrder starts an order's workflow if none is running, and reports whether it did.
func (c *Client) EnsureOrder(ctx context.Context, orderID string) (started bool, err error) {
	return c.startOrderRun(ctx, orderID, orderOptions(orderID))
}

// startOrderRun starts an order's workflow, unless the options forbid it because one exists.
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

// WakeOrder makes an order's run look into the store. It starts a run if none is open, because an order that has ended
// can get corrections; that run ends at once if there is nothing to do.
func (c *Client) WakeOrder(ctx context.Context, orderID string, w Wake) error {
	_, err := c.temporal.SignalWithStartWorkflow(ctx, OrderWorkflowID(orderID), SignalWake, w, orderOptions(orderID),
		WorkflowOrder,
		OrderInput{OrderID: orderID})
	if err != nil {
		return fmt.Errorf("waking order %s: %w", orderID, err)
	}
	return nil
}

// Demand makes a demand on an order and waits for the answer, as long as ctx allows. It checks first that Temporal can
// be reached, and tries up to three times where a run ends before it answers. The demand's id makes it idempotent.
// Errors: *UnavailableError.
func (c *Client) Demand(ctx context.Context, orderID string, d order.Demand) (order.DemandAnswer, error) {
	// The SDK would retry an unreachable server for as long as ctx allows. The caller gets the error at once.
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
		if !foundNoRun(err) {
			break
		}
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

// foundNoRun reports whether no run could answer the update: the run had ended, or the task that took the update
// failed. A task fails in this way if a signal arrives when the task would end the run. The next try finds the run or
// starts another.
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

// NudgeDeliveries signals an endpoint's deliveries workflow that there is something to deliver, and starts it if it is
// not running. Nudges are coalesced per endpoint: one at a time is sent, and none for nudgeInterval after one that
// arrived. So many callers do not send the same nudge to a slow Temporal.
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

// acquireNudge waits until no other nudge of the endpoint is in flight. It returns nil if no nudge is needed any more,
// and otherwise a channel that the caller closes after its nudge.
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

// CheckReachable returns an error if Temporal does not answer within reachTimeout.
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

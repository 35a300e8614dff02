package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/simulation"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// SimulationFlags describe the results of a simulated order.
type SimulationFlags struct {
	Interpretation *string `json:"interpretation,omitempty" enum:"normal,abnormal,critical,unknown"`

	ResultTypes []string `json:"result_types,omitempty" enum:"numeric,range,comment,coded_value"`

	HasMissingResults *bool `json:"has_missing_results,omitempty"`
}

type simulateInput struct {
	OrderPath
	FinalStatus string `query:"final_status" doc:"The full status to stop at. Defaults to that of a completed order."`
	Delay       int    `query:"delay" minimum:"0" maximum:"3600" doc:"Seconds between two statuses."`
	Body        *SimulationFlags
}

// Resolve checks what a schema cannot say.
func (in *simulateInput) Resolve(huma.Context) []error {
	if in.FinalStatus != "" && !lifecycle.Status(in.FinalStatus).Valid() {
		return []error{newProblem("enum", "Input should be a status such as completed.testkit.completed",
			"query.final_status")}
	}
	return nil
}

func (in *simulateInput) toOptions() simulation.Options {
	o := simulation.Options{Pause: time.Duration(in.Delay) * time.Second}
	if in.Body == nil {
		return o
	}
	if i := in.Body.Interpretation; i != nil && *i != string(order.InterpretationNormal) {
		o.Interpretation = *i
	}
	o.ResultTypes = in.Body.ResultTypes
	o.Missing = in.Body.HasMissingResults != nil && *in.Body.HasMissingResults
	return o
}

func (s *server) simulationRoutes() {
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "simulate-order", Method: http.MethodPost, Path: "/v3/order/{order_id}/test",
		Tags:        []string{tagOrders},
		Summary:     "Advance a sandbox order to a status through its simulated partners",
		Errors:      []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable},
		Middlewares: huma.Middlewares{nullBodyAsEmpty},
	}, s.simulate)
}

// simulate advances an order of a sandbox team to a status through the simulated lab. It replaces the order's script
// there.
func (s *server) simulate(ctx context.Context, in *simulateInput) (*body[PostOrderResponse], error) {
	team := callerOf(ctx).team
	if team.Environment != store.Sandbox {
		return nil, newError(http.StatusNotFound, "Orders are simulated in the sandbox only")
	}
	o, err := s.Store.Order(ctx, team.ID, canonicalUUID(in.OrderID))
	if err != nil {
		return nil, mapNotFound(err, "Order")
	}
	r := simulationRun{s, lifecycle.Completed, in.toOptions()}
	if final := lifecycle.Status(in.FinalStatus); final != "" {
		if final.Modality() != o.Modality {
			return nil, badRequest("The order's collection method has no status " + string(final))
		}
		r.goal = final.Low()
	}
	if err := r.run(ctx, o); err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "order.simulate", o.TeamID, o.ID, "goal="+string(r.goal))
	after, err := s.Store.Order(ctx, team.ID, o.ID)
	return answerOrder(after, "order is simulated", err)
}

// simulationRun is one run of a simulation.
type simulationRun struct {
	*server
	goal    lifecycle.LowStatus
	options simulation.Options
}

// run stops the order's script at the simulated lab, waits for the status from which the plan begins, makes the plan's
// demand, and puts a new script that reports the remaining steps.
func (r simulationRun) run(ctx context.Context, o *order.Order) error {
	account, err := r.Store.LabAccount(ctx, o.LabAccountID)
	if err != nil {
		return err
	}
	if _, err := r.plan(o); err != nil { // before the script is stopped
		return err
	}
	if account.Partner == partnerMolecular && r.options.ShapesResults() {
		return badRequest("The simulated lab of this order reports normal results only")
	}
	if o.Status == r.goal && o.State.Placement.State == order.PlacementHeld {
		return nil // the lab does not have the order, so nothing moves it
	}
	if err := r.placeImportedOrder(ctx, account, o); err != nil {
		return err
	}
	if err := r.putScript(ctx, account, o.Number, []simulation.Step{}); err != nil {
		return err
	}
	if o, err = r.Store.Order(ctx, o.TeamID, o.ID); err != nil {
		return err
	}
	p, err := r.plan(o)
	if err != nil {
		return err
	}
	if err := r.startHeldPlacement(ctx, o, p); err != nil {
		return err
	}
	if err := r.waitForStatus(ctx, o, p.Await); err != nil {
		return err
	}
	if p.Demand != "" {
		d := order.Demand{Kind: p.Demand, By: p.By}
		if d.Kind == order.DemandDoNotProcess {
			d.Reason = reasonSimulated
		}
		if _, _, err := r.submitDemand(ctx, o.TeamID, o.ID, d, nil); err != nil {
			return err
		}
	}
	if len(p.Reports) == 0 {
		return nil
	}
	steps := simulation.StepsFor(o.Modality, o.Status, p.Reports, account.Partner != partnerMolecular, r.options)
	return r.putScript(ctx, account, o.Number, steps)
}

// startHeldPlacement starts the placement of a silent order if the plan needs the lab.
func (r simulationRun) startHeldPlacement(ctx context.Context, o *order.Order, p simulation.Plan) error {
	if !p.Place {
		return nil
	}
	_, _, err := r.submitDemand(ctx, o.TeamID, o.ID, order.Demand{Kind: order.DemandPlace, By: lifecycle.Operations}, nil)
	return err
}

// reasonSimulated is the reason of a demand do_not_process that a simulation makes.
const reasonSimulated = "simulated"

// plan returns the plan from the order's status to the goal, and refuses a goal that cannot be reached.
func (r simulationRun) plan(o *order.Order) (simulation.Plan, error) {
	p, err := simulation.PlanFor(o.State, r.goal)
	if refused := (*simulation.RefusedError)(nil); errors.As(err, &refused) {
		return p, badRequest(refused.Error())
	}
	return p, err
}

// awaitTimeout is how long a simulation waits for a status, and awaitInterval how often it reads the order's state.
const (
	awaitTimeout  = 10 * time.Second
	awaitInterval = 50 * time.Millisecond
)

// waitForStatus waits until the order has a status that it reaches without a partner or a demand. An empty status is
// not waited for.
func (r simulationRun) waitForStatus(ctx context.Context, o *order.Order, status lifecycle.LowStatus) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout)
	defer cancel()
	for status != "" {
		s, err := r.Store.State(ctx, o.ID)
		if err == nil && s.Status == status {
			return nil
		}
		if err == nil {
			err = sleep(ctx, awaitInterval)
		}
		if err != nil {
			return unavailableError("The order's requisition has not been created yet; try again")
		}
	}
	return nil
}

// nullBodyAsEmpty treats the body null, which some clients send, as no body.
func nullBodyAsEmpty(ctx huma.Context, next func(huma.Context)) { next(nullBody{ctx}) }

type nullBody struct{ humaContext }

// maxNullBody is the length of a null with the blanks around it, in bytes, up to which it is treated as no body.
const maxNullBody = 64

// Unwrap returns the wrapped context, which huma's adapter for gin asks for.
func (n nullBody) Unwrap() huma.Context { return n.humaContext }

// BodyReader returns the request's body, or an empty one for null.
func (n nullBody) BodyReader() io.Reader {
	reader := n.humaContext.BodyReader()
	head, err := io.ReadAll(io.LimitReader(reader, maxNullBody))
	if err == nil && strings.TrimSpace(string(head)) == "null" {
		head = nil
	}
	return io.MultiReader(strings.NewReader(string(head)), reader)
}

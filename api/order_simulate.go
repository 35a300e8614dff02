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

// SimulationFlags says what the results of a simulated order are like.
type SimulationFlags struct {
	Interpretation    *string  `json:"interpretation,omitempty" enum:"normal,abnormal,critical,unknown" doc:"Of the first result, and so of the whole. Defaults to normal."`
	ResultTypes       []string `json:"result_types,omitempty" enum:"numeric,range,comment,coded_value" doc:"Of the results, in turn."`
	HasMissingResults *bool    `json:"has_missing_results,omitempty"`
}

type simulateInput struct {
	OrderPath
	FinalStatus string `query:"final_status" doc:"The whole status to stop at; defaults to the completion of the order."`
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
		OperationID: "simulate-order", Method: http.MethodPost, Path: "/v3/order/{order_id}/test", Tags: []string{tagOrders},
		Summary:     "Let a sandbox order's partners report until it has a status",
		Errors:      []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable},
		Middlewares: huma.Middlewares{nullBodyAsEmpty},
	}, s.simulate)
}

// simulate drives an order of a sandbox team to a status through the simulated lab, whose script for the order it replaces.
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

// run stops what the simulated lab still plays, so that the order stands still, and takes it from there.
func (r simulationRun) run(ctx context.Context, o *order.Order) error {
	account, err := r.Store.LabAccount(ctx, o.LabAccountID)
	if err != nil {
		return err
	}
	if _, err := r.plan(o); err != nil { // what cannot be done stops nothing
		return err
	}
	if account.Partner == partnerMolecular && r.options.ShapesResults() {
		return badRequest("The simulated lab of this order reports normal results only")
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

// reasonSimulated is why operations stop an order in the simulation's name.
const reasonSimulated = "simulated"

func (r simulationRun) plan(o *order.Order) (simulation.Plan, error) {
	p, err := simulation.PlanFor(o.State, r.goal)
	if refused := (*simulation.RefusedError)(nil); errors.As(err, &refused) {
		return p, badRequest(refused.Error())
	}
	return p, err
}

// awaitLimit is how long a simulation waits for the order's requisition, and awaitLook how often it looks.
const (
	awaitTimeout  = 10 * time.Second
	awaitInterval = 50 * time.Millisecond
)

// waitForStatus waits until the order is in a status that it reaches by itself.
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
			return unavailableError("The order's requisition has not been made yet; try again")
		}
	}
	return nil
}

// nullBodyAsEmpty takes the text null for no body, as some clients send it.
func nullBodyAsEmpty(ctx huma.Context, next func(huma.Context)) { next(nullBody{ctx}) }

type nullBody struct{ humaContext }

// maxNullBody is how long a null may be, with the blanks around it, in bytes. A longer body is something else.
const maxNullBody = 64

// Unwrap is for huma's adapter.
func (n nullBody) Unwrap() huma.Context { return n.humaContext }

// BodyReader is the body but for a null.
func (n nullBody) BodyReader() io.Reader {
	reader := n.humaContext.BodyReader()
	head, err := io.ReadAll(io.LimitReader(reader, maxNullBody))
	if err == nil && strings.TrimSpace(string(head)) == "null" {
		head = nil
	}
	return io.MultiReader(strings.NewReader(string(head)), reader)
}

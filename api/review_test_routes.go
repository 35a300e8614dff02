package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// Sources of a test's orders.
const (
	sourceManaged  = "managed"  // the test creates them
	sourceProvided = "provided" // the caller names them
)

// CreateUnmatchedResultTestBody asks for an unmatched result of a case.
type CreateUnmatchedResultTestBody struct {
	_ struct{} `additionalProperties:"false"`

	Case string `json:"case" enum:"match_completed,match_cancelled,wrong_collection,wrong_lab,multiple_demo_match,match_sample_id_mismatch_demo,match_demo,no_match"`

	OrderSource    string             `json:"order_source" enum:"managed,provided"`
	Orders         map[string]*string `json:"orders,omitempty" maxProperties:"20" doc:"For provided: order ids by role."`
	ResultStatus   *string            `json:"result_status,omitempty" enum:"final,partial" doc:"Defaults to final."`
	Interpretation *string            `json:"interpretation,omitempty" enum:"normal,abnormal,critical,unknown"`
	LabTestID      *string            `json:"lab_test_id,omitempty" format:"uuid"`
	WrongLabTestID *string            `json:"wrong_lab_test_id,omitempty" format:"uuid"`
}

type createUnmatchedResultTestInput struct {
	Key  string `header:"X-Idempotency-Key" required:"true" minLength:"1" maxLength:"255"`
	Body CreateUnmatchedResultTestBody
}

// Resolve checks what a schema cannot say.
func (in *createUnmatchedResultTestInput) Resolve(huma.Context) []error {
	test, known := order.ReviewTestCaseOf(order.MatchCode(in.Body.Case))
	if !known {
		return nil
	}
	given := in.Body.orders()
	var errs []error
	if in.Body.OrderSource == sourceManaged && len(given) > 0 {
		errs = append(errs, newProblem("value_error", "The test creates its own orders", "body.orders"))
	}
	if in.Body.OrderSource != sourceProvided {
		return errs
	}
	for _, role := range test.Roles {
		if given[role] == "" {
			errs = append(errs, missingProblem("body.orders."+role))
		}
		delete(given, role)
	}
	for role := range given {
		errs = append(errs, newProblem("value_error", "The case has no such role", "body.orders."+role))
	}
	if test.Case == order.MatchWrongLab && in.Body.LabTestID == nil {
		errs = append(errs, missingProblem("body.lab_test_id"))
	}
	return errs
}

func (b CreateUnmatchedResultTestBody) orders() map[string]string {
	out := map[string]string{}
	for role, id := range b.Orders {
		if id != nil && *id != "" {
			out[role] = canonicalUUID(*id)
		}
	}
	return out
}

// CreateUnmatchedResultTestResponse names a run of a test.
type CreateUnmatchedResultTestResponse struct {
	RunID  string `json:"run_id" format:"uuid"`
	Status string `json:"status" enum:"queued,running,succeeded,failed"`
}

type createUnmatchedResultTestOutput struct {
	Status int
	Body   CreateUnmatchedResultTestResponse
}

// GetUnmatchedResultTestResponse is the progress of a run.
type GetUnmatchedResultTestResponse struct {
	RunID        string                                      `json:"run_id" format:"uuid"`
	Status       string                                      `json:"status" enum:"queued,running,succeeded,failed"`
	Stage        string                                      `json:"stage"`
	Case         string                                      `json:"case"`
	OrderSource  string                                      `json:"order_source"`
	ResultStatus string                                      `json:"result_status"`
	Orders       map[string]UnmatchedResultTestOrderArtifact `json:"orders" doc:"By role."`

	RawResultID *string                     `json:"raw_result_id" format:"uuid" doc:"The unmatched result of the test."`
	Error       *UnmatchedResultTestFailure `json:"error"`
	CreatedAt   time.Time                   `json:"created_at"`
	UpdatedAt   time.Time                   `json:"updated_at"`
	StartedAt   *time.Time                  `json:"started_at"`
	CompletedAt *time.Time                  `json:"completed_at"`
}

// UnmatchedResultTestOrderArtifact is an order of a test.
type UnmatchedResultTestOrderArtifact struct {
	OrderID            string `json:"order_id" format:"uuid"`
	UserID             string `json:"user_id" format:"uuid"`
	OrderTransactionID string `json:"order_transaction_id" format:"uuid"`
}

// UnmatchedResultTestFailure is why a run failed.
type UnmatchedResultTestFailure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// UnmatchedResultTestCaseDefinition describes a case and the orders that it needs.
type UnmatchedResultTestCaseDefinition struct {
	Case             string            `json:"case"`
	OrderRoles       []string          `json:"order_roles" nullable:"false"`
	RequiredStatuses map[string]string `json:"required_statuses" doc:"By role."`
	LabConstraints   []string          `json:"lab_constraints" nullable:"false"`
}

// ListUnmatchedResultTestCasesResponse are all cases.
type ListUnmatchedResultTestCasesResponse struct {
	Data []UnmatchedResultTestCaseDefinition `json:"data" nullable:"false"`
}

type unmatchedResultTestInput struct {
	RunID string `path:"run_id" format:"uuid"`
}

// unmatchedResultTestLease is how long a request may take to create the orders of a test.
const unmatchedResultTestLease = time.Minute

func (s *server) unmatchedResultTestRoutes() {
	op := huma.Operation{
		OperationID: "list-unmatched-result-test-cases", Method: http.MethodGet, Path: "/v3/unmatched_result_test/case",
		Tags:    []string{tagResults},
		Summary: "List the cases of the test of unmatched results", Errors: []int{http.StatusNotFound},
		Description: "Sandbox only.",
	}
	registerOperation(s, scopeOwnRead, op, s.listUnmatchedResultTestCases)
	op.OperationID, op.Path, op.Summary = "get-unmatched-result-test", "/v3/unmatched_result_test/{run_id}",
		"Read the progress of a test of unmatched results"
	registerOperation(s, scopeOwnRead, op, s.getUnmatchedResultTest)
	op.OperationID, op.Method, op.Path = "create-unmatched-result-test", http.MethodPost, "/v3/unmatched_result_test"
	op.Summary, op.DefaultStatus = "Create an unmatched result for a test", http.StatusAccepted
	op.Errors = []int{http.StatusNotFound, http.StatusConflict}
	op.Description = "Sandbox only. The result is compared with the team's orders and put under review like a result " +
		"of a lab. Unknown keys are refused."
	registerOperation(s, scopeOwnChange, op, s.createUnmatchedResultTest)
}

// requireSandbox answers 404 to a team of production.
func requireSandbox(ctx context.Context) error {
	if callerOf(ctx).team.Environment != store.Sandbox {
		return newError(http.StatusNotFound, "Unmatched results are tested in the sandbox only")
	}
	return nil
}

func (s *server) listUnmatchedResultTestCases(ctx context.Context,
	_ *struct{}) (*body[ListUnmatchedResultTestCasesResponse], error) {
	if err := requireSandbox(ctx); err != nil {
		return nil, err
	}
	return newAnswer(ListUnmatchedResultTestCasesResponse{Data: convertAll(order.ReviewTestCases(),
		func(t order.ReviewTestCase) UnmatchedResultTestCaseDefinition {
			out := UnmatchedResultTestCaseDefinition{
				Case: string(t.Case), OrderRoles: t.Roles, RequiredStatuses: map[string]string{},
				LabConstraints: t.Constraints,
			}
			for role, status := range t.RequiredStatuses {
				out.RequiredStatuses[role] = string(status)
			}
			return out
		})}), nil
}

func (s *server) createUnmatchedResultTest(ctx context.Context,
	in *createUnmatchedResultTestInput) (*createUnmatchedResultTestOutput, error) {
	if err := requireSandbox(ctx); err != nil {
		return nil, err
	}
	team, b, now := callerOf(ctx).team.ID, in.Body, s.now()
	run := store.UnmatchedResultTestRun{
		ID: newID(), TeamID: team, CreatedAt: now, LeaseUntil: now.Add(unmatchedResultTestLease),
		Request: store.UnmatchedResultTestRequest{
			Case: order.MatchCode(b.Case), Source: b.OrderSource, ResultStatus: "final",
			Interpretation: order.InterpretationNormal, Orders: b.orders(),
			LabTestID: canonicalUUID(emptyIfNil(b.LabTestID)), WrongLabTestID: canonicalUUID(emptyIfNil(b.WrongLabTestID)),
		},
	}
	if b.ResultStatus != nil {
		run.Request.ResultStatus = *b.ResultStatus
	}
	if b.Interpretation != nil {
		run.Request.Interpretation = order.Interpretation(*b.Interpretation)
	}
	run, created, err := s.Store.CreateUnmatchedResultTestRun(ctx, run, in.Key)
	if errors.Is(err, store.ErrConflict) {
		return nil, newError(http.StatusConflict, "The idempotency key was used for another request")
	}
	if err != nil {
		return nil, err
	}
	if created {
		s.appendChangeAudit(ctx, "unmatched_test.create", team, "", "run="+run.ID+" case="+string(run.Request.Case))
		if run, err = s.prepareUnmatchedResultTest(ctx, run); err != nil {
			return nil, err
		}
	}
	return &createUnmatchedResultTestOutput{Status: http.StatusAccepted,
		Body: CreateUnmatchedResultTestResponse{RunID: run.ID, Status: run.Status}}, nil
}

func (s *server) getUnmatchedResultTest(ctx context.Context,
	in *unmatchedResultTestInput) (*body[GetUnmatchedResultTestResponse], error) {
	if err := requireSandbox(ctx); err != nil {
		return nil, err
	}
	team := callerOf(ctx).team.ID
	run, err := s.Store.UnmatchedResultTestRun(ctx, team, canonicalUUID(in.RunID))
	if err != nil {
		return nil, mapNotFound(err, "Test")
	}
	if run, err = s.advanceUnmatchedResultTest(ctx, run); err != nil {
		return nil, err
	}
	out := GetUnmatchedResultTestResponse{
		RunID: run.ID, Status: run.Status, Stage: run.Stage, Case: string(run.Request.Case),
		OrderSource: run.Request.Source, ResultStatus: run.Request.ResultStatus,
		Orders: map[string]UnmatchedResultTestOrderArtifact{}, RawResultID: nilIfEmpty(run.ReviewID),
		CreatedAt: run.CreatedAt, UpdatedAt: run.UpdatedAt, StartedAt: nilIfZero(run.StartedAt),
		CompletedAt: nilIfZero(run.CompletedAt),
	}
	if run.ErrorCode != "" {
		out.Error = &UnmatchedResultTestFailure{Code: run.ErrorCode, Message: run.Error}
	}
	for role, id := range run.OrderIDsByRole {
		o, err := s.Store.Order(ctx, team, id)
		if err != nil {
			return nil, mapNotFound(err, "Order")
		}
		out.Orders[role] = UnmatchedResultTestOrderArtifact{OrderID: o.ID, UserID: o.UserID,
			OrderTransactionID: o.TransactionID}
	}
	return newAnswer(out), nil
}

// advanceUnmatchedResultTest advances a run as far as its orders allow. Workers do the same, so that a run also
// advances when no client reads it.
func (s *server) advanceUnmatchedResultTest(ctx context.Context,
	run store.UnmatchedResultTestRun) (store.UnmatchedResultTestRun, error) {
	if !run.CompletedAt.IsZero() {
		return run, nil
	}
	endpoints, err := s.Store.AdvanceUnmatchedResultTestRun(ctx, run)
	if err != nil {
		return run, err
	}
	s.nudgeEndpoints(ctx, endpoints)
	return s.Store.UnmatchedResultTestRun(ctx, run.TeamID, run.ID)
}

// prepareUnmatchedResultTest creates or reads the orders of a run and advances them towards their statuses. A refusal
// fails the run, and not the request.
func (s *server) prepareUnmatchedResultTest(ctx context.Context,
	run store.UnmatchedResultTestRun) (store.UnmatchedResultTestRun, error) {
	run.Status, run.StartedAt = store.UnmatchedResultTestRunning, s.now()
	r := &unmatchedResultTestPreparation{server: s, run: &run}
	err := r.prepare(ctx)
	var refused *Error
	if errors.As(err, &refused) {
		text, ok := refused.Detail.(string)
		if !ok {
			text = "The order cannot be placed"
		}
		code := strings.ReplaceAll(strings.ToLower(http.StatusText(refused.status)), " ", "_")
		err = s.Store.FailUnmatchedResultTestRun(ctx, run, code, text)
	}
	if err != nil {
		return run, err
	}
	if run, err = s.Store.UnmatchedResultTestRun(ctx, run.TeamID, run.ID); err != nil {
		return run, err
	}
	return s.advanceUnmatchedResultTest(ctx, run)
}

// unmatchedResultTestPatient returns the patient of a run's orders, whom no other run and no client has.
func unmatchedResultTestPatient(runID string) PatientDetailsWithValidation {
	return PatientDetailsWithValidation{
		FirstName: "Unmatched", LastName: "T" + strings.ReplaceAll(runID, "-", ""), DOB: "1980-01-01", Gender: "female",
		PhoneNumber: "+16025550100", Email: "unmatched@example.com",
	}
}

func unmatchedResultTestAddress() PatientAddressWithValidation {
	return PatientAddressWithValidation{FirstLine: "1 Main St", City: "Phoenix", State: "AZ", Zip: "85004", Country: "US"}
}

// unmatchedResultTestOrder returns a request for an order on which the simulated lab reports nothing.
func unmatchedResultTestOrder(userID, labTestID, runID string) *CreateOrderRequest {
	script := "sandbox:" + labs.ScriptSilent
	return &CreateOrderRequest{
		UserID: userID, OrderSet: &OrderSetRequest{LabTestIDs: []string{labTestID}},
		PatientDetails: unmatchedResultTestPatient(runID), PatientAddress: unmatchedResultTestAddress(),
		Passthrough: &script, Consents: []ConsentRequest{{ConsentType: "hipaa-authorization"}},
	}
}

package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// PostOrderResponse is the answer to requests that create or change an order.
type PostOrderResponse struct {
	Order   junction.ClientFacingOrder `json:"order"`
	Status  string                     `json:"status" example:"success"`
	Message string                     `json:"message"`
}

const (
	statusSuccess  = "success"
	methodTestkit  = string(lifecycle.Testkit)
	consentVersion = "1.0"
	adultAge       = 18
)

type createOrderInput struct {
	IdempotencyHeaders
	Body CreateOrderRequest
}

// Resolve checks what a schema cannot say.
func (in *createOrderInput) Resolve(ctx huma.Context) []error {
	return in.Body.check(callerOf(ctx.Context()).today)
}

func (s *server) createOrder(ctx context.Context, in *createOrderInput) (*rawAnswer, error) {
	return s.withIdempotency(ctx, "POST /v3/order", in.IdempotencyHeaders, in.Body.about(),
		func(key *store.IdempotencyKey) (*rawAnswer, error) {
			created, err := s.storeNewOrder(ctx, &in.Body, key)
			if err != nil {
				return nil, err
			}
			s.rememberPhysician(ctx, in.Body.Physician.toPhysician())
			s.appendChangeAudit(ctx, "order.create", created.Order.TeamID, created.Order.ID, "")
			s.startOrder(ctx, created)
			return &rawAnswer{Status: created.AnswerStatus, ContentType: contentJSON, Body: created.AnswerBody}, nil
		})
}

// storeNewOrder checks a request for an order, and stores the order with its first event, its webhook message and the
// answer. If the order is of several lab tests or of markers, their combined lab test is stored before. storeNewOrder,
// and not validation, refuses an activate_by that has passed, so that a request repeated after midnight gets its first
// answer.
func (s *server) storeNewOrder(ctx context.Context, in *CreateOrderRequest,
	key *store.IdempotencyKey) (*store.CreatedOrder, error) {
	if day := parseValidDate(in.ActivateBy); day != nil && day.Before(callerOf(ctx).today) {
		return nil, validationError(newProblem("value_error", "Date should be today or later", "body.activate_by"))
	}
	o, f, err := s.newOrder(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := s.storeCombinedTest(ctx, o.TeamID, f.test); err != nil {
		return nil, err
	}
	activateAt := time.Time{}
	if o.ActivateBy != nil {
		activateAt = o.ActivateBy.Start(s.TimeZone)
	}
	o.State = order.NewState(o, f.policyFor(o), activateAt)
	created, err := s.Store.CreateOrder(ctx, store.NewOrder{
		Order:          *o,
		Cause:          "api:" + callerOf(ctx).requestID,
		IdempotencyKey: key,
		RenderAnswer: func(stored *order.Order) (int, []byte, error) {
			b, err := encodeJSON(PostOrderResponse{Order: junction.FromOrder(*stored), Status: statusSuccess,
				Message: "order created"})
			return http.StatusOK, b, err
		},
	})
	if errors.Is(err, store.ErrClaimLost) {
		return nil, keyInUseError()
	}
	return created, err
}

// createAndStartOrder stores an order without an activation day, starts its workflow, and answers with the order.
func (s *server) createAndStartOrder(ctx context.Context, o *order.Order, f selection,
	message string) (*body[PostOrderResponse], error) {
	o.State = order.NewState(o, f.policyFor(o), time.Time{})
	created, err := s.Store.CreateOrder(ctx, store.NewOrder{Order: *o, Cause: "api:" + callerOf(ctx).requestID})
	if err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "order.create", created.Order.TeamID, created.Order.ID, "")
	s.startOrder(ctx, created)
	return answerOrder(created.Order, message, nil)
}

// newOrder builds the order of a request, and returns it with its selection. It stores nothing.
func (s *server) newOrder(ctx context.Context, in *CreateOrderRequest) (*order.Order, selection, error) {
	c := callerOf(ctx)
	f, err := s.resolveSelection(ctx, selectionRequest{
		userID: in.UserID, labTestID: in.LabTestID, orderSet: in.OrderSet, method: in.CollectionMethod,
		account: in.LabAccountID,
	})
	if err != nil {
		return nil, f, err
	}
	now := s.now()
	o := f.newOrder(c.team.ID, now)
	if err := s.setPatient(ctx, o, &in.PatientDetails, f.policy); err != nil {
		return nil, f, err
	}
	o.Address, o.Consents = in.PatientAddress.toOrderAddress(), toConsents(in.Consents, now)
	if o.AoEAnswers, err = resolveAoEAnswers(f.test, in.AoEAnswers); err != nil {
		return nil, f, err
	}
	if o.Physician, err = resolvePhysician(in.Physician.toPhysician(), f.account.Profile, o.Consents); err != nil {
		return nil, f, err
	}
	o.ICDCodes, o.ActivateBy = in.ICDCodes, parseValidDate(in.ActivateBy)
	o.Passthrough, o.ClinicalNotes = in.Passthrough, in.ClinicalNotes
	if in.CreatorMemberID != nil {
		o.CreatorMemberID = new(canonicalUUID(*in.CreatorMemberID))
	}
	if in.Priority != nil {
		o.Priority = *in.Priority
	}
	if err := attachInsurance(o, in.HealthInsurance); err != nil {
		return nil, f, err
	}
	billingType := cmp.Or(emptyIfNil(in.BillingType), store.BillingClientBill)
	return o, f, s.setBilling(ctx, o, billingType, f.account.Profile)
}

// setPatient sets the patient of an order, with a medical proxy from the user info where the request names none. It
// refuses minors whom the team may not order for.
func (s *server) setPatient(ctx context.Context, o *order.Order, in *PatientDetailsWithValidation,
	policy order.Policy) (err error) {
	if o.Patient, err = in.toPatient(); err != nil {
		return err
	}
	if err := s.setProxyFromUserInfo(ctx, o.Patient, o.UserID); err != nil {
		return err
	}
	return checkMinor(o.Patient, o.Modality, policy, callerOf(ctx).today)
}

// newOrder returns an order with new ids, for the user, lab test and lab account of the selection.
func (f selection) newOrder(teamID string, now time.Time) *order.Order {
	o := &order.Order{
		TeamID: teamID, UserID: f.user.ID, ClientUserID: f.user.ClientUserID, LabAccountID: f.account.ID,
		Modality: f.test.Method, Origin: order.OriginInitial, Status: lifecycle.Ordered, LabTest: f.test.ForOrder(),
		BillingType: store.BillingClientBill, AccountNotes: f.account.Profile.ClinicalNotes,
		CreatedAt: now, UpdatedAt: now,
	}
	store.AssignOrderIDs(o)
	return o
}

// policyFor returns the policy of an order of the selection.
func (f selection) policyFor(o *order.Order) order.Policy {
	return f.policy.ForOrder(o, f.account.Environment == store.Sandbox)
}

// checkMinor refuses an order for a minor when it is an at-home phlebotomy, when the policy does not allow minors, or
// when the patient has no medical proxy.
func checkMinor(p *order.Patient, method lifecycle.Modality, policy order.Policy, today order.Date) error {
	switch {
	case p.DOB.YearsUntil(today) >= adultAge:
		return nil
	case method == lifecycle.AtHomePhlebotomy:
		return newError(http.StatusBadRequest, "At-home phlebotomy is not available for patients under 18")
	case !policy.AllowMinors:
		return newError(http.StatusBadRequest, "Orders for patients under 18 are not enabled for this team")
	case p.MedicalProxy == nil:
		return newError(http.StatusBadRequest, "A medical proxy is required for patients under 18")
	}
	return nil
}

// toConsents converts the patient's consents. The version defaults to consentVersion, the time to now.
func toConsents(given []ConsentRequest, now time.Time) []order.Consent {
	out := make([]order.Consent, len(given))
	for i, c := range given {
		out[i] = order.Consent{Type: c.ConsentType, Version: consentVersion, At: &now}
		if c.Version != nil {
			out[i].Version = *c.Version
		}
		if c.TimeOfConsent == nil {
			continue
		}
		if at, err := time.Parse(time.RFC3339, *c.TimeOfConsent); err == nil { // validation has checked the format
			at = at.UTC()
			out[i].At = &at
		}
	}
	return out
}

// startOrder starts the order's workflow, which settles the inbox items that came before the order, and nudges the
// endpoints of its webhook. Failures are logged: the reconciler heals them, so the client waits at most startTimeout.
func (s *server) startOrder(ctx context.Context, created *store.CreatedOrder) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	if err := s.Workflows.StartOrder(ctx, created.Order.ID); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "an order is not started yet",
			slog.String("order_id", created.Order.ID), slog.Any("error", err))
	}
	s.nudgeEndpoints(ctx, created.EndpointsToNudge)
}

// nudgeEndpoints signals to the workflows of endpoints that they have deliveries. Failures are logged.
func (s *server) nudgeEndpoints(ctx context.Context, endpoints []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	for _, endpoint := range endpoints {
		if err := s.Workflows.NudgeDeliveries(ctx, endpoint); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "an endpoint is not nudged yet",
				slog.String("endpoint_id", endpoint), slog.Any("error", err))
		}
	}
}

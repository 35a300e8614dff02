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

// PostOrderResponse is the answer to everything that changes an order.
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
	return s.withIdempotency(ctx, "POST /v3/order", in.IdempotencyHeaders,
		func(key *store.IdempotencyKey) (*rawAnswer, error) {
			created, err := s.storeNewOrder(ctx, &in.Body, key)
			if err != nil {
				return nil, err
			}
			s.appendChangeAudit(ctx, "order.create", created.Order.TeamID, created.Order.ID, "")
			s.startOrder(ctx, created)
			return &rawAnswer{Status: created.AnswerStatus, ContentType: contentJSON, Body: created.AnswerBody}, nil
		})
}

// storeNewOrder decides whether the order can be taken, and stores it with its first event, its message and the answer. That activate_by
// has passed is found here and not by validation, so that a request repeated after midnight still gets its first answer.
func (s *server) storeNewOrder(ctx context.Context, in *CreateOrderRequest,
	key *store.IdempotencyKey) (*store.CreatedOrder, error) {
	if day := parseValidDate(in.ActivateBy); day != nil && day.Before(callerOf(ctx).today) {
		return nil, validationError(newProblem("value_error", "Date should be today or later", "body.activate_by"))
	}
	o, policy, err := s.newOrder(ctx, in)
	if err != nil {
		return nil, err
	}
	activateAt := time.Time{}
	if o.ActivateBy != nil {
		activateAt = o.ActivateBy.Start(s.TimeZone)
	}
	o.State = order.NewState(o, policy, activateAt)
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
	if err == nil {
		s.rememberPhysician(ctx, in.Physician.toPhysician())
	}
	return created, err
}

// createAndStartOrder stores an order that is taken up at once, and answers with it.
func (s *server) createAndStartOrder(ctx context.Context, o *order.Order, policy order.Policy,
	message string) (*body[PostOrderResponse], error) {
	o.State = order.NewState(o, policy, time.Time{})
	made, err := s.Store.CreateOrder(ctx, store.NewOrder{Order: *o, Cause: "api:" + callerOf(ctx).requestID})
	if err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "order.create", made.Order.TeamID, made.Order.ID, "")
	s.startOrder(ctx, made)
	return answerOrder(made.Order, message, nil)
}

// newOrder is the order as it is before it is stored, and the policy that it will keep.
func (s *server) newOrder(ctx context.Context, in *CreateOrderRequest) (*order.Order, order.Policy, error) {
	c := callerOf(ctx)
	f, err := s.resolveSelection(ctx, selectionRequest{
		userID: in.UserID, labTestID: in.LabTestID, orderSet: in.OrderSet, method: in.CollectionMethod,
		account: in.LabAccountID,
	})
	if err != nil {
		return nil, order.Policy{}, err
	}
	now := s.now()
	o := f.newOrder(c.team.ID, now)
	if err := s.setPatient(ctx, o, &in.PatientDetails, f.policy); err != nil {
		return nil, order.Policy{}, err
	}
	o.Address, o.Consents = in.PatientAddress.toOrderAddress(), toConsents(in.Consents, now)
	if o.AoEAnswers, err = resolveAoEAnswers(f.test, in.AoEAnswers); err != nil {
		return nil, order.Policy{}, err
	}
	if o.Physician, err = resolvePhysician(in.Physician.toPhysician(), f.account.Profile, o.Consents); err != nil {
		return nil, order.Policy{}, err
	}
	o.ICDCodes, o.ActivateBy = in.ICDCodes, parseValidDate(in.ActivateBy)
	o.Passthrough, o.ClinicalNotes, o.CreatorMemberID = in.Passthrough, in.ClinicalNotes, in.CreatorMemberID
	if in.Priority != nil {
		o.Priority = *in.Priority
	}
	if err := attachInsurance(o, in.HealthInsurance); err != nil {
		return nil, order.Policy{}, err
	}
	return o, f.policy, s.setBilling(ctx, o, cmp.Or(emptyIfNil(in.BillingType), store.BillingClientBill),
		f.account.Profile)
}

// setPatient says whom an order is for, where the team may order for him.
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

// newOrder is a new order with what its footing says.
func (f selection) newOrder(teamID string, now time.Time) *order.Order {
	o := &order.Order{
		TeamID: teamID, UserID: f.user.ID, ClientUserID: f.user.ClientUserID, LabAccountID: f.account.ID,
		Modality: f.test.Method, Origin: order.OriginInitial, Status: lifecycle.Ordered, LabTest: f.test.ForOrder(),
		BillingType: store.BillingClientBill, AccountNotes: f.account.Profile.ClinicalNotes, CreatedAt: now, UpdatedAt: now,
	}
	store.AssignOrderIDs(o)
	return o
}

// checkMinor refuses minors whom the team may not order for, or for whom nobody stands in, and whom no phlebotomist visits.
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
		if at, err := time.Parse(time.RFC3339, *c.TimeOfConsent); err == nil { // validated as such
			at = at.UTC()
			out[i].At = &at
		}
	}
	return out
}

// startOrder starts the order's workflow and tells those who deliver its webhook. The order is safe without: the reconciler makes up
// for what fails here, so a client never waits for it long.
func (s *server) startOrder(ctx context.Context, created *store.CreatedOrder) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	if err := s.Workflows.StartOrder(ctx, created.Order.ID); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "an order is not started yet",
			slog.String("order_id", created.Order.ID), slog.Any("error", err))
	}
	for _, report := range created.MatchedItems {
		s.signalInboxItem(ctx, report, func() {})
	}
	s.nudgeEndpoints(ctx, created.EndpointsToNudge)
}

// nudgeEndpoints tells those who deliver webhooks of endpoints that have something to be delivered.
func (s *server) nudgeEndpoints(ctx context.Context, endpoints []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	for _, endpoint := range endpoints {
		if err := s.Workflows.NudgeDeliveries(ctx, endpoint); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "an endpoint is not told of its delivery yet",
				slog.String("endpoint_id", endpoint), slog.Any("error", err))
		}
	}
}

package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/junction"
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
	defaultBilling = "client_bill"
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

func (s *server) createOrder(ctx context.Context, in *createOrderInput) (*raw, error) {
	return s.once(ctx, "POST /v3/order", in.IdempotencyHeaders, func(key *store.IdempotencyKey) (*raw, error) {
		created, err := s.placeOrder(ctx, &in.Body, key)
		if err != nil {
			return nil, err
		}
		s.auditChange(ctx, "order.create", created.Order.TeamID, created.Order.ID, "")
		s.begin(ctx, created)
		return &raw{Status: created.Status, ContentType: contentJSON, Body: created.Body}, nil
	})
}

// placeOrder decides whether the order can be taken, and stores it with its first event, its message and the answer. That activate_by
// has passed is found here and not by validation, so that a request repeated after midnight still gets its first answer.
func (s *server) placeOrder(ctx context.Context, in *CreateOrderRequest, key *store.IdempotencyKey) (*store.Created, error) {
	if day := date(in.ActivateBy); day != nil && day.Before(callerOf(ctx).today) {
		return nil, invalid(wrong("value_error", "Date should be today or later", "body.activate_by"))
	}
	o, policy, err := s.newOrder(ctx, in)
	if err != nil {
		return nil, err
	}
	activateAt := time.Time{}
	if o.ActivateBy != nil {
		activateAt = o.ActivateBy.Start(s.TimeZone)
	}
	o.State = order.Begin(o, policy, activateAt)
	created, err := s.Store.CreateOrder(ctx, store.NewOrder{
		Order:  *o,
		Demand: "api:" + callerOf(ctx).requestID,
		Key:    key,
		Answer: func(stored *order.Order) (int, []byte, error) {
			b, err := encode(PostOrderResponse{Order: junction.FromOrder(*stored), Status: statusSuccess, Message: "order created"})
			return http.StatusOK, b, err
		},
	})
	if errors.Is(err, store.ErrClaimLost) {
		return nil, busy()
	}
	return created, err
}

// newOrder is the order as it is before it is stored, and the policy that it will keep.
func (s *server) newOrder(ctx context.Context, in *CreateOrderRequest) (*order.Order, order.Policy, error) {
	c := callerOf(ctx)
	user, err := s.Store.User(ctx, c.team.ID, canonical(in.UserID))
	if err != nil {
		return nil, order.Policy{}, orNotFound(err, "User")
	}
	test, err := s.orderedTest(ctx, c.team.ID, in)
	if err != nil {
		return nil, order.Policy{}, err
	}
	account, err := s.labAccount(ctx, c.team, test, in.labAccountID())
	if err != nil {
		return nil, order.Policy{}, err
	}
	policy, err := order.Resolve(c.team.Policy, account.Policy, test.Policy)
	if err != nil {
		return nil, order.Policy{}, err
	}
	patient, err := in.PatientDetails.patient()
	if err != nil {
		return nil, order.Policy{}, err
	}
	if err := allowed(patient, policy, c.today); err != nil {
		return nil, order.Policy{}, err
	}
	now := s.now()
	o := &order.Order{
		TeamID: c.team.ID, UserID: user.ID, ClientUserID: user.ClientUserID, LabAccountID: account.ID,
		Modality: test.Method, Origin: order.OriginInitial, Status: lifecycle.Ordered,
		Patient: patient, Address: in.PatientAddress.address(), LabTest: test, Physician: in.Physician.physician(),
		ICDCodes: in.ICDCodes, ActivateBy: date(in.ActivateBy), BillingType: defaultBilling,
		Passthrough: in.Passthrough, ClinicalNotes: in.ClinicalNotes, CreatorMemberID: in.CreatorMemberID,
		CreatedAt: now, UpdatedAt: now,
	}
	store.NewOrderIDs(o)
	if in.Priority != nil {
		o.Priority = *in.Priority
	}
	o.Consents, o.AoEAnswers = in.consents(now), in.answers()
	return o, policy, nil
}

// allowed refuses minors whom the team may not order for, or for whom nobody stands in.
func allowed(p *order.Patient, policy order.Policy, today order.Date) error {
	switch {
	case p.DOB.YearsUntil(today) >= adultAge:
		return nil
	case !policy.Minors:
		return fail(http.StatusBadRequest, "Orders for patients under 18 are not enabled for this team")
	case p.MedicalProxy == nil:
		return fail(http.StatusBadRequest, "A medical proxy is required for patients under 18")
	}
	return nil
}

func (in *CreateOrderRequest) consents(now time.Time) []order.Consent {
	out := make([]order.Consent, len(in.Consents))
	for i, c := range in.Consents {
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

func (in *CreateOrderRequest) answers() []order.AoEAnswer {
	out := make([]order.AoEAnswer, len(in.AoEAnswers))
	for i, a := range in.AoEAnswers {
		out[i] = order.AoEAnswer(a)
	}
	return out
}

// begin starts the order's workflow and tells those who deliver its webhook. The order is safe without: the reconciler makes up
// for what fails here, so a client never waits for it long.
func (s *server) begin(ctx context.Context, created *store.Created) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startLimit)
	defer cancel()
	if err := s.Orders.StartOrder(ctx, created.Order.ID); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "an order is not started yet",
			slog.String("order_id", created.Order.ID), slog.Any("error", err))
	}
	for _, report := range created.Matched {
		s.signal(ctx, report)
	}
	for _, endpoint := range created.Endpoints {
		if err := s.Orders.NudgeDeliveries(ctx, endpoint); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "an endpoint is not told of its delivery yet",
				slog.String("endpoint_id", endpoint), slog.Any("error", err))
		}
	}
}

package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/conformance"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

// fault is a mistake of an adapter, and the check that has to find it.
type fault struct {
	name, check string
	inject      func(f *conformance.Fixture)
}

var faults = []fault{
	{"settings that are not read", "accounts are checked",
		withOpenFault(func(a *labs.Account, _ *labs.Options) { a.Settings = nil })},
	{"a spacing that is ignored", "accounts are checked",
		withOpenFault(func(a *labs.Account, _ *labs.Options) { a.Spacing = 0 })},
	{"a capability without its call", "capabilities match the calls",
		withClientFault(func(c *faultyClient) { c.capabilities.Cancel = true })},
	{"a call that says it has worked", "capabilities match the calls", withClientFault(func(c *faultyClient) {
		c.onCancel = func(context.Context, string, string) error { return nil }
	})},
	{"a number of its own per attempt", "an order is placed once", withClientFault(func(c *faultyClient) {
		c.onPlace = func(ctx context.Context, r labs.Requisition) (labs.Acceptance, error) {
			r.OrderNumber = uuid.NewString()
			return c.Client.Place(ctx, r)
		}
	})},
	{"refused is accepted", "a refusal is a RefusedError", withClientFault(func(c *faultyClient) {
		c.onPlace = func(ctx context.Context, r labs.Requisition) (labs.Acceptance, error) {
			placed, err := c.Client.Place(ctx, r)
			if refused, ok := errors.AsType[*labs.RefusedError](err); ok {
				return labs.Acceptance{Raw: refused.Raw}, nil
			}
			return placed, err
		}
	})},
	{"refused is asked again", "a refusal is a RefusedError", withErrorFault(func(err error) error {
		if refused, ok := errors.AsType[*labs.RefusedError](err); ok {
			return &labs.UnansweredError{Err: refused}
		}
		return err
	})},
	{"a registration that is a new order", "a kit is registered", withClientFault(func(c *faultyClient) {
		c.onPlace = func(ctx context.Context, r labs.Requisition) (labs.Acceptance, error) {
			if o := *r.Order; o.Registered {
				o.Registrable, r.Order, r.OrderNumber = false, &o, uuid.NewString()
			}
			return c.Client.Place(ctx, r)
		}
	})},
	{"busy is refused", "outcomes have different errors", withErrorFault(func(err error) error {
		if busy, ok := errors.AsType[*labs.BusyError](err); ok {
			return &labs.RefusedError{Code: fmt.Sprintf("http_%d", busy.Status)}
		}
		return err
	})},
	{"a gateway's answer is a refusal", "outcomes have different errors", withErrorFault(func(err error) error {
		if status := labs.FailureStatus(err); status == http.StatusNotFound || status == http.StatusFound {
			return &labs.RefusedError{Code: fmt.Sprintf("http_%d", status)}
		}
		return err
	})},
	{"wrong credentials are no answer", "outcomes have different errors", withErrorFault(func(err error) error {
		if unauthorized, ok := errors.AsType[*labs.UnauthorizedError](err); ok {
			return &labs.UnansweredError{Err: unauthorized}
		}
		return err
	})},
	{"the lab's words in an error", "outcomes have different errors", withErrorFault(func(err error) error {
		if refused, ok := errors.AsType[*labs.RefusedError](err); ok {
			return fmt.Errorf("%w: %s", err, refused.Raw)
		}
		return err
	})},
	{"no answer is good news", "outcomes have different errors", withErrorFault(func(err error) error {
		if _, ok := errors.AsType[*labs.UnansweredError](err); ok {
			return nil
		}
		return err
	})},
	{"attempts of its own", "outcomes have different errors", withClientFault(func(c *faultyClient) {
		c.onPlace = func(ctx context.Context, r labs.Requisition) (labs.Acceptance, error) {
			if placed, err := c.Client.Place(ctx, r); err == nil {
				return placed, nil
			}
			return c.Client.Place(ctx, r)
		}
	})},
	{"a redirect is followed", "redirects are not followed", withOpenFault(func(_ *labs.Account, o *labs.Options) {
		o.HTTPClient = &http.Client{Transport: redirectFollower{o.HTTPClient.Transport}}
	})},
	{"no turn is waited for", "every call waits for its turn",
		withOpenFault(func(_ *labs.Account, o *labs.Options) { o.WaitForTurn = nil })},
	{"a call after the context has ended", "an ended context ends the call", withClientFault(func(c *faultyClient) {
		c.onPlace = func(ctx context.Context, r labs.Requisition) (labs.Acceptance, error) {
			return c.Client.Place(context.WithoutCancel(ctx), r)
		}
	})},
	{"a report that is always a correction", "changed results have another hash",
		withReportFault(func(r *labs.FetchedResults) { r.Hash = uuid.NewString() })},
	{"a report that never is one", "changed results have another hash",
		withReportFault(func(r *labs.FetchedResults) { r.Hash = "same" })},
	{"every report is final", "changed results have another hash", withReportFault(func(r *labs.FetchedResults) {
		if r.LabReport != nil {
			r.LabReport.Status = "final"
		}
	})},
	{"cancelled, whatever the lab says", "an order is cancelled", withClientFault(func(c *faultyClient) {
		c.onCancel = func(ctx context.Context, number, accession string) error {
			_ = c.Client.Cancel(ctx, number, accession)
			return nil
		}
	})},
	{"a polled report is another one", "a polled fact equals its webhook", withClientFault(func(c *faultyClient) {
		c.onPoll = func(ctx context.Context, number string) ([]labs.PolledFact, error) {
			notices, err := c.Client.PollFacts(ctx, number)
			for i := range notices {
				notices[i].Key = "poll:" + notices[i].Key
			}
			return notices, err
		}
	})},
	{"an appointment of its own per attempt", "appointments are made", withClientFault(func(c *faultyClient) {
		c.onBook = func(ctx context.Context, b labs.Booking) (labs.AppointmentAnswer, error) {
			b.AppointmentID = uuid.NewString()
			return c.Client.Book(ctx, b)
		}
	})},
	{"a slot that is gone is refused", "appointments are made", withErrorFault(func(err error) error {
		if errors.Is(err, labs.ErrSlotGone) {
			return &labs.RefusedError{Code: "slot_gone"}
		}
		return err
	})},
	{"dropped, and still there", "appointments are rescheduled and cancelled", withClientFault(func(c *faultyClient) {
		c.onCancelAppointment = func(context.Context, string, string, string) error { return nil }
	})},
	{"a request with a time", "appointments are requested", withClientFault(func(c *faultyClient) {
		c.onBook = func(ctx context.Context, b labs.Booking) (labs.AppointmentAnswer, error) {
			s, err := c.Client.Book(ctx, b)
			s.Status, s.StartAt = lifecycle.AppointmentStatusConfirmed, time.Now()
			return s, err
		}
	})},
	{"every request is authenticated", "only the partner is authenticated", withAuthFault(
		func(_ *http.Request, _ []byte, accounts []labs.Credentials, _ time.Time) ([]string, error) {
			return []string{accounts[len(accounts)-1].AccountID}, nil
		})},
	{"one secret opens all accounts", "only the partner is authenticated", withAuthFault(
		func(r *http.Request, body []byte, accounts []labs.Credentials, now time.Time) ([]string, error) {
			ids, err := neutral.Authenticate(r, body, accounts, now)
			if err == nil {
				ids = nil
				for _, a := range accounts {
					ids = append(ids, a.AccountID)
				}
			}
			return ids, err
		})},
	{"any time will do", "signatures cover body and time", withAuthFault(
		func(r *http.Request, body []byte, accounts []labs.Credentials, now time.Time) ([]string, error) {
			for age := -10 * time.Minute; age <= 10*time.Minute; age += time.Minute {
				if ids, err := neutral.Authenticate(r, body, accounts, now.Add(age)); err == nil {
					return ids, nil
				}
			}
			return nil, labs.ErrWrongCredentials
		})},
	{"any body will do", "signatures cover body and time", withAuthFault(
		func(r *http.Request, _ []byte, accounts []labs.Credentials, now time.Time) ([]string, error) {
			body, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			signed, err := io.ReadAll(body)
			if err != nil {
				return nil, err
			}
			return neutral.Authenticate(r, signed, accounts, now)
		})},
	{"somebody's words in a fact", "webhooks are decoded", withDecodeFault(func(m *labs.InboundMessage) {
		if m.Reason != "" {
			m.Fact.KitRegCode = m.Reason
		}
	})},
	{"a kit cannot be saved", "webhooks are decoded", withDecodeFault(func(m *labs.InboundMessage) {
		if m.Fact != nil && m.Fact.Recoverable != nil {
			m.Fact.Recoverable = new(false)
		}
	})},
	{"what is not known is broken", "each problem has its code", withDecodeFault(func(m *labs.InboundMessage) {
		if m.Problem == labs.UnknownType {
			m.Problem = labs.Malformed
		}
	})},
	{"an amendment is another thing", "one event has one key",
		withDecodeFault(func(m *labs.InboundMessage) { m.Key = m.Hash })},
	{"all is one thing", "one event has one key", withDecodeFault(func(m *labs.InboundMessage) { m.Key = "key" })},
	{"now is when it happened", "a missing time is zero", withDecodeFault(func(m *labs.InboundMessage) {
		if m.Fact != nil && m.Fact.SentAt.IsZero() {
			m.Fact.SentAt = m.Fact.ReceivedAt
		}
	})},
}

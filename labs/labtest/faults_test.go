package labtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/labtest"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

// fault is something that an adapter could do wrong, and the check that has to find it.
type fault struct {
	name, check string
	plant       func(f *labtest.Fixture)
}

var faults = []fault{
	{"settings that nobody reads", "accounts are checked", opening(func(a *labs.Account, _ *labs.Options) { a.Settings = nil })},
	{"a spacing that nobody keeps", "accounts are checked", opening(func(a *labs.Account, _ *labs.Options) { a.Spacing = 0 })},
	{"a capability that is none", "capabilities are honest", client(func(c *faulty) { c.can.Cancel = true })},
	{"a call that says it has worked", "capabilities are honest", client(func(c *faulty) {
		c.cancel = func(context.Context, string, string) error { return nil }
	})},
	{"a number of its own per attempt", "an order is placed once", client(func(c *faulty) {
		c.place = func(ctx context.Context, r labs.Requisition) (labs.Placed, error) {
			r.Number = uuid.NewString()
			return c.Client.Place(ctx, r)
		}
	})},
	{"refused is accepted", "a refusal is one", client(func(c *faulty) {
		c.place = func(ctx context.Context, r labs.Requisition) (labs.Placed, error) {
			placed, err := c.Client.Place(ctx, r)
			if refused, ok := errors.AsType[*labs.RefusedError](err); ok {
				return labs.Placed{Raw: refused.Raw}, nil
			}
			return placed, err
		}
	})},
	{"refused is asked again", "a refusal is one", failing(func(err error) error {
		if refused, ok := errors.AsType[*labs.RefusedError](err); ok {
			return &labs.UnansweredError{Err: refused}
		}
		return err
	})},
	{"a registration that is a new order", "a kit is registered", client(func(c *faulty) {
		c.place = func(ctx context.Context, r labs.Requisition) (labs.Placed, error) {
			if o := *r.Order; o.Registered {
				o.Registrable, r.Order, r.Number = false, &o, uuid.NewString()
			}
			return c.Client.Place(ctx, r)
		}
	})},
	{"busy is refused", "outcomes are told apart", failing(func(err error) error {
		if busy, ok := errors.AsType[*labs.BusyError](err); ok {
			return &labs.RefusedError{Code: fmt.Sprintf("http_%d", busy.Status)}
		}
		return err
	})},
	{"wrong credentials are no answer", "outcomes are told apart", failing(func(err error) error {
		if unauthorized, ok := errors.AsType[*labs.UnauthorizedError](err); ok {
			return &labs.UnansweredError{Err: unauthorized}
		}
		return err
	})},
	{"the lab's words in an error", "outcomes are told apart", failing(func(err error) error {
		if refused, ok := errors.AsType[*labs.RefusedError](err); ok {
			return fmt.Errorf("%w: %s", err, refused.Raw)
		}
		return err
	})},
	{"no answer is good news", "outcomes are told apart", failing(func(err error) error {
		if _, ok := errors.AsType[*labs.UnansweredError](err); ok {
			return nil
		}
		return err
	})},
	{"attempts of its own", "outcomes are told apart", client(func(c *faulty) {
		c.place = func(ctx context.Context, r labs.Requisition) (labs.Placed, error) {
			if placed, err := c.Client.Place(ctx, r); err == nil {
				return placed, nil
			}
			return c.Client.Place(ctx, r)
		}
	})},
	{"a redirect is followed", "redirects are not followed", opening(func(_ *labs.Account, o *labs.Options) {
		o.HTTPClient = &http.Client{Transport: following{o.HTTPClient.Transport}}
	})},
	{"no turn is waited for", "turns are waited for", opening(func(_ *labs.Account, o *labs.Options) { o.Pace = nil })},
	{"a call for nobody", "an ended context ends the call", client(func(c *faulty) {
		c.place = func(ctx context.Context, r labs.Requisition) (labs.Placed, error) {
			return c.Client.Place(context.WithoutCancel(ctx), r)
		}
	})},
	{"a report that is always a correction", "results are versions", reporting(func(r *labs.Reported) { r.Hash = uuid.NewString() })},
	{"a report that never is one", "results are versions", reporting(func(r *labs.Reported) { r.Hash = "same" })},
	{"every report is final", "results are versions", reporting(func(r *labs.Reported) {
		if r.Report != nil {
			r.Report.Status = "final"
		}
	})},
	{"cancelled, whatever the lab says", "an order is cancelled", client(func(c *faulty) {
		c.cancel = func(ctx context.Context, number, accession string) error {
			_ = c.Client.Cancel(ctx, number, accession)
			return nil
		}
	})},
	{"a polled report is another one", "what was told can be polled", client(func(c *faulty) {
		c.poll = func(ctx context.Context, number string) ([]labs.Notice, error) {
			notices, err := c.Client.Poll(ctx, number)
			for i := range notices {
				notices[i].Key = "poll:" + notices[i].Key
			}
			return notices, err
		}
	})},
	{"an appointment of its own per attempt", "appointments are made", client(func(c *faulty) {
		c.book = func(ctx context.Context, b labs.Booking) (labs.Scheduled, error) {
			b.AppointmentID = uuid.NewString()
			return c.Client.Book(ctx, b)
		}
	})},
	{"a slot that is gone is refused", "appointments are made", failing(func(err error) error {
		if errors.Is(err, labs.ErrSlotGone) {
			return &labs.RefusedError{Code: "slot_gone"}
		}
		return err
	})},
	{"dropped, and still there", "appointments are moved and dropped", client(func(c *faulty) {
		c.drop = func(context.Context, string, string, string) error { return nil }
	})},
	{"a request with a time", "appointments are requested", client(func(c *faulty) {
		c.book = func(ctx context.Context, b labs.Booking) (labs.Scheduled, error) {
			s, err := c.Client.Book(ctx, b)
			s.Status, s.StartAt = lifecycle.AppointmentIsConfirmed, time.Now()
			return s, err
		}
	})},
	{"everybody is let in", "only the partner is let in", authenticating(
		func(_ *http.Request, _ []byte, accounts []labs.Credentials, _ time.Time) ([]string, error) {
			return []string{accounts[len(accounts)-1].AccountID}, nil
		})},
	{"one secret opens all accounts", "only the partner is let in", authenticating(
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
	{"any time will do", "signatures hold for body and time", authenticating(
		func(r *http.Request, body []byte, accounts []labs.Credentials, now time.Time) ([]string, error) {
			for age := -10 * time.Minute; age <= 10*time.Minute; age += time.Minute {
				if ids, err := neutral.Authenticate(r, body, accounts, now.Add(age)); err == nil {
					return ids, nil
				}
			}
			return nil, labs.ErrBadCredentials
		})},
	{"any body will do", "signatures hold for body and time", authenticating(
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
	{"somebody's words in a fact", "webhooks are facts", decoding(func(m *labs.Message) {
		if m.Reason != "" {
			m.Fact.KitRegCode = m.Reason
		}
	})},
	{"a kit cannot be saved", "webhooks are facts", decoding(func(m *labs.Message) {
		if m.Fact != nil && m.Fact.Recoverable != nil {
			m.Fact.Recoverable = new(false)
		}
	})},
	{"what is not known is broken", "problems are told apart", decoding(func(m *labs.Message) {
		if m.Problem == labs.UnknownType {
			m.Problem = labs.Malformed
		}
	})},
	{"an amendment is another thing", "what happened has one key", decoding(func(m *labs.Message) { m.Key = m.Hash })},
	{"all is one thing", "what happened has one key", decoding(func(m *labs.Message) { m.Key = "key" })},
	{"now is when it happened", "a missing time is none", decoding(func(m *labs.Message) {
		if m.Fact != nil && m.Fact.SentAt.IsZero() {
			m.Fact.SentAt = m.Fact.ReceivedAt
		}
	})},
}

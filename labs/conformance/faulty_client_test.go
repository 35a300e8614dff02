package conformance_test

import (
	"context"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/conformance"
	"github.com/aliquot-labs/aliquot/labs/neutral"
)

// faultyClient is the neutral adapter with some methods replaced by faults.
type faultyClient struct {
	*neutral.Client

	capabilities        labs.Capabilities
	onPlace             func(context.Context, labs.Requisition) (labs.Acceptance, error)
	onCancel            func(context.Context, string, string) error
	onPoll              func(context.Context, string) ([]labs.PolledFact, error)
	onBook              func(context.Context, labs.Booking) (labs.AppointmentAnswer, error)
	onCancelAppointment func(context.Context, string, string, string) error
	changeResults       func(*labs.FetchedResults)
	changeError         func(error) error
}

func (c *faultyClient) Capabilities() labs.Capabilities { return c.capabilities }

func (c *faultyClient) Place(ctx context.Context, r labs.Requisition) (labs.Acceptance, error) {
	placed, err := c.onPlace(ctx, r)
	return placed, c.changeError(err)
}

func (c *faultyClient) Cancel(ctx context.Context, number, accession string) error {
	return c.changeError(c.onCancel(ctx, number, accession))
}

func (c *faultyClient) PollFacts(ctx context.Context, number string) ([]labs.PolledFact, error) {
	return c.onPoll(ctx, number)
}

func (c *faultyClient) FetchResults(ctx context.Context, number string) (labs.FetchedResults, error) {
	r, err := c.Client.FetchResults(ctx, number)
	c.changeResults(&r)
	return r, err
}

func (c *faultyClient) Book(ctx context.Context, b labs.Booking) (labs.AppointmentAnswer, error) {
	s, err := c.onBook(ctx, b)
	return s, c.changeError(err)
}

func (c *faultyClient) CancelAppointment(ctx context.Context, number, id, reason string) error {
	return c.onCancelAppointment(ctx, number, id, reason)
}

// withClientFault adds a fault to the clients of a fixture.
func withClientFault(spoil func(*faultyClient)) func(*conformance.Fixture) {
	return func(f *conformance.Fixture) {
		f.Protocol.Open = func(a labs.Account, o labs.Options) (labs.Lab, error) {
			right, err := neutral.New(a, o)
			if err != nil {
				return nil, err
			}
			c := &faultyClient{
				Client: right, capabilities: right.Capabilities(), onPlace: right.Place, onCancel: right.Cancel,
				onPoll: right.PollFacts, onBook: right.Book,
				onCancelAppointment: right.CancelAppointment, changeResults: func(*labs.FetchedResults) {},
				changeError: func(err error) error { return err },
			}
			spoil(c)
			return c, nil
		}
	}
}

func withErrorFault(spoil func(error) error) func(*conformance.Fixture) {
	return withClientFault(func(c *faultyClient) { c.changeError = spoil })
}

func withReportFault(spoil func(*labs.FetchedResults)) func(*conformance.Fixture) {
	return withClientFault(func(c *faultyClient) { c.changeResults = spoil })
}

func withOpenFault(spoil func(*labs.Account, *labs.Options)) func(*conformance.Fixture) {
	return func(f *conformance.Fixture) {
		f.Protocol.Open = func(a labs.Account, o labs.Options) (labs.Lab, error) {
			spoil(&a, &o)
			c, err := neutral.New(a, o)
			if err != nil {
				return nil, err
			}
			return c, nil
		}
	}
}

func withAuthFault(
	spoilt func(*http.Request, []byte, []labs.Credentials, time.Time) ([]string, error),
) func(*conformance.Fixture) {
	return func(f *conformance.Fixture) { f.Protocol.Authenticate = spoilt }
}

func withDecodeFault(spoil func(*labs.InboundMessage)) func(*conformance.Fixture) {
	return func(f *conformance.Fixture) {
		f.Protocol.Decode = func(h http.Header, body []byte, receivedAt time.Time) labs.InboundMessage {
			m := neutral.Protocol.Decode(h, body, receivedAt)
			spoil(&m)
			return m
		}
	}
}

// redirectFollower follows redirects, unlike the adapter.
type redirectFollower struct{ http.RoundTripper }

func (f redirectFollower) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.RoundTripper.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		return resp, err
	}
	defer resp.Body.Close()
	target, err := resp.Location()
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.URL = target
	if again.Body, err = r.GetBody(); err != nil {
		return nil, err
	}
	return f.RoundTripper.RoundTrip(again)
}

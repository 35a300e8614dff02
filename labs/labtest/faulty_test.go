package labtest_test

import (
	"context"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/labtest"
	"github.com/aliquot-labs/aliquot/labs/neutral"
)

// faulty is the neutral adapter but for what a fault replaces.
type faulty struct {
	*neutral.Client

	can    labs.Capabilities
	place  func(context.Context, labs.Requisition) (labs.Placed, error)
	cancel func(context.Context, string, string) error
	poll   func(context.Context, string) ([]labs.Notice, error)
	book   func(context.Context, labs.Booking) (labs.Scheduled, error)
	drop   func(context.Context, string, string, string) error
	amend  func(*labs.Reported)
	err    func(error) error
}

func (c *faulty) Capabilities() labs.Capabilities { return c.can }

func (c *faulty) Place(ctx context.Context, r labs.Requisition) (labs.Placed, error) {
	placed, err := c.place(ctx, r)
	return placed, c.err(err)
}

func (c *faulty) Cancel(ctx context.Context, number, accession string) error {
	return c.err(c.cancel(ctx, number, accession))
}

func (c *faulty) Poll(ctx context.Context, number string) ([]labs.Notice, error) {
	return c.poll(ctx, number)
}

func (c *faulty) Results(ctx context.Context, number string) (labs.Reported, error) {
	r, err := c.Client.Results(ctx, number)
	c.amend(&r)
	return r, err
}

func (c *faulty) Book(ctx context.Context, b labs.Booking) (labs.Scheduled, error) {
	s, err := c.book(ctx, b)
	return s, c.err(err)
}

func (c *faulty) Drop(ctx context.Context, number, id, reason string) error {
	return c.drop(ctx, number, id, reason)
}

// client plants a fault in what accounts are called with.
func client(spoil func(*faulty)) func(*labtest.Fixture) {
	return func(f *labtest.Fixture) {
		f.Protocol.Open = func(a labs.Account, o labs.Options) (labs.Lab, error) {
			right, err := neutral.New(a, o)
			if err != nil {
				return nil, err
			}
			c := &faulty{
				Client: right, can: right.Capabilities(), place: right.Place, cancel: right.Cancel, poll: right.Poll, book: right.Book,
				drop: right.Drop, amend: func(*labs.Reported) {}, err: func(err error) error { return err },
			}
			spoil(c)
			return c, nil
		}
	}
}

func failing(spoil func(error) error) func(*labtest.Fixture) {
	return client(func(c *faulty) { c.err = spoil })
}

func reporting(spoil func(*labs.Reported)) func(*labtest.Fixture) {
	return client(func(c *faulty) { c.amend = spoil })
}

func opening(spoil func(*labs.Account, *labs.Options)) func(*labtest.Fixture) {
	return func(f *labtest.Fixture) {
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

func authenticating(spoilt func(*http.Request, []byte, []labs.Credentials, time.Time) ([]string, error)) func(*labtest.Fixture) {
	return func(f *labtest.Fixture) { f.Protocol.Authenticate = spoilt }
}

func decoding(spoil func(*labs.Message)) func(*labtest.Fixture) {
	return func(f *labtest.Fixture) {
		f.Protocol.Decode = func(h http.Header, body []byte, receivedAt time.Time) labs.Message {
			m := neutral.Protocol.Decode(h, body, receivedAt)
			spoil(&m)
			return m
		}
	}
}

// following follows redirects beneath the adapter.
type following struct{ http.RoundTripper }

func (f following) RoundTrip(r *http.Request) (*http.Response, error) {
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

package labtest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
)

// wire carries the requests of one client and counts them.
type wire struct {
	http.Transport

	sent atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.sent.Add(1)
	return w.Transport.RoundTrip(r)
}

// client is an opened account.
type client struct {
	labs.Lab

	wire *wire
	can  labs.Capabilities
}

// open opens an account with the partner at an address.
func open(t testing.TB, f Fixture, a labs.Account, url string, pace labs.Pace) client {
	t.Helper()
	a.BaseURL = url
	w := &wire{}
	t.Cleanup(w.CloseIdleConnections)
	lab, err := f.Protocol.Open(a, labs.Options{HTTPClient: &http.Client{Transport: w}, Timeout: 10 * time.Second, Pace: pace})
	require.NoError(t, err)
	require.NotNil(t, lab)
	return client{Lab: lab, wire: w, can: lab.Capabilities()}
}

// call is one call that a client can make.
type call struct {
	name string
	do   func(ctx context.Context) error
}

// calls are all calls that the full account can make, once each.
func (c client) calls(f Fixture, p Partner) []call {
	all := []call{{"place", func(ctx context.Context) error {
		_, err := c.Place(ctx, f.Order(Number))
		return err
	}}}
	if c.can.Results {
		all = append(all, call{"results", func(ctx context.Context) error {
			_, err := c.Results(ctx, Number)
			return err
		}})
	}
	if c.can.Cancel {
		all = append(all, call{"cancel", func(ctx context.Context) error { return c.Cancel(ctx, Number, "A-1") }})
	}
	if p.Tell != nil {
		all = append(all, call{"poll", func(ctx context.Context) error {
			_, err := c.Poll(ctx, Number)
			return err
		}})
	}
	if corrector, ok := c.Lab.(labs.Corrector); ok && c.can.Correct {
		all = append(all, call{"correct", func(ctx context.Context) error { return corrector.Correct(ctx, f.Order(Number)) }})
	}
	if scheduler, ok := c.Lab.(labs.Scheduler); ok && c.can.Schedule {
		all = append(all, scheduling(scheduler, f.Appointments)...)
	}
	return all
}

func scheduling(s labs.Scheduler, a Appointments) []call {
	return []call{
		{"availability", func(ctx context.Context) error {
			_, err := s.Availability(ctx, a.Query)
			return err
		}},
		{"book", func(ctx context.Context) error {
			_, err := s.Book(ctx, a.booking(appointment, a.Gone))
			return err
		}},
		{"reschedule", func(ctx context.Context) error {
			_, err := s.Reschedule(ctx, a.booking(appointment, a.Gone))
			return err
		}},
		{"drop", func(ctx context.Context) error { return s.Drop(ctx, Number, appointment, "Wrong address") }},
	}
}

func (a Appointments) booking(id, slot string) labs.Booking {
	b := a.Booking
	b.Number, b.AppointmentID, b.Slot = Number, id, slot
	return b
}

// fails checks that there is an error of a type, whose text holds nothing that came from outside and no credentials.
func fails[E error](t testing.TB, f Fixture, err error, what string) E {
	t.Helper()
	var typed E
	require.ErrorAs(t, err, &typed, what)
	require.Equal(t, 1, outcomes(err), "%s: an error is of one type", what)
	discreet(t, f, err)
	return typed
}

// outcomes counts what an error says that became of the call.
func outcomes(err error) (n int) {
	for _, is := range []func(error) bool{is[*labs.RefusedError], is[*labs.UnansweredError], is[*labs.BusyError], is[*labs.UnauthorizedError]} {
		if is(err) {
			n++
		}
	}
	return n
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func discreet(t testing.TB, f Fixture, err error) {
	t.Helper()
	require.NotContains(t, strings.ToLower(err.Error()), strings.ToLower(Canary), "a lab's words, or ours about a patient, are in an error")
	require.NotContains(t, err.Error(), f.Full.Token, "credentials are in an error")
}

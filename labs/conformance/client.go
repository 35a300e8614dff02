package conformance

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

// countingTransport sends the requests of one client and counts them.
type countingTransport struct {
	http.Transport

	requests atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (w *countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w.requests.Add(1)
	return w.Transport.RoundTrip(r)
}

// client is the client of one account.
type client struct {
	labs.Lab

	transport    *countingTransport
	capabilities labs.Capabilities
}

// openClient opens an account whose partner is at this URL.
func openClient(t testing.TB, f Fixture, a labs.Account, url string, waitForTurn labs.WaitForTurn) client {
	t.Helper()
	a.BaseURL = url
	w := &countingTransport{}
	t.Cleanup(w.CloseIdleConnections)
	lab, err := f.Protocol.Open(a, labs.Options{HTTPClient: &http.Client{Transport: w}, Timeout: 10 * time.Second,
		WaitForTurn: waitForTurn})
	require.NoError(t, err)
	require.NotNil(t, lab)
	return client{Lab: lab, transport: w, capabilities: lab.Capabilities()}
}

// call is one call of a client, with its name.
type call struct {
	name string
	do   func(ctx context.Context) error
}

// calls returns every call that the account supports, once each.
func (c client) calls(f Fixture, p Partner) []call {
	all := []call{{"place", func(ctx context.Context) error {
		_, err := c.Place(ctx, f.NewRequisition(OrderNumber))
		return err
	}}}
	if c.capabilities.Results {
		all = append(all, call{"results", func(ctx context.Context) error {
			_, err := c.FetchResults(ctx, OrderNumber)
			return err
		}})
	}
	if c.capabilities.Cancel {
		all = append(all, call{"cancel", func(ctx context.Context) error { return c.Cancel(ctx, OrderNumber, "A-1") }})
	}
	if p.SendFact != nil {
		all = append(all, call{"poll", func(ctx context.Context) error {
			_, err := c.PollFacts(ctx, OrderNumber)
			return err
		}})
	}
	if corrector, ok := c.Lab.(labs.Corrector); ok && c.capabilities.CorrectPatient {
		all = append(all,
			call{"correct", func(ctx context.Context) error { return corrector.Correct(ctx, f.NewRequisition(OrderNumber)) }})
	}
	if scheduler, ok := c.Lab.(labs.Scheduler); ok && c.capabilities.Schedule {
		all = append(all, schedulingCalls(scheduler, f.Appointments)...)
	}
	return all
}

func schedulingCalls(s labs.Scheduler, a Appointments) []call {
	return []call{
		{"availability", func(ctx context.Context) error {
			_, err := s.Availability(ctx, a.Query)
			return err
		}},
		{"book", func(ctx context.Context) error {
			_, err := s.Book(ctx, a.bookingFor(appointmentID, a.TakenSlot))
			return err
		}},
		{"reschedule", func(ctx context.Context) error {
			_, err := s.Reschedule(ctx, a.bookingFor(appointmentID, a.TakenSlot))
			return err
		}},
		{"cancel appointment", func(ctx context.Context) error {
			return s.CancelAppointment(ctx, OrderNumber, appointmentID, "Wrong address")
		}},
	}
}

func (a Appointments) bookingFor(id, slot string) labs.Booking {
	b := a.Booking
	b.OrderNumber, b.AppointmentID, b.Slot = OrderNumber, id, slot
	return b
}

// requireError checks that err has the type E and no other outcome type, and that its text contains neither text from
// the partner nor credentials.
func requireError[E error](t testing.TB, f Fixture, err error, what string) E {
	t.Helper()
	var typed E
	require.ErrorAs(t, err, &typed, what)
	require.Equal(t, 1, countOutcomes(err), "%s: an error is of one type", what)
	requireNoLeak(t, f, err)
	return typed
}

// countOutcomes counts the outcome types of package labs that err has.
func countOutcomes(err error) (n int) {
	for _, is := range []func(error) bool{isError[*labs.RefusedError], isError[*labs.UnansweredError],
		isError[*labs.BusyError], isError[*labs.UnauthorizedError]} {
		if is(err) {
			n++
		}
	}
	return n
}

func isError[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func requireNoLeak(t testing.TB, f Fixture, err error) {
	t.Helper()
	require.NotContains(t, strings.ToLower(err.Error()), strings.ToLower(Canary),
		"text from the lab or about the patient is in an error")
	require.NotContains(t, err.Error(), f.FullAccount.Token, "credentials are in an error")
}

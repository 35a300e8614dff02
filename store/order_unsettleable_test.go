package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// A cause that can never be recorded is unsettleable. It is put aside with a mark, and the order goes on.
func TestUnsettleableCausesArePutAside(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		stranger := receiveFact(t, s, addOrder(t, s).Number, order.Fact{Kind: order.FactKitShipped})
		for name, cause := range map[string]order.Cause{
			"no such item": {Fact: &order.Fact{InboxID: sqldb.NewID(), Kind: order.FactKitShipped,
				ReceivedAt: s.now()}},
			"another order's item": {Fact: stranger.Fact},
			"no such result": {Call: &order.CallOutcome{Kind: order.CallFetch, ID: "f", Answer: order.AnswerDone,
				Generation: 1, Fetched: order.FetchOutcome{Generation: 1, ResultID: sqldb.NewID(), Changed: true}}},
			"no such held result": {Demand: &order.Demand{ID: sqldb.NewID(), Kind: order.DemandAcceptResults,
				By: lifecycle.Operations, Results: &order.FetchOutcome{ResultID: sqldb.NewID(), Changed: true}}},
		} {
			o := addOrder(t, s)
			settle(t, s, o.ID, placed("p"))
			applyFact(t, s, o, order.Fact{Kind: order.FactReportReady})
			requireThatItGoesOn(t, s, o, cause, func() error {
				_, err := s.SettleCause(t.Context(), o.ID, cause, s.now())
				return err
			}, name)
		}
	})
}

// requireThatItGoesOn requires that a cause is unsettleable, that recording its failure marks the order, once, and that
// the order then goes on.
func requireThatItGoesOn(t *testing.T, s *Store, o *order.Order, cause order.Cause, settling func() error,
	name string) {
	t.Helper()
	before := state(t, s, o.ID)
	require.ErrorIs(t, settling(), ErrUnsettleable, name)
	require.Equal(t, before, state(t, s, o.ID), name)

	failed, err := s.SettleFailedCause(t.Context(), o.ID, cause, s.now())
	require.NoError(t, err, name)
	require.Equal(t, []any{order.OutcomeRefused, order.ReasonRecordingFailed, before.Revision + 1},
		[]any{failed.Outcome, failed.Reason, failed.Revision}, name)
	require.True(t, failed.State.HasMark(order.AttentionRecordingFailed), name)
	require.Equal(t, state(t, s, o.ID), failed.State, name)
	again, err := s.SettleFailedCause(t.Context(), o.ID, cause, s.now())
	require.NoError(t, err, name)
	require.True(t, again.Duplicate, name)
	require.Equal(t, failed.State, again.State, name)

	shipped := receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitReceived})
	require.Equal(t, order.OutcomeApplied, settle(t, s, o.ID, order.Cause{Fact: shipped.Fact}).Outcome, name)
}

// A rule that panics does not end the process, and leaves nothing behind. Its text is not in the error, because it may
// hold a value.
func TestARuleThatPanicsIsUnsettleable(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		settle(t, s, o.ID, placed("p"))
		cause := order.Cause{Fact: receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitShipped}).Fact}
		for _, thrown := range []any{errors.New("a secret"), "a secret"} {
			_, err := s.settleBy(t.Context(), o.ID, cause, func(order.State) *order.Recording { panic(thrown) }, s.now())
			require.ErrorIs(t, err, ErrUnsettleable)
			require.NotContains(t, err.Error(), "secret")
		}
		requireThatItGoesOn(t, s, o, cause, func() error {
			_, err := s.settleBy(t.Context(), o.ID, cause, func(order.State) *order.Recording {
				return recordingOf(nil)
			}, s.now())
			return err
		}, "nil pointer")
		require.Equal(t, InboxRefused, inboxState(t, s, cause.Fact.InboxID))
		require.Empty(t, look(t, s, o.ID).Received)
	})
}

// Data that the database refuses, and what belongs to another order, are unsettleable.
func TestRefusedDataIsUnsettleable(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		other := addOrder(t, s)
		theirs := newBooking(s, other)
		recordAppointment(t, s, other.ID, "", order.AppointmentStep{Appointment: theirs, First: true})
		for name, spoil := range map[string]func(*order.Decision){
			"another order's appointment": func(d *order.Decision) { d.Next.Appointment = &theirs },
			"two marks of one reason": func(d *order.Decision) {
				mark := order.Attention{Reason: order.AttentionCancelAtLab, Since: s.now()}
				d.Next.Attention = []order.Attention{mark, mark}
			},
		} {
			o := addOrder(t, s)
			settle(t, s, o.ID, placed("p"))
			cause := order.Cause{Fact: receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitShipped}).Fact}
			requireThatItGoesOn(t, s, o, cause, func() error {
				_, err := s.settleBy(t.Context(), o.ID, cause, func(st order.State) *order.Recording {
					rec := st.Decide(cause, s.now())
					spoil(&rec.Decision)
					return rec
				}, s.now())
				return err
			}, name)
		}
	})
}

// A provider's appointment may end so late that no deadline after it can be written.
func TestAnAppointmentAtTheEndOfTimeIsUnsettleable(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, func(o *order.Order) { o.Modality = lifecycle.AtHomePhlebotomy })
		settle(t, s, o.ID, placed("p"))
		end := time.Date(9999, time.December, 31, 23, 0, 0, 0, time.UTC)
		cause := order.Cause{Fact: receiveFact(t, s, o.Number, order.Fact{Kind: order.FactAppointment,
			AppointmentID: "theirs", Appointment: &order.ReportedAppointment{
				Status: lifecycle.AppointmentStatusConfirmed, StartAt: end, EndAt: end, Zone: "UTC",
			}}).Fact}
		requireThatItGoesOn(t, s, o, cause, func() error {
			_, err := s.SettleCause(t.Context(), o.ID, cause, s.now())
			return err
		}, "year 10000")
	})
}

// Errors of one process or one moment are not unsettleable: another worker, or another attempt, can succeed.
func TestTransientErrorsAreNotUnsettleable(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		s, closed := open(), open()
		o := addOrder(t, s)
		require.NoError(t, closed.Close())
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		expired, end := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer end()
		for name, settling := range map[string]func() error{
			"closed": func() error {
				_, err := closed.SettleCause(t.Context(), o.ID, placed("p"), s.now())
				return err
			},
			"cancelled": func() error { _, err := s.SettleCause(cancelled, o.ID, placed("p"), s.now()); return err },
			"expired":   func() error { _, err := s.SettleCause(expired, o.ID, placed("p"), s.now()); return err },
			"cancelled while a rule runs": func() error {
				ctx, stop := context.WithCancel(t.Context())
				_, err := s.settleBy(ctx, o.ID, placed("p"), func(st order.State) *order.Recording {
					stop()
					return st.Decide(placed("p"), s.now())
				}, s.now())
				return err
			},
			"no such order": func() error {
				_, err := s.SettleCause(t.Context(), sqldb.NewID(), placed("p"), s.now())
				return err
			},
		} {
			err := settling()
			require.Error(t, err, name)
			require.NotErrorIs(t, err, ErrUnsettleable, name)
		}
		require.Equal(t, int64(1), state(t, s, o.ID).Revision)
		require.NotNil(t, settle(t, s, o.ID, placed("p")).Decided, "the control: without the fault it is recorded")
	})
}

// Which errors are unsettleable.
func TestUnsettleableErrors(t *testing.T) {
	t.Parallel()
	var number int
	syntax, form := json.Unmarshal([]byte("{"), &number), json.Unmarshal([]byte(`"x"`), &number)
	_, late := json.Marshal(time.Date(10_000, time.January, 1, 0, 0, 0, 0, time.UTC))
	for want, errs := range map[bool][]error{
		true: {errNoInboxRow, errNoResult, errOtherOrder, errRulePanicked, syntax, form, late,
			&pgconn.PgError{Code: "54000"}, &pgconn.PgError{Code: "22021"}},
		false: {ErrNotFound, ErrStale, ErrConflict, context.Canceled, context.DeadlineExceeded, errors.New("other"),
			&pgconn.PgError{Code: "53100"}, &pgconn.PgError{Code: "40001"}},
	} {
		for _, err := range errs {
			got := unsettleable(fmt.Errorf("recording: %w", err))
			require.ErrorIs(t, got, err)
			require.Equal(t, want, errors.Is(got, ErrUnsettleable), "%v", err)
		}
	}
	require.NotErrorIs(t, unsettleable(fmt.Errorf("%w: %w", ErrNotFound, errNoResult)), ErrUnsettleable)
}

// recordingOf returns a recording of a cause. Without a cause it panics, as a rule with a fault does.
func recordingOf(c *order.Cause) *order.Recording { return &order.Recording{Cause: c.ID()} }

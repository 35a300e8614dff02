package activities

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// TestInputsWithoutAnID gives activities inputs that somebody has made by hand. They end as those of an unknown order,
// and are not repeated. The activities have no store: a text that is no id does not reach it.
func TestInputsWithoutAnID(t *testing.T) {
	t.Parallel()
	a := &Activities{Log: slog.New(slog.DiscardHandler)}
	const id = "0195d3c0-7e1a-7c3d-8f00-00a1b2c3d4e5"
	settle := func(ctx context.Context, id string) error {
		_, err := a.Settle(ctx, dispatch.SettleInput{OrderID: id})
		return err
	}
	for name, do := range map[string]func(ctx context.Context, id string) error{
		"settle": settle,
		"place": func(ctx context.Context, id string) error {
			_, err := a.Place(ctx, dispatch.CallInput{OrderID: id})
			return err
		},
		"fetch": func(ctx context.Context, id string) error {
			_, err := a.Fetch(ctx, dispatch.FetchInput{OrderID: id})
			return err
		},
		"cancel":  func(ctx context.Context, id string) error { return a.Cancel(ctx, dispatch.CallInput{OrderID: id}) },
		"correct": func(ctx context.Context, id string) error { return a.Correct(ctx, dispatch.CallInput{OrderID: id}) },
		"book": func(ctx context.Context, id string) error {
			_, err := a.Book(ctx, dispatch.BookInput{OrderID: id})
			return err
		},
		"release": func(ctx context.Context, id string) error {
			return a.Release(ctx, dispatch.ReleaseInput{OrderID: id})
		},
		"track": func(ctx context.Context, id string) error {
			_, err := a.Track(ctx, id)
			return err
		},
	} {
		for _, id := range []string{"", "7", "order-" + id, strings.ToUpper(id), "{" + id + "}", strings.Repeat("x", 5000)} {
			var app *temporal.ApplicationError
			require.ErrorAs(t, do(t.Context(), id), &app, "%s %s", name, id)
			require.Equal(t, dispatch.ErrorUnknownOrder, app.Type(), "%s %s", name, id)
			require.True(t, app.NonRetryable(), "%s %s", name, id)
		}
	}
	require.Panics(t, func() { _ = settle(t.Context(), id) }, "control: an id goes to the store, which is not there")

	_, err := a.Book(t.Context(), dispatch.BookInput{OrderID: id, Demand: order.Demand{ID: "d1"}})
	require.ErrorContains(t, err, "not asked for")
	done, err := a.Deliver(t.Context(), "endpoint-1")
	require.NoError(t, err)
	require.Zero(t, done)
	for _, sweep := range []func(context.Context, string) (dispatch.SweepResult, error){a.PollSilent,
		func(ctx context.Context, after string) (dispatch.SweepResult, error) {
			return a.SweepOpenOrders(ctx, after, dispatch.ReconcileInput{})
		},
		func(ctx context.Context, after string) (dispatch.SweepResult, error) {
			return a.AskLabs(ctx, dispatch.AskInput{After: after})
		}} {
		_, err := sweep(t.Context(), "page-2")
		var app *temporal.ApplicationError
		require.ErrorAs(t, err, &app)
		require.True(t, app.NonRetryable())
	}
	ids, others := withoutNonIDs([]string{"x", id, "x", "{" + id + "}"})
	require.Equal(t, []string{id}, ids)
	require.Equal(t, 2, others)
}

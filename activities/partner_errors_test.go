package activities

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/labs"
)

// TestRefusalCode checks that a partner's words, given as a code, do not get into a history.
func TestRefusalCode(t *testing.T) {
	t.Parallel()
	a := &Activities{Log: slog.New(slog.DiscardHandler)}
	for given, want := range map[string]string{
		"http_404": "http_404", labs.CodeInvalidRequisition: labs.CodeInvalidRequisition,
		"Jane Doe": labs.CodeRefusedByLab, "": labs.CodeRefusedByLab, "jane-doe@example.org": labs.CodeRefusedByLab,
		"no such patient": labs.CodeRefusedByLab,
	} {
		refused := fmt.Errorf("placing: %w", &labs.RefusedError{Code: given})
		require.Equal(t, "refused:"+want, callOutcome(refused))
		require.ErrorContains(t, a.partnerError(context.Background(), "placing", "o", refused), "placing: refused: "+want+" ")
	}
}

// The story shows why a tracker was not created, without the service's own words, and a tracking service is asked again
// no earlier than it wants.
func TestErrorsOfTrackingServices(t *testing.T) {
	t.Parallel()
	a := &Activities{Log: slog.New(slog.DiscardHandler)}
	for _, tt := range []struct {
		err     error
		outcome string
		delay   time.Duration
	}{
		{&couriers.RefusedError{Status: 422, Code: "TRACKER.CREATE.ERROR"}, "refused", 0},
		{&couriers.AccountError{Status: 401, Code: "APIKEY.INACTIVE"}, "unauthorized", 0},
		{errAccountRefused, "unauthorized", 0},
		{&couriers.UnavailableError{Status: 502}, "unanswered", 0},
		{&couriers.UnavailableError{Status: 429, RetryAfter: 17 * time.Second}, "unanswered", 17 * time.Second},
	} {
		require.Equal(t, tt.outcome, callOutcome(tt.err))
		var app *temporal.ApplicationError
		require.ErrorAs(t, a.partnerError(context.Background(), "tracking", "o", tt.err), &app)
		require.False(t, app.NonRetryable())
		require.Equal(t, tt.delay, app.NextRetryDelay())
	}
}

package activities

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
)

// An adapter that takes its partner's words for a code does not bring them into a history.
func TestARefusalSaysNothingButACode(t *testing.T) {
	t.Parallel()
	a := &Activities{Log: slog.New(slog.DiscardHandler)}
	for given, want := range map[string]string{
		"http_404": "http_404", labs.CodeInvalid: labs.CodeInvalid,
		"Jane Doe": labs.CodeRefused, "": labs.CodeRefused, "jane-doe@example.org": labs.CodeRefused, "no such patient": labs.CodeRefused,
	} {
		refused := fmt.Errorf("placing: %w", &labs.RefusedError{Code: given})
		require.Equal(t, "refused:"+want, outcomeOf(refused))
		require.ErrorContains(t, a.partnerFault(context.Background(), "placing", "o", refused), "placing: refused: "+want+" ")
	}
}

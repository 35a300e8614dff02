package activities

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

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

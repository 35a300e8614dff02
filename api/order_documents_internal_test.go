package api

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/order"
)

// A name that would lose a letter in print is refused, not printed.
func TestDocumentsOfAnUnprintableName(t *testing.T) {
	t.Parallel()
	o := order.Order{ID: "1", SampleID: "1", Patient: &order.Patient{FirstName: "Ai", LastName: "𠮷田"}}
	_, err := documents.Labels(o, 1, documents.Collection{At: time.Unix(0, 0).UTC()})
	var refused *Error
	require.ErrorAs(t, mapUnprintable(err), &refused)
	require.Equal(t, http.StatusUnprocessableEntity, refused.GetStatus())
	require.Contains(t, refused.Detail, "U+20BB7")
	other := errors.New("other")
	require.Equal(t, other, mapUnprintable(other), "the control")
}

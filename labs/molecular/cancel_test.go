package molecular_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
)

func TestCancelIsConfirmed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"success":true,"error_msg":" null "}`,
		`[{"order_number":"K7Q2M9XW4T1B8C5D","success":true}]`,
	} {
		l := newLab(t, answer(http.StatusOK, body))

		require.NoError(t, newFullClient(t, l).Cancel(t.Context(), number, "M000412207"))

		require.Equal(t, []string{"POST /CancelOrder"}, l.paths())
		require.JSONEq(t, `{"order_number":"K7Q2M9XW4T1B8C5D","kit_id":"M000412207"}`, l.received()[0].Body)
	}
}

func TestCancelIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status     int
		body, code string
	}{
		"with a reason":        {200, `{"success":false,"error_msg":"kit has been shipped"}`, labs.CodeRefusedByLab},
		"by status and reason": {409, `{"success":false,"error_msg":"kit has been shipped"}`, labs.CodeRefusedByLab},
		"by status":            {404, ``, "http_404"},
		"by a status, success": {404, `{"success":true}`, "http_404"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := newFullClient(t, newLab(t, answer(tt.status, tt.body))).Cancel(t.Context(), number, "")

			var refused *labs.RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tt.code, refused.Code)
			require.Equal(t, tt.body, string(refused.Raw))
		})
	}
}

func TestCancelWithoutAVerdictIsUnanswered(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `{}`, `{"error_msg":" null "}`, `<html>`, `[{"order_number":"OTHER","success":true}]`} {
		err := newFullClient(t, newLab(t, answer(http.StatusOK, body))).Cancel(t.Context(), number, "")

		var unanswered *labs.UnansweredError
		require.ErrorAs(t, err, &unanswered, body)
		require.Equal(t, body, string(unanswered.Raw))
	}
}

package labs_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
)

func TestAccountHidesItsCredentials(t *testing.T) {
	t.Parallel()
	account := labs.Account{ID: "acc-1", Partner: "molecular", User: "practice-9", Token: "secret-guid",
		Environment: labs.Sandbox}

	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("calling", "account", account)
	written := log.String() + fmt.Sprintf("%v %+v %s", account, account, account)

	require.Contains(t, written, "acc-1")
	require.NotContains(t, written, "practice-9")
	require.NotContains(t, written, "secret-guid")
}

func TestErrorTexts(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	tests := map[string]struct {
		err  error
		want string
	}{
		"refused by the lab": {
			&labs.RefusedError{Code: labs.CodeRefusedByLab, Raw: []byte("Jane Roe is unknown")},
			"lab request refused: refused_by_lab",
		},
		"refused by us": {
			&labs.RefusedError{Code: labs.CodeInvalidRequisition, Fields: []string{"gender", "phone"}},
			"lab request refused: invalid_requisition: gender, phone",
		},
		"unanswered": {
			&labs.UnansweredError{Err: cause, Raw: []byte("Jane Roe")},
			"lab request without a usable answer: connection reset",
		},
		"busy":         {&labs.BusyError{Status: 503}, "lab busy: HTTP status 503"},
		"not reached":  {&labs.BusyError{Err: cause}, "lab not reached: connection reset"},
		"unauthorized": {&labs.UnauthorizedError{Status: 401}, "lab did not accept our credentials: HTTP status 401"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, tt.err, tt.want)
		})
	}
	require.ErrorIs(t, &labs.UnansweredError{Err: cause}, cause)
	require.ErrorIs(t, &labs.BusyError{Err: cause}, cause)
}

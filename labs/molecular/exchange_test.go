package molecular_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
)

// calls are all calls of a client.
var calls = map[string]func(context.Context, *molecular.Client) error{
	"place": func(ctx context.Context, c *molecular.Client) error {
		_, err := c.Place(ctx, requisition())
		return err
	},
	"results": func(ctx context.Context, c *molecular.Client) error {
		_, err := c.FetchResults(ctx, number)
		return err
	},
	"cancel": func(ctx context.Context, c *molecular.Client) error { return c.Cancel(ctx, number, "M000412207") },
}

func TestStatusesThatSayNothingAboutTheOrder(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status     int
		retryAfter string
		want       error
	}{
		"unauthorized":      {401, "", &labs.UnauthorizedError{Status: 401}},
		"forbidden":         {403, "", &labs.UnauthorizedError{Status: 403}},
		"request time-out":  {408, "", &labs.BusyError{Status: 408}},
		"too many requests": {429, "7", &labs.BusyError{Status: 429, RetryAfter: 7 * time.Second}},
		"retry at a date": {429, "Mon, 02 Mar 2026 10:01:00 GMT",
			&labs.BusyError{Status: 429, RetryAfter: time.Minute - 123456*time.Microsecond}},
		"retry in the past":  {503, "Mon, 02 Mar 2026 09:00:00 GMT", &labs.BusyError{Status: 503}},
		"retry next year":    {503, "31536000", &labs.BusyError{Status: 503, RetryAfter: time.Hour}},
		"retry before now":   {503, "-5", &labs.BusyError{Status: 503}},
		"retry unreadable":   {503, "soon", &labs.BusyError{Status: 503}},
		"server error":       {500, "", &labs.BusyError{Status: 500}},
		"bad gateway":        {502, "", &labs.BusyError{Status: 502}},
		"gateway time-out":   {504, "", &labs.BusyError{Status: 504}},
		"an unknown 5xx one": {599, "", &labs.BusyError{Status: 599}},
	}
	for name, tt := range tests {
		for caller, do := range calls {
			t.Run(name+"/"+caller, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Retry-After", tt.retryAfter)
					answer(tt.status, acceptedAnswer)(w, r) // with any body
				})

				require.Equal(t, tt.want, do(t.Context(), newFullClient(t, l)))
				require.Len(t, l.received(), 1, "one attempt")
			})
		}
	}
}

func TestTimeoutAfterSending(t *testing.T) {
	t.Parallel()
	for caller, do := range calls {
		t.Run(caller, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			l := newLab(t, func(http.ResponseWriter, *http.Request) { <-done })
			defer close(done)
			client := newClient(t, account(l.URL, settings), labs.Options{Timeout: 50 * time.Millisecond})

			err := do(t.Context(), client)

			var unanswered *labs.UnansweredError
			require.ErrorAs(t, err, &unanswered)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
}

// cutOff sends a part of an answer and closes the connection.
func cutOff(w http.ResponseWriter, status int, beginning string) {
	w.Header().Set("Content-Length", "4096")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, beginning)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestConnectionLostAfterSending(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler http.HandlerFunc
		raw     string
	}{
		"before the answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ""},
		"within the answer": {func(w http.ResponseWriter, _ *http.Request) {
			cutOff(w, http.StatusOK, acceptedAnswer) // the part is valid JSON, but the answer is longer
		}, acceptedAnswer},
	}
	for name, tt := range tests {
		for caller, do := range calls {
			t.Run(name+"/"+caller, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, tt.handler)
				var unanswered *labs.UnansweredError
				require.ErrorAs(t, do(t.Context(), newFullClient(t, l)), &unanswered)
				require.Equal(t, tt.raw, string(unanswered.Raw))
				require.Len(t, l.received(), 1, "one attempt")
			})
		}
	}
}

// An error status is shown, and refuses nothing, if the body was cut off.
func TestStatusOfAnAnswerThatWasCutOff(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(w http.ResponseWriter, _ *http.Request) {
		cutOff(w, http.StatusBadRequest, `{"success":fal`)
	})

	_, err := newFullClient(t, l).Place(t.Context(), requisition())

	var unanswered *labs.UnansweredError
	require.ErrorAs(t, err, &unanswered)
	require.Equal(t, http.StatusBadRequest, unanswered.Status)
	require.Equal(t, `{"success":fal`, string(unanswered.Raw))
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	arrived, done := make(chan struct{}), make(chan struct{})
	l := newLab(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-done })
	defer close(done)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()

	_, err := newFullClient(t, l).Place(ctx, requisition())

	var unanswered *labs.UnansweredError
	require.ErrorAs(t, err, &unanswered, "the lab may have accepted the order")
	require.ErrorIs(t, err, context.Canceled)
}

func TestCallerGaveUpBefore(t *testing.T) {
	t.Parallel()
	l := newLab(t, answer(http.StatusOK, acceptedAnswer))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	for _, do := range calls {
		err := do(ctx, newFullClient(t, l))
		require.ErrorIs(t, err, context.Canceled)
		var unanswered *labs.UnansweredError
		require.NotErrorAs(t, err, &unanswered, "nothing was sent")
	}
	require.Empty(t, l.received())
}

func TestLabNotReached(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	client := newClient(t, account("http://"+listener.Addr().String(), settings), labs.Options{})

	_, err = client.Place(t.Context(), requisition())

	var busy *labs.BusyError
	require.ErrorAs(t, err, &busy, "nothing was sent")
	require.Zero(t, busy.Status)
	require.Error(t, busy.Err)
}

func TestUnusableAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"no JSON":       "<html>Ines Okafor</html>",
		"empty":         "",
		"a text":        `"success"`,
		"no element":    "[]",
		"null":          "null",
		"says nothing":  "{}",
		"two documents": "{}{}",
		"other order":   `[{"order_number":"ANOTHER","kit_id":"M1","success":true}]`,
		"odd verdict":   `[{"success":"true","kit_id":"M1"}]`,
		"odd id":        `[{"success":true,"kit_id":1.5}]`,
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFullClient(t, newLab(t, answer(http.StatusOK, body))).Place(t.Context(), requisition())

			var unanswered *labs.UnansweredError
			require.ErrorAs(t, err, &unanswered)
			require.Equal(t, body, string(unanswered.Raw), "Raw has the body (molecular-api#d24)")
			require.NotContains(t, err.Error(), "Okafor")
		})
	}
}

func TestAnswerThatIsTooLarge(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(w http.ResponseWriter, _ *http.Request) {
		blanks := make([]byte, 1<<20)
		_, _ = w.Write(blanks)
		_, _ = w.Write([]byte(acceptedAnswer))
	})

	_, err := newFullClient(t, l).Place(t.Context(), requisition())

	var unanswered *labs.UnansweredError
	require.ErrorAs(t, err, &unanswered)
	require.Len(t, unanswered.Raw, 64<<10)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := newLab(t, answer(http.StatusOK, acceptedAnswer))
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	client := newClient(t, account(l.URL, settings), labs.Options{HTTPClient: l.Client()})

	_, err := client.Place(t.Context(), requisition())

	var unanswered *labs.UnansweredError
	require.ErrorAs(t, err, &unanswered)
	require.Equal(t, http.StatusTemporaryRedirect, unanswered.Status)
	require.Empty(t, elsewhere.received(), "neither patient data nor credentials go anywhere else")
}

func TestPathsAreBelowTheBaseURL(t *testing.T) {
	t.Parallel()
	l := newLab(t, answer(http.StatusOK, acceptedAnswer))
	client := newClient(t, account(l.URL+"/lis/", settings), labs.Options{})

	_, err := client.Place(t.Context(), requisition())

	require.NoError(t, err)
	require.Equal(t, []string{"POST /lis/PlaceOrder"}, l.paths())
}

func TestPaceComesBeforeEachCall(t *testing.T) {
	t.Parallel()
	var turns atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if turns.Load() == 0 {
			http.Error(w, "before its turn", http.StatusInternalServerError)
			return
		}
		turns.Add(-1)
		answer(http.StatusOK, `[{"success":false,"error_msg":"Duplicate order_number"}]`)(w, r)
	}))
	t.Cleanup(server.Close)
	a := account(server.URL, settings)
	a.Spacing = 500 * time.Millisecond
	reserved := 0
	client := newClient(t, a, labs.Options{WaitForTurn: func(context.Context) error {
		reserved++
		turns.Add(1)
		return nil
	}})

	placed, err := client.Place(t.Context(), requisition())
	require.NoError(t, err)
	require.True(t, placed.AlreadyPlaced)
	require.Equal(t, 2, reserved, "asking for the accession number has its own turn")
	require.Zero(t, turns.Load())

	r := requisition()
	r.Order.Patient.Gender = ""
	_, err = client.Place(t.Context(), r)
	require.Error(t, err)
	require.Equal(t, 2, reserved, "an order that is not sent takes no turn")
}

func TestPaceFails(t *testing.T) {
	t.Parallel()
	l := newLab(t, answer(http.StatusOK, acceptedAnswer))
	away := errors.New("store is away")
	client := newClient(t, account(l.URL, settings),
		labs.Options{WaitForTurn: func(context.Context) error { return away }})

	for _, do := range calls {
		err := do(t.Context(), client)
		require.ErrorIs(t, err, away)
		var unanswered *labs.UnansweredError
		require.NotErrorAs(t, err, &unanswered, "nothing was sent")
	}
	require.Empty(t, l.received())
}

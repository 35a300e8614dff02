package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
)

func checkAccountSettings(t testing.TB, f Fixture) {
	t.Helper()
	waitForTurn := func(context.Context) error { return nil }
	for name, change := range map[string]func(*labs.Account, *labs.Options){
		"no token": func(a *labs.Account, _ *labs.Options) { a.Token = "" },
		"no URL":   func(a *labs.Account, _ *labs.Options) { a.BaseURL = "" },
		"clear text": func(a *labs.Account, _ *labs.Options) {
			a.BaseURL, a.Environment = "http://lab.example", labs.Production
		},
		"an unknown setting": func(a *labs.Account, _ *labs.Options) {
			a.Settings = []byte(`{"` + Canary + `s":1}`)
		},
		"settings of a list":          func(a *labs.Account, _ *labs.Options) { a.Settings = []byte(`[]`) },
		"spacing without WaitForTurn": func(a *labs.Account, o *labs.Options) { a.Spacing, o.WaitForTurn = time.Second, nil },
	} {
		a, o := f.FullAccount, labs.Options{WaitForTurn: waitForTurn}
		a.BaseURL = "https://lab.example"
		change(&a, &o)
		lab, err := f.Protocol.Open(a, o)
		require.Error(t, err, name)
		require.Nil(t, lab, name)
		require.NotContains(t, err.Error(), f.FullAccount.Token, "%s: credentials are in an error", name)
	}
}

func checkCapabilities(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	for _, account := range []labs.Account{f.FullAccount, f.MinimalAccount} {
		if account.ID == f.MinimalAccount.ID {
			p.SendFact = nil // it is for the full account only
		}
		c := openClient(t, f, account, p.URL, nil)
		for name, do := range c.unsupportedCalls(f) {
			require.ErrorIs(t, do(t.Context()), labs.ErrNotSupported, name)
		}
		require.Zero(t, c.transport.requests.Load(), "unsupported calls are not sent")
		for _, k := range c.calls(f, p) {
			require.NotErrorIs(t, k.do(t.Context()), labs.ErrNotSupported, k.name)
		}
	}
	full := openClient(t, f, f.FullAccount, p.URL, nil)
	require.NotEmpty(t, full.capabilities.Methods)
	require.Contains(t, full.capabilities.Methods, f.NewRequisition(OrderNumber).Order.Modality)
	if full.capabilities.Schedule {
		require.NotEmpty(t, full.capabilities.Provider)
		require.NotEmpty(t, full.capabilities.Tiers)
	}
}

// unsupportedCalls returns the calls that are not among the client's capabilities.
func (c client) unsupportedCalls(f Fixture) map[string]func(context.Context) error {
	calls := map[string]func(context.Context) error{}
	if !c.capabilities.Results {
		calls["results"] = func(ctx context.Context) error { _, err := c.FetchResults(ctx, OrderNumber); return err }
	}
	if !c.capabilities.Cancel {
		calls["cancel"] = func(ctx context.Context) error { return c.Cancel(ctx, OrderNumber, "A-1") }
	}
	if corrector, ok := c.Lab.(labs.Corrector); ok && !c.capabilities.CorrectPatient {
		calls["correct"] = func(ctx context.Context) error { return corrector.Correct(ctx, f.NewRequisition(OrderNumber)) }
	}
	if scheduler, ok := c.Lab.(labs.Scheduler); ok && !c.capabilities.Schedule {
		for _, k := range schedulingCalls(scheduler, f.Appointments) {
			calls[k.name] = k.do
		}
	}
	return calls
}

// checkOutcomesDiffer makes every call with every kind of answer without success, and checks the error.
func checkOutcomesDiffer(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	words, err := json.Marshal(map[string]any{"code": Canary, "message": Canary, "error_msg": Canary, "success": false,
		"order_number": OrderNumber})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		check  func(t testing.TB, err error, what string)
	}{
		"busy": {answerWith(http.StatusServiceUnavailable, words, "Retry-After", "7"),
			func(t testing.TB, err error, what string) {
				t.Helper()
				busy := requireError[*labs.BusyError](t, f, err, what)
				require.Equal(t, http.StatusServiceUnavailable, busy.Status, what)
				require.Equal(t, 7*time.Second, busy.RetryAfter, what)
			}},
		"too many calls": {answerWith(http.StatusTooManyRequests, words), func(t testing.TB, err error, what string) {
			t.Helper()
			_ = requireError[*labs.BusyError](t, f, err, what)
		}},
		"unauthorized": {answerWith(http.StatusUnauthorized, words), func(t testing.TB, err error, what string) {
			t.Helper()
			_ = requireError[*labs.UnauthorizedError](t, f, err, what)
		}},
		"forbidden": {answerWith(http.StatusForbidden, words), func(t testing.TB, err error, what string) {
			t.Helper()
			_ = requireError[*labs.UnauthorizedError](t, f, err, what)
		}},
		"refused": {answerWith(http.StatusBadRequest, words), func(t testing.TB, err error, what string) {
			t.Helper()
			refused := requireError[*labs.RefusedError](t, f, err, what)
			require.JSONEq(t, string(words), string(refused.Raw), what)
			require.NotContains(t, refused.Code, Canary, what)
		}},
		"no JSON": {answerWith(http.StatusOK, []byte("<p>"+Canary)), func(t testing.TB, err error, what string) {
			t.Helper()
			unanswered := requireError[*labs.UnansweredError](t, f, err, what)
			require.Contains(t, string(unanswered.Raw), Canary, "%s: Raw has what was received", what)
		}},
		"a gateway's page": {answerWith(http.StatusNotFound, []byte("<p>default backend - 404 "+Canary)), isNoRefusal(f)},
		"a gateway's JSON": {answerWith(http.StatusNotFound, []byte(`{"message":"no Route matched, `+Canary+`"}`)),
			isNoRefusal(f)},
		"a gateway's code": {answerWith(http.StatusNotFound, []byte(`{"code":"NOT_FOUND","message":"`+Canary+`"}`)),
			isNoRefusal(f)},
		"a redirect": {answerWith(http.StatusFound, []byte(Canary), "Location", "/elsewhere"), isNoRefusal(f)},
		"cut off": {cutOff, func(t testing.TB, err error, what string) {
			t.Helper()
			_ = requireError[*labs.UnansweredError](t, f, err, what)
		}},
	} {
		server := httptest.NewServer(tt.answer)
		t.Cleanup(server.Close)
		c := openClient(t, f, f.FullAccount, server.URL, nil)
		for _, k := range c.calls(f, p) {
			before := c.transport.requests.Load()
			err := k.do(t.Context())
			require.Error(t, err, name+": "+k.name)
			tt.check(t, err, name+": "+k.name)
			require.Equal(t, before+1, c.transport.requests.Load(), "%s: %s makes one attempt", name, k.name)
		}
	}
	checkUnreachable(t, f, p)
}

// isNoRefusal checks the error of an answer that is not in any partner's protocol: the call is repeated, and the error
// has the status, which tells operations what answered.
func isNoRefusal(f Fixture) func(t testing.TB, err error, what string) {
	return func(t testing.TB, err error, what string) {
		t.Helper()
		unanswered := requireError[*labs.UnansweredError](t, f, err, what)
		require.NotZero(t, unanswered.Status, what)
		require.Contains(t, string(unanswered.Raw), Canary, what)
	}
}

func checkUnreachable(t testing.TB, f Fixture, p Partner) {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	c := openClient(t, f, f.FullAccount, server.URL, nil)
	server.Close()
	for _, k := range c.calls(f, p) {
		busy := requireError[*labs.BusyError](t, f, k.do(t.Context()), "not reached: "+k.name)
		require.Zero(t, busy.Status)
	}
}

func answerWith(status int, body []byte, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// cutOff sends a part of an answer and aborts the connection.
func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(`{"order_number":`))
	panic(http.ErrAbortHandler)
}

func checkRedirects(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(server.Close)
	c := openClient(t, f, f.FullAccount, server.URL, nil)
	for _, k := range c.calls(f, p) {
		before := c.transport.requests.Load()
		require.Error(t, k.do(t.Context()), k.name)
		require.Equal(t, before+1, c.transport.requests.Load(), "%s: a redirect is not followed", k.name)
	}
}

func checkCallSpacing(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	var turns int64
	var refusal error
	c := openClient(t, f, f.FullAccount, p.URL, func(context.Context) error {
		if refusal == nil {
			turns++
		}
		return refusal
	})
	for _, k := range c.calls(f, p) {
		_ = k.do(t.Context()) // the result of the call does not matter here
		require.Equal(t, turns, c.transport.requests.Load(), "%s: every request waits for its turn", k.name)
	}
	require.NotZero(t, turns)
	refusal = errors.New("no turn")
	for _, k := range c.calls(f, p) {
		require.ErrorIs(t, k.do(t.Context()), refusal, k.name)
		require.Equal(t, turns, c.transport.requests.Load(), "%s: no request without a turn", k.name)
	}
}

func checkCancelledContext(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	ended, end := context.WithCancel(t.Context())
	end()
	c := openClient(t, f, f.FullAccount, p.URL, nil)
	for _, k := range c.calls(f, p) {
		require.ErrorIs(t, k.do(ended), context.Canceled, k.name)
	}
	require.Zero(t, c.transport.requests.Load(), "no request after the context has ended")

	asked, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		case <-release:
		}
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) }) // runs before the server is closed
	c = openClient(t, f, f.FullAccount, server.URL, nil)
	for _, k := range c.calls(f, p) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			select {
			case <-asked:
				cancel()
			case <-done:
			}
		}()
		err := k.do(ctx)
		close(done)
		cancel()
		_ = requireError[*labs.UnansweredError](t, f, err, "cut short: "+k.name)
	}
}

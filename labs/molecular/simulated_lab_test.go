package molecular_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/order"
)

// simulatedLab is a simulated lab, a client of it, and its decoded webhooks.
type simulatedLab struct {
	*molecular.Client

	server   *httptest.Server
	messages chan labs.InboundMessage
}

func startSimulatedLab(t *testing.T, config simlab.Config) *simulatedLab {
	t.Helper()
	s := &simulatedLab{messages: make(chan labs.InboundMessage, 100)}
	pairs := []labs.Credentials{{AccountID: "acc-1", User: user, Token: token}}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, molecular.MaxWebhook))
		if err != nil {
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		if ids, err := molecular.Authenticate(r, body, pairs, time.Now()); err != nil ||
			!slices.Equal(ids, []string{"acc-1"}) {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		s.messages <- molecular.Decode(body, time.Now())
	}))
	t.Cleanup(receiver.Close)

	config.User, config.Token, config.WebhookURL = user, token, receiver.URL
	config.Logger = slog.New(slog.DiscardHandler)
	lab, err := simlab.New(config)
	require.NoError(t, err)
	t.Cleanup(lab.Close)
	s.server = httptest.NewServer(lab.Handler())
	t.Cleanup(s.server.Close)
	s.Client = newClient(t, account(s.server.URL, settings), labs.Options{Now: time.Now})
	return s
}

func (s *simulatedLab) place(t *testing.T, script string) (labs.Acceptance, error) {
	t.Helper()
	r := requisition()
	r.Script = script
	return s.Place(t.Context(), r)
}

// nextMessage returns the lab's next webhook, decoded.
func (s *simulatedLab) nextMessage(t *testing.T) labs.InboundMessage {
	t.Helper()
	select {
	case n := <-s.messages:
		return n
	case <-time.After(10 * time.Second):
		require.FailNow(t, "the lab sends nothing")
		return labs.InboundMessage{}
	}
}

func (s *simulatedLab) controlLab(t *testing.T, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("user", user)
	req.Header.Set("token", token)
	resp, err := s.server.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestSimulatedLabFromOrderToResults(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{})

	placed, err := lab.place(t, "happy-lab-only")
	require.NoError(t, err)
	require.False(t, placed.AlreadyPlaced)
	require.NotEmpty(t, placed.Accession)

	for _, kind := range []order.FactKind{order.FactKitShipped, order.FactKitReceived, order.FactReportReady} {
		n := lab.nextMessage(t)
		require.Empty(t, n.Problem)
		require.Equal(t, number, n.OrderNumber)
		require.Equal(t, placed.Accession, n.Fact.Accession)
		require.Equal(t, kind, n.Fact.Kind)
		require.False(t, n.Fact.SentAt.IsZero())
		if kind == order.FactKitShipped {
			require.NotEmpty(t, n.Fact.OutboundNumber)
			require.NotEmpty(t, n.Fact.InboundNumber)
		}
	}

	reported, err := lab.FetchResults(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, "final", reported.LabReport.Status)
	require.Equal(t, order.InterpretationNormal, reported.LabReport.Interpretation)
	require.Len(t, reported.LabReport.Results, 4)
	require.True(t, strings.HasPrefix(string(reported.PDF), "%PDF-"))
	for _, r := range reported.LabReport.Results {
		require.Equal(t, "numeric", r.Type)
		require.NotNil(t, r.Value)
		require.NotNil(t, r.Timestamp)
		require.Equal(t, "mg/dL", *r.Unit)
	}
}

func TestSimulatedLabRejects(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{})
	_, err := lab.place(t, "reject-final")
	require.NoError(t, err)
	lab.nextMessage(t)
	lab.nextMessage(t)

	n := lab.nextMessage(t)

	require.Equal(t, order.FactKitRejected, n.Fact.Kind)
	require.Equal(t, new(false), n.Fact.Recoverable)
	require.NotEmpty(t, n.Fact.Detail)
	require.NotEmpty(t, n.Reason)
}

func TestSimulatedLabRepeats(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{})
	_, err := lab.place(t, "send-twice")
	require.NoError(t, err)
	for range 3 {
		first, second := lab.nextMessage(t), lab.nextMessage(t)
		require.Equal(t, first.Key, second.Key)
		require.Equal(t, first.Hash, second.Hash)
	}
}

func TestSimulatedLabIsBusyThenAccepts(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{})

	_, err := lab.place(t, "fail-place-1")
	var busy *labs.BusyError
	require.ErrorAs(t, err, &busy)
	require.Equal(t, http.StatusServiceUnavailable, busy.Status)

	placed, err := lab.place(t, "fail-place-1")
	require.NoError(t, err)
	require.False(t, placed.AlreadyPlaced)
}

func TestSimulatedLabAcceptsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{Manual: true})

	_, err := lab.place(t, "timeout-after-accept")
	var unanswered *labs.UnansweredError
	require.ErrorAs(t, err, &unanswered)

	placed, err := lab.place(t, "timeout-after-accept")
	require.NoError(t, err)
	require.True(t, placed.AlreadyPlaced, "the order is not placed twice (molecular-api#d22)")
	require.NotEmpty(t, placed.Accession)
}

func TestSimulatedLabRefuses(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{})

	_, err := lab.place(t, "refuse-place")

	var refused *labs.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, labs.CodeRefusedByLab, refused.Code)
	require.Contains(t, string(refused.Raw), "physician")
}

func TestSimulatedLabChecksCredentials(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{Manual: true})
	a := account(lab.server.URL, settings)
	a.Token = "another"
	client := newClient(t, a, labs.Options{})

	_, err := client.Place(t.Context(), requisition())

	require.Equal(t, &labs.UnauthorizedError{Status: http.StatusUnauthorized}, err)
}

func TestSimulatedLabReportsInSteps(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{Manual: true})
	results := func() labs.FetchedResults {
		t.Helper()
		reported, err := lab.FetchResults(t.Context(), number)
		require.NoError(t, err)
		return reported
	}
	require.Nil(t, results().LabReport, "an order that the lab does not know")
	_, err := lab.place(t, "")
	require.NoError(t, err)
	require.Nil(t, results().LabReport, "no report yet")

	path := "/sandbox/orders/" + number + "/results"
	lab.controlLab(t, path, `{"observations":[]}`)
	require.Nil(t, results().LabReport, "a report without observations (molecular-api#d32)")

	const observed = `"pdf_base64":"JVBERg==","observations":[{"test_name":"Chlamydia trachomatis","result":%s,
		"result_value":"","assay_datetime":"2026-03-01T08:00:00Z"}]`
	lab.controlLab(t, path, `{"status":"partial",`+strings.Replace(observed, "%s", `"Not Detected"`, 1)+`}`)
	partial := results()
	require.Equal(t, "partial", partial.LabReport.Status)

	lab.controlLab(t, path, `{`+strings.Replace(observed, "%s", `"Not Detected"`, 1)+`}`)
	final := results()
	require.Equal(t, "final", final.LabReport.Status)
	require.NotEqual(t, partial.Hash, final.Hash)

	lab.controlLab(t, path, `{`+strings.Replace(observed, "%s", `"Not Detected"`, 1)+`}`)
	require.Equal(t, final.Hash, results().Hash, "the same content in a new version is no correction")

	lab.controlLab(t, path, `{`+strings.Replace(observed, "%s", `"Detected"`, 1)+`}`)
	corrected := results()
	require.NotEqual(t, final.Hash, corrected.Hash)
	require.Equal(t, order.InterpretationAbnormal, corrected.LabReport.Interpretation)
}

func TestSimulatedLabCancels(t *testing.T) {
	t.Parallel()
	lab := startSimulatedLab(t, simlab.Config{CancelCall: true, Manual: true})
	placed, err := lab.place(t, "")
	require.NoError(t, err)
	require.NoError(t, lab.Cancel(t.Context(), number, placed.Accession))

	shipped := startSimulatedLab(t, simlab.Config{CancelCall: true})
	placed, err = shipped.place(t, "silent-after-shipped")
	require.NoError(t, err)
	require.Equal(t, order.FactKitShipped, shipped.nextMessage(t).Fact.Kind)
	var refused *labs.RefusedError
	require.ErrorAs(t, shipped.Cancel(t.Context(), number, placed.Accession), &refused)
	require.Equal(t, labs.CodeRefusedByLab, refused.Code)

	without := startSimulatedLab(t, simlab.Config{Manual: true})
	var unanswered *labs.UnansweredError
	require.ErrorAs(t, without.Cancel(t.Context(), number, ""), &unanswered, "a server's page for an unknown path")
	require.Equal(t, http.StatusNotFound, unanswered.Status)
}

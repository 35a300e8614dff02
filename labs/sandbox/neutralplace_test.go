package sandbox_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/sandbox"
)

func TestNeutralPlacing(t *testing.T) {
	t.Parallel()
	w := newNeutral(t, manual)
	for i, life := range sandbox.Lives() {
		number := fmt.Sprintf("N%d", i)
		path, body := "/orders/"+number, request(number, life, "", "replaces", "N-before")
		first := ask[requisition](w, http.StatusCreated, http.MethodPut, path, body)
		require.Equal(t, first, ask[requisition](w, http.StatusOK, http.MethodPut, path, body), "the same number, the same answer")
		require.NotEmpty(t, first.Accession)
		if life == sandbox.LifeTestkit || life == sandbox.LifeRegistrable {
			require.Regexp(t, `^M\d{9}$`, first.KitID)
		} else {
			require.Empty(t, first.KitID)
		}
		shown := call[map[string]any](w, http.StatusOK, http.MethodGet, "/sandbox/orders/"+number, "")
		require.Equal(t, []any{life, "N-before", first.Accession}, []any{shown["life"], shown["replaces"], shown["accession"]})
	}
	w.place("M1", "")
	require.Equal(t, "invalid_order", ask[refusal](w, http.StatusUnprocessableEntity, http.MethodPut, "/orders/M1", request("M1", sandbox.LifeWalkIn, "")).Code,
		"a number of Molecular's protocol")
}

func TestNeutralPlacingIsChecked(t *testing.T) {
	t.Parallel()
	w := newNeutral(t, manual)
	ill := func(key string, value any) map[string]any {
		p := patient("Ines")
		p[key] = value
		return p
	}
	const walkIn, registrable = sandbox.LifeWalkIn, sandbox.LifeRegistrable
	for _, tt := range []struct {
		code string
		body string
	}{
		{"invalid_order", request("N2", walkIn, "")},
		{"invalid_order", request("N1", "telepathy", "")},
		{"invalid_order", request("N1", walkIn, "", "tests", nil)},
		{"unknown_test", request("N1", walkIn, "", "tests", []map[string]any{{"name": "Lipids"}})},
		{"invalid_order", request("N1", walkIn, "", "patient", nil)},
		{"invalid_order", request("N1", walkIn, "", "patient", ill("last_name", " "))},
		{"invalid_order", request("N1", walkIn, "", "patient", ill("dob", "11/30/1988"))},
		{"invalid_order", request("N1", walkIn, "", "patient", ill("gender", ""))},
		{"invalid_order", request("N1", walkIn, "", "address", nil)},
		{"invalid_order", request("N1", walkIn, "", "address", map[string]any{"first_line": "1 Main St", "city": "Phoenix", "state": "Arizona", "zip": "85004"})},
		{"invalid_order", request("N1", registrable, "", "shipping", nil)},
		{"invalid_order", request("N1", registrable, "", "patient", patient("Ines"))},
		{"invalid_order", request("N1", walkIn, "hapy")},
		{"invalid_order", request("N1", walkIn, "sample-before-registration")},
	} {
		answer := ask[refusal](w, http.StatusUnprocessableEntity, http.MethodPut, "/orders/N1", tt.body)
		require.Equal(t, tt.code, answer.Code, tt.body)
		require.NotContains(t, answer.Message, "Okafor")
	}
	require.Equal(t, "not_registrable",
		ask[refusal](w, http.StatusConflict, http.MethodPut, "/orders/N1", request("N1", walkIn, "", "registrable", true)).Code)
	ask[refusal](w, http.StatusBadRequest, http.MethodPut, "/orders/N1", "[")
	w.order1(walkIn, "") // the control: what was refused was not recorded
}

func TestNeutralPlacingFails(t *testing.T) {
	t.Parallel()
	w := newNeutral(t)
	body := request("N1", sandbox.LifeOnSite, "fail-place-2")
	for range 2 {
		status, _, err := w.signed(accountName, http.MethodPut, "/orders/N1", body)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status)
	}
	ask[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N1", body)

	refused := ask[refusal](w, http.StatusUnprocessableEntity, http.MethodPut, "/orders/N2", request("N2", sandbox.LifeOnSite, "refuse-place"))
	require.Equal(t, "refused", refused.Code)

	body = request("N3", sandbox.LifeOnSite, "timeout-after-accept")
	_, _, err := w.signed(accountName, http.MethodPut, "/orders/N3", body)
	require.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
	ask[requisition](w, http.StatusOK, http.MethodPut, "/orders/N3", body)

	var outcomes []string
	for _, c := range w.lab.Account().Calls {
		require.Equal(t, "neutral.place", c.Operation)
		require.Equal(t, accountName, c.Account)
		outcomes = append(outcomes, c.Orders[0].OrderNumber+" "+c.Orders[0].Outcome)
	}
	require.Equal(t, []string{
		"N1 unavailable", "N1 unavailable", "N1 accepted", "N2 refused", "N3 dropped", "N3 duplicate",
	}, outcomes)
}

func TestASlowAnswerComesAfterTheFirstFacts(t *testing.T) {
	t.Parallel()
	w := newNeutral(t)
	call[map[string]string](w, http.StatusOK, http.MethodPut, "/sandbox/orders/N1/script",
		`{"steps":[{"kind":"sample_received"}],"place":{"hold":"10m"}}`)
	answered := make(chan int, 1)
	go func() {
		status, _, _ := w.signed(accountName, http.MethodPut, "/orders/N1", request("N1", sandbox.LifeOnSite, ""))
		answered <- status
	}()
	w.until(func() bool { return len(w.webhooks()) == 1 })
	require.Empty(t, answered)
	w.lab.Close() // ends what is held
	require.Equal(t, http.StatusCreated, <-answered)
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	w := newNeutral(t)
	kit := w.order1(sandbox.LifeRegistrable, "")
	require.Equal(t, "no_results", ask[refusal](w, http.StatusNotFound, http.MethodGet, "/orders/N1/results", "").Code)
	w.until(func() bool { return len(w.webhooks()) == 4 }) // shipped and delivered; it waits
	require.True(t, w.order("N1").Running)

	require.Equal(t, kit, w.registerPatient())
	again := request("N1", sandbox.LifeTestkit, "")
	require.Equal(t, kit, ask[requisition](w, http.StatusOK, http.MethodPut, "/orders/N1/patient", again))
	other := request("N1", sandbox.LifeTestkit, "", "patient", patient("Obi"))
	require.Equal(t, "already_registered", ask[refusal](w, http.StatusConflict, http.MethodPut, "/orders/N1/patient", other).Code)
	ask[refusal](w, http.StatusNotFound, http.MethodPut, "/orders/N9/patient", again)
	ask[refusal](w, http.StatusUnprocessableEntity, http.MethodPut, "/orders/N1/patient", request("N1", sandbox.LifeTestkit, "", "patient", nil))
	w.until(func() bool { return !w.order("N1").Running })
	require.Equal(t, 1, w.order("N1").Version)
}

func TestAHeldUpSampleGoesOnOnceThePatientIsCorrected(t *testing.T) {
	t.Parallel()
	w := newNeutral(t)
	w.order1(sandbox.LifeTestkit, "reject-recoverable-corrected")
	w.until(func() bool { return w.order("N1").Status == "sample_rejected" })
	other := request("N1", sandbox.LifeTestkit, "", "patient", patient("Obi"))
	ask[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N1/patient", other)
	w.until(func() bool { return !w.order("N1").Running })
	told := w.told(w.order("N1"))
	require.Equal(t, join(heldUp, sample, report), told[len(told)-3:])
}

func TestRegistrationIsRefused(t *testing.T) {
	t.Parallel()
	w := newNeutral(t, manual)
	w.order1(sandbox.LifeRegistrable, "refuse-register")
	require.Equal(t, "already_registered", ask[refusal](w, http.StatusConflict, http.MethodPut, "/orders/N1/patient", request("N1", sandbox.LifeTestkit, "")).Code)
}

func TestNeutralCancelling(t *testing.T) {
	t.Parallel()
	w := newNeutral(t, func(c *sandbox.Config) { c.Speed = 1 })
	cancel := func(status int, number string) refusal {
		return ask[refusal](w, status, http.MethodPost, "/orders/"+number+"/cancel", `{"accession":"A1"}`)
	}
	w.order1(sandbox.LifeWalkIn, "walk-in-no-appointment")
	require.Equal(t, "unknown_order", cancel(http.StatusNotFound, "N9").Code)
	for range 2 {
		cancel(http.StatusOK, "N1")
	}
	w.until(func() bool { return !w.order("N1").Running })
	require.Equal(t, "cancelled", w.order("N1").Status)
	require.Empty(t, w.webhooks())

	ask[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N2", request("N2", sandbox.LifeOnSite, "silent"))
	w.replace("N2", []sandbox.Step{{Kind: sandbox.KindSample}})
	require.Equal(t, "not_cancellable", cancel(http.StatusConflict, "N2").Code)

	ask[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N3", request("N3", sandbox.LifeOnSite, "refuse-cancel"))
	require.Equal(t, "not_cancellable", cancel(http.StatusConflict, "N3").Code)

	ask[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N4", request("N4", sandbox.LifeOnSite, "unanswered-cancel"))
	_, _, err := w.signed(accountName, http.MethodPost, "/orders/N4/cancel", `{}`)
	require.Error(t, err)
	cancel(http.StatusOK, "N4")
}

func TestSpacingIsOfEachAccount(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w := newNeutral(t, manual, func(c *sandbox.Config) { c.Spacing, c.Now = time.Minute, clock.now })
	body := `{"type":"phlebotomy","address":{"zip":"85004"}}`
	for _, account := range []string{accountName, accountName + ":getlabs", accountName} {
		askAs[free](w, account, http.StatusOK, http.MethodPost, "/availability", body)
	}
	w.place("M1", "")
	require.Equal(t, 1, w.lab.Account().TooSoon)
}

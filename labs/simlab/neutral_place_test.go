package simlab_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

func TestNeutralPlacing(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, withManual)
	for i, flow := range simlab.Flows() {
		number := fmt.Sprintf("N%d", i)
		path, body := "/orders/"+number, neutralOrderBody(number, flow, "", "replaces", "N-before")
		first := neutralCall[requisition](w, http.StatusCreated, http.MethodPut, path, body)
		require.Equal(t, first, neutralCall[requisition](w, http.StatusOK, http.MethodPut, path, body),
			"the same number, the same answer")
		require.NotEmpty(t, first.Accession)
		if flow == simlab.FlowTestkit || flow == simlab.FlowRegistrable {
			require.Regexp(t, `^M\d{9}$`, first.KitID)
		} else {
			require.Empty(t, first.KitID)
		}
		shown := call[map[string]any](w, http.StatusOK, http.MethodGet, "/sandbox/orders/"+number, "")
		require.Equal(t, []any{flow, "N-before", first.Accession},
			[]any{shown["life"], shown["replaces"], shown["accession"]})
	}
	w.place("M1", "")
	require.Equal(t, "invalid_order", neutralCall[refusal](w, http.StatusUnprocessableEntity, http.MethodPut, "/orders/M1",
		neutralOrderBody("M1", simlab.FlowWalkIn, "")).Code,
		"a number of Molecular's protocol")
}

func TestNeutralPlacingIsChecked(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, withManual)
	ill := func(key string, value any) map[string]any {
		p := patient("Ines")
		p[key] = value
		return p
	}
	const walkIn, registrable = simlab.FlowWalkIn, simlab.FlowRegistrable
	for _, tt := range []struct {
		code string
		body string
	}{
		{"invalid_order", neutralOrderBody("N2", walkIn, "")},
		{"invalid_order", neutralOrderBody("N1", "telepathy", "")},
		{"invalid_order", neutralOrderBody("N1", walkIn, "", "tests", nil)},
		{"unknown_test", neutralOrderBody("N1", walkIn, "", "tests", []map[string]any{{"name": "Lipids"}})},
		{"invalid_order", neutralOrderBody("N1", walkIn, "", "patient", nil)},
		{"invalid_order", neutralOrderBody("N1", walkIn, "", "patient", ill("last_name", " "))},
		{"invalid_order", neutralOrderBody("N1", walkIn, "", "patient", ill("dob", "11/30/1988"))},
		{"invalid_order", neutralOrderBody("N1", walkIn, "", "patient", ill("gender", ""))},
		{"invalid_order", neutralOrderBody("N1", walkIn, "", "address", nil)},
		{"invalid_order", neutralOrderBody("N1", walkIn, "", "address",
			map[string]any{"first_line": "1 Main St", "city": "Phoenix", "state": "Arizona", "zip": "85004"})},
		{"invalid_order", neutralOrderBody("N1", registrable, "", "shipping", nil)},
		{"invalid_order", neutralOrderBody("N1", registrable, "", "patient", patient("Ines"))},
		{"invalid_order", neutralOrderBody("N1", walkIn, "hapy")},
		{"invalid_order", neutralOrderBody("N1", walkIn, "sample-before-registration")},
	} {
		answer := neutralCall[refusal](w, http.StatusUnprocessableEntity, http.MethodPut, "/orders/N1", tt.body)
		require.Equal(t, tt.code, answer.Code, tt.body)
		require.NotContains(t, answer.Message, "Okafor")
	}
	require.Equal(t, "not_registrable",
		neutralCall[refusal](w, http.StatusConflict, http.MethodPut, "/orders/N1",
			neutralOrderBody("N1", walkIn, "", "registrable", true)).Code)
	neutralCall[refusal](w, http.StatusBadRequest, http.MethodPut, "/orders/N1", "[")
	w.placeOnSite(walkIn, "") // the refused order was not recorded
}

func TestNeutralPlacingFails(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t)
	body := neutralOrderBody("N1", simlab.FlowOnSite, "fail-place-2")
	for range 2 {
		status, _, err := w.sendSigned(accountName, http.MethodPut, "/orders/N1", body)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, status)
	}
	neutralCall[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N1", body)

	refused := neutralCall[refusal](w, http.StatusUnprocessableEntity, http.MethodPut, "/orders/N2",
		neutralOrderBody("N2", simlab.FlowOnSite, "refuse-place"))
	require.Equal(t, "refused", refused.Code)

	body = neutralOrderBody("N3", simlab.FlowOnSite, "timeout-after-accept")
	_, _, err := w.sendSigned(accountName, http.MethodPut, "/orders/N3", body)
	require.True(t, errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
	neutralCall[requisition](w, http.StatusOK, http.MethodPut, "/orders/N3", body)

	var outcomes []string
	for _, c := range w.lab.Traffic().Calls {
		require.Equal(t, "neutral.place", c.Operation)
		require.Equal(t, accountName, c.Account)
		outcomes = append(outcomes, c.Orders[0].OrderNumber+" "+c.Orders[0].Outcome)
	}
	require.Equal(t, []string{
		"N1 unavailable", "N1 unavailable", "N1 accepted", "N2 refused", "N3 dropped", "N3 duplicate",
	}, outcomes)
}

func TestSlowAnswerDoesNotDelayFacts(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t)
	call[map[string]string](w, http.StatusOK, http.MethodPut, "/sandbox/orders/N1/script",
		`{"steps":[{"kind":"sample_received"}],"place":{"hold":"10m"}}`)
	answered := make(chan int, 1)
	go func() {
		status, _, _ := w.sendSigned(accountName, http.MethodPut, "/orders/N1", neutralOrderBody("N1", simlab.FlowOnSite, ""))
		answered <- status
	}()
	w.await(func() bool { return len(w.webhooks()) == 1 })
	require.Empty(t, answered)
	w.lab.Close() // ends the connections that are held
	require.Equal(t, http.StatusCreated, <-answered)
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t)
	kit := w.placeOnSite(simlab.FlowRegistrable, "")
	require.Equal(t, "no_results", neutralCall[refusal](w, http.StatusNotFound, http.MethodGet, "/orders/N1/results",
		"").Code)
	w.await(func() bool { return len(w.webhooks()) == 4 }) // shipped and delivered; now it waits
	require.True(t, w.order("N1").Running)

	require.Equal(t, kit, w.registerPatient())
	again := neutralOrderBody("N1", simlab.FlowTestkit, "")
	require.Equal(t, kit, neutralCall[requisition](w, http.StatusOK, http.MethodPut, "/orders/N1/patient", again))
	other := neutralOrderBody("N1", simlab.FlowTestkit, "", "patient", patient("Obi"))
	require.Equal(t, "already_registered", neutralCall[refusal](w, http.StatusConflict, http.MethodPut,
		"/orders/N1/patient", other).Code)
	neutralCall[refusal](w, http.StatusNotFound, http.MethodPut, "/orders/N9/patient", again)
	neutralCall[refusal](w, http.StatusUnprocessableEntity, http.MethodPut, "/orders/N1/patient",
		neutralOrderBody("N1", simlab.FlowTestkit, "", "patient", nil))
	w.await(func() bool { return !w.order("N1").Running })
	require.Equal(t, 1, w.order("N1").Version)
}

func TestAHeldUpSampleGoesOnOnceThePatientIsCorrected(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t)
	w.placeOnSite(simlab.FlowTestkit, "reject-recoverable-corrected")
	w.await(func() bool { return w.order("N1").Status == "sample_rejected" })
	other := neutralOrderBody("N1", simlab.FlowTestkit, "", "patient", patient("Obi"))
	neutralCall[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N1/patient", other)
	w.await(func() bool { return !w.order("N1").Running })
	facts := w.factNames(w.order("N1"))
	require.Equal(t, join(heldUp, sample, report), facts[len(facts)-3:])
}

func TestRegistrationIsRefused(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, withManual)
	w.placeOnSite(simlab.FlowRegistrable, "refuse-register")
	require.Equal(t, "already_registered", neutralCall[refusal](w, http.StatusConflict, http.MethodPut,
		"/orders/N1/patient", neutralOrderBody("N1", simlab.FlowTestkit, "")).Code)
}

func TestNeutralCancelling(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, func(c *simlab.Config) { c.Speed = 1 })
	cancel := func(status int, number string) refusal {
		return neutralCall[refusal](w, status, http.MethodPost, "/orders/"+number+"/cancel", `{"accession":"A1"}`)
	}
	w.placeOnSite(simlab.FlowWalkIn, "walk-in-no-appointment")
	require.Equal(t, "unknown_order", cancel(http.StatusNotFound, "N9").Code)
	for range 2 {
		cancel(http.StatusOK, "N1")
	}
	w.await(func() bool { return !w.order("N1").Running })
	require.Equal(t, "cancelled", w.order("N1").Status)
	require.Empty(t, w.webhooks())

	neutralCall[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N2",
		neutralOrderBody("N2", simlab.FlowOnSite, "silent"))
	w.replaceScript("N2", []simlab.Step{{Kind: simlab.KindSample}})
	require.Equal(t, "not_cancellable", cancel(http.StatusConflict, "N2").Code)

	neutralCall[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N3",
		neutralOrderBody("N3", simlab.FlowOnSite, "refuse-cancel"))
	require.Equal(t, "not_cancellable", cancel(http.StatusConflict, "N3").Code)

	neutralCall[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N4",
		neutralOrderBody("N4", simlab.FlowOnSite, "unanswered-cancel"))
	_, _, err := w.sendSigned(accountName, http.MethodPost, "/orders/N4/cancel", `{}`)
	require.Error(t, err)
	cancel(http.StatusOK, "N4")
}

func TestSpacingIsOfEachAccount(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w := newNeutralLab(t, withManual, func(c *simlab.Config) { c.Spacing, c.Now = time.Minute, clock.now })
	body := `{"type":"phlebotomy","address":{"zip":"85004"}}`
	for _, account := range []string{accountName, accountName + ":getlabs", accountName} {
		neutralCallAs[availability](w, account, http.StatusOK, http.MethodPost, "/availability", body)
	}
	w.place("M1", "")
	require.Equal(t, 1, w.lab.Traffic().TooSoon)
}

package order

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDefaultPolicy lists the defaults of order-lifecycle#deadlines in hours.
func TestDefaultPolicy(t *testing.T) {
	t.Parallel()
	hours := func(h int) Duration { return Duration(time.Duration(h) * time.Hour) }
	require.Equal(t, Policy{
		Replacement: "manual", ReplacementLimit: 2,
		Recovery: RecoveryPolicy{Window: hours(336), Reminders: []Duration{hours(72), hours(168), hours(240)},
			MaxRestarts: 2},
		Deadlines: DeadlinePolicy{
			Requisition: hours(8), Shipment: hours(168), Outbound: hours(240), OutboundLost: hours(720),
			WithCustomer: hours(720),
			Inbound:      hours(168), InboundLost: hours(504), Results: hours(336), ResultsFetch: hours(25),
			PartialResults: hours(336),
			ParkedFact:     hours(24), Visit: hours(336), AppointmentAssign: hours(48), DrawReport: hours(24),
			OnSiteDraw: hours(336),
			KitExpiry:  hours(8760),
		},
	}, DefaultPolicy())
	require.NoError(t, DefaultPolicy().validate())
}

func TestResolvePolicyAppliesOverlaysInOrder(t *testing.T) {
	t.Parallel()
	team := `{"replacement":"auto","deadlines":{"shipment":"48h","results":"240h"}}`
	account := `{"recovery":{"window":"168h","reminders":["72h","120h"]},"deadlines":{"shipment":"72h"}}`
	test := `{"replacement":"never"}`
	got, err := ResolvePolicy([]byte(team), nil, []byte(account), []byte(test))
	require.NoError(t, err)

	want := DefaultPolicy()
	want.Replacement = ReplaceNever
	want.Deadlines.Shipment, want.Deadlines.Results = Duration(3*Day), Duration(10*Day)
	want.Recovery.Window, want.Recovery.Reminders = Duration(7*Day), []Duration{Duration(3 * Day), Duration(5 * Day)}
	require.Equal(t, want, got)

	none, err := ResolvePolicy()
	require.NoError(t, err)
	require.Equal(t, DefaultPolicy(), none, "an earlier overlay leaves nothing behind")
}

func TestResolvePolicyRefusesUnknownFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ overlay, says string }{
		{`{"replacment":"auto"}`, "replacment"},
		{`{"deadlines":{"shipmnt":"48h"}}`, "shipmnt"},
		{`{"recovery":{"windows":"48h"}}`, "windows"},
		{`{"deadlines":{"shipment":"7 days"}}`, `"7 days" is not a duration`},
		{`{"deadlines":{"shipment":7}}`, "shipment"},
		{`{"minors":true} {"replacement":"never"}`, "more than one value"},
		{`{"minors":true`, "unexpected EOF"},
		{`[]`, "array"},
	} {
		got, err := ResolvePolicy([]byte(c.overlay))
		require.ErrorContains(t, err, c.says)
		require.Zero(t, got)
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := ResolvePolicy([]byte(`{"replacement":"sometimes","replacement_limit":-1,
		"recovery":{"window":"48h","reminders":["0s","24h","48h"],"max_restarts":-1},
		"deadlines":{"requisition":"0s","kit_expiry":"-1h"}}`))
	require.EqualError(t, err, `replacement is "sometimes", not never, manual or auto
replacement_limit is negative
recovery.max_restarts is negative
recovery.reminders[0] does not lie inside the window
recovery.reminders[2] does not lie inside the window
deadlines.requisition is not positive
deadlines.kit_expiry is not positive`)
}

// TestEveryDeadlineIsValidated validates an empty policy: a deadline that is not validated would be missing in the
// error.
func TestEveryDeadlineIsValidated(t *testing.T) {
	t.Parallel()
	err := Policy{Replacement: ReplaceNever}.validate()
	var names map[string]string
	require.NoError(t, json.Unmarshal([]byte(jsonText(t, DefaultPolicy().Deadlines)), &names))
	require.Len(t, names, 16)
	for name := range names {
		require.ErrorContains(t, err, "deadlines."+name+" is not positive")
	}
	require.ErrorContains(t, err, "recovery.window is not positive")
}

func TestPolicySurvivesJSON(t *testing.T) {
	t.Parallel()
	written := jsonText(t, DefaultPolicy())
	require.Contains(t, written, `"window":"336h0m0s"`)
	read, err := ResolvePolicy([]byte(written))
	require.NoError(t, err)
	require.Equal(t, DefaultPolicy(), read)
}

package neutral_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
	"github.com/aliquot-labs/aliquot/order"
)

// TestTheWordNullIsNothing reports a result whose values are the word, and a patient with that surname.
func TestTheWordNullIsNothing(t *testing.T) {
	t.Parallel()
	const number = "K7Q2M9XW4T1B8C5D"
	p := neutraltest.Start(t, neutraltest.FullAccount.User, neutraltest.FullAccount.Token)
	c := openClient(t, p, neutraltest.FullAccount)
	_, err := c.Place(t.Context(), neutraltest.Fixture().NewRequisition(number))
	require.NoError(t, err)
	fetch := func(report map[string]any) (labs.FetchedResults, error) {
		p.PublishReport(number, report)
		return c.FetchResults(t.Context(), number)
	}
	const null = " null "
	got, err := fetch(map[string]any{
		"status": "final", "laboratory": "NULL", "pdf_base64": null, "collected_at": null,
		"results": []any{map[string]any{"code": "H1", "name": null, "loinc": null, "result": "5", "unit": null,
			"reference_range": "null", "flag": null, "at": null}},
		"missing": []any{map[string]any{"name": "LDL", "code": null, "note": null}},
		"patient": map[string]any{"first_name": "Ada", "last_name": "Null", "dob": "1988-11-30"},
	})
	require.NoError(t, err)
	require.Nil(t, got.PDF)
	require.Empty(t, got.LabReport.Laboratory)
	require.Nil(t, got.LabReport.CollectedAt)
	require.Equal(t, "Null", got.LabReport.Patient.LastName)
	result := got.LabReport.Results[0]
	require.Equal(t, "H1", result.Name, "its code names it")
	require.Nil(t, result.Unit)
	require.Nil(t, result.ReferenceRange)
	require.Nil(t, result.LOINC)
	require.Empty(t, result.SourceFlag)
	require.Nil(t, got.LabReport.Missing[0].Note)
	require.Nil(t, got.LabReport.Missing[0].ProviderID)

	same, err := fetch(map[string]any{
		"status": "final", "results": []any{map[string]any{"code": "H1", "result": "5"}},
		"missing": []any{map[string]any{"name": "LDL"}},
		"patient": map[string]any{"first_name": "Ada", "last_name": "Null", "dob": "1988-11-30"},
	})
	require.NoError(t, err)
	require.Equal(t, got.Hash, same.Hash, "nothing, however it is written, is no correction")

	var unanswered *labs.UnansweredError
	_, err = fetch(map[string]any{"status": "final", "results": []any{map[string]any{"name": "A"}},
		"pdf_base64": base64.StdEncoding.EncodeToString([]byte("<html>"))})
	require.ErrorAs(t, err, &unanswered, "what is no PDF is not stored as one")
	got, err = fetch(map[string]any{"status": "final", "results": []any{map[string]any{"name": "A"}},
		"pdf_base64": "data:application/pdf;base64,JVBERi0x"})
	require.NoError(t, err)
	require.Equal(t, "%PDF-1", string(got.PDF))
}

func TestNumbersOfFacts(t *testing.T) {
	t.Parallel()
	m := neutral.Decode("1", []byte(`{"type":"kit_shipped","order_number":"K","accession":"f\u00fcr Zo\u00eb",
		"data":{"outbound":"\u001d9261","inbound":9262,"kit_id":["a","b"]}}`), factTime)
	require.Equal(t, &order.Fact{Kind: order.FactKitShipped, ReceivedAt: factTime, OutboundNumber: "9261",
		InboundNumber: "9262", Unreadable: []string{"kit_id"}}, m.Fact)
	require.Equal(t, "für Zoë", m.AccessionWords)

	m = neutral.Decode("1", []byte(`{"type":"appointment","order_number":"K","data":{"reference":77,
		"confirmation":"ask Zo\u00eb","status":"pending","provider":" null "}}`), factTime)
	require.Equal(t, "77", m.Fact.Appointment.Reference)
	require.Empty(t, m.Fact.Appointment.Confirmation)
	require.Equal(t, []string{"confirmation"}, m.Fact.Unreadable)

	for _, sent := range []string{`" null "`, `null`, `""`} {
		m = neutral.Decode("1", []byte(`{"type":"kit_shipped","order_number":"K","accession":`+sent+
			`,"data":{"outbound":`+sent+`}}`), factTime)
		require.Equal(t, &order.Fact{Kind: order.FactKitShipped, ReceivedAt: factTime}, m.Fact, sent)
		require.Empty(t, m.AccessionWords)
	}
}

var factTime = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

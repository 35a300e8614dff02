package molecular_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
)

// TestTheWordNullIsNothing reads results whose values are the word (molecular-api#d23).
func TestTheWordNullIsNothing(t *testing.T) {
	t.Parallel()
	got, err := fetch(t, http.StatusOK, `{"order_number":" null ","status":" null ","pdf_base64":" null ",
		"tempstrip_status":"null","success":null,"error_msg":" null ","observations":[{"test_name":" null ",
		"loinc":"2085-9","result":" NULL ","result_value":"31","units":" null ","reference_range":"null",
		"assay_datetime":" null "}]}`)
	require.NoError(t, err)
	require.Nil(t, got.PDF)
	require.Equal(t, "final", got.LabReport.Status)
	result := got.LabReport.Results[0]
	require.Equal(t, "2085-9", result.Name, "its code names it")
	require.Equal(t, "31", result.Text)
	require.Nil(t, result.Unit)
	require.Nil(t, result.ReferenceRange)
	require.Nil(t, result.Timestamp)
	require.Empty(t, result.SourceFlag)
}

func TestDocumentsThatAreNoPDF(t *testing.T) {
	t.Parallel()
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	got, err := fetch(t, http.StatusOK, `{"pdf_base64":"data:application/pdf;base64,`+encode("%PDF-1.7 x")+
		`","observations":[`+chlamydia+`]}`)
	require.NoError(t, err)
	require.Equal(t, "%PDF-1.7 x", string(got.PDF))
	for _, document := range []string{encode("<html>"), "bnVs", "no document"} {
		_, err := fetch(t, http.StatusOK, `{"pdf_base64":"`+document+`","observations":[`+chlamydia+`]}`)
		var unanswered *labs.UnansweredError
		require.ErrorAs(t, err, &unanswered, document)
	}
}

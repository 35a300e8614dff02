package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/billing"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// decodeAndEncode decodes a JSON document into a T and encodes it again.
func decodeAndEncode[T any](text string) (string, error) {
	var v T
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return "", err
	}
	return encodeJSON(v)
}

// snapshotDocuments are the sealed columns that contain JSON of the store's types.
var snapshotDocuments = map[string]func(string) (string, error){
	"order_documents.patient": decodeAndEncode[*order.Patient], "order_documents.address": decodeAndEncode[*order.Address],
	"order_documents.shipping":  decodeAndEncode[*order.ShippingAddress],
	"order_documents.physician": decodeAndEncode[*order.Physician],
	"order_documents.clinical":  decodeAndEncode[clinicalDocument],
	"order_documents.results":   decodeAndEncode[*order.ResultSummary],
	"inbox.headers":             decodeAndEncode[map[string]string], "results.report": decodeAndEncode[order.LabReport],
	"appointments.place":       decodeAndEncode[*order.Location],
	"appointment_places.place": decodeAndEncode[order.Location], "reviews.report": decodeAndEncode[order.LabReport],
	"physicians.document":      decodeAndEncode[order.Physician],
	"lab_accounts.credentials": decodeAndEncode[labCredentials], "endpoints.headers": decodeAndEncode[map[string]string],
}

// clearDocuments are the columns in clear that contain JSON of the store's types.
var clearDocuments = map[string]func(string) (string, error){
	"order_states.state": decodeAndEncode[order.State], "order_documents.lab_test": decodeAndEncode[order.LabTest],
	"inbox.facts":      decodeAndEncode[map[string]*order.Fact],
	"demands.request":  decodeAndEncode[order.Demand],
	"reviews.matching": decodeAndEncode[order.Match], "lab_accounts.profile": decodeAndEncode[AccountProfile],
	"labs.document":      decodeAndEncode[order.Lab],
	"lab_tests.document": decodeAndEncode[order.LabTest], "markers.document": decodeAndEncode[order.Marker],
	"sites.document":          decodeAndEncode[order.Site],
	"payors.document":         decodeAndEncode[billing.Payor],
	"unmatched_tests.request": decodeAndEncode[UnmatchedResultTestRequest],
	"unmatched_tests.orders":  decodeAndEncode[unmatchedResultTestRunDocument],
	"endpoints.filter_types":  decodeAndEncode[[]string], "coverage.service_types": decodeAndEncode[[]string],
	"teams.policy": checkPolicyOverlay, "lab_accounts.policy": checkPolicyOverlay,
}

// checkPolicyOverlay checks that a policy overlay is still valid. Strict decoding refuses an unknown name.
func checkPolicyOverlay(text string) (string, error) {
	_, err := order.ResolvePolicy([]byte(text))
	return text, err
}

// demandBodies are the bodies of demands by their kinds.
var demandBodies = map[string]func(string) (string, error){
	"recover": decodeAndEncode[order.Correction], "register": decodeAndEncode[order.Registration],
	"accept": decodeAndEncode[order.MatchReviewAcceptance],
	"book":   decodeAndEncode[order.BookingBody], "request": decodeAndEncode[order.BookingBody],
}

// notAgain lists the documents that are not encoded as they were read.
func notAgain(t *testing.T, s *Store) (changed []string) {
	t.Helper()
	check := func(column, id, text string, again func(string) (string, error)) {
		if written, err := again(text); err != nil || written != text {
			changed = append(changed, column+" of "+id)
		}
	}
	for context, text := range openAllValues(t, s) {
		parts := strings.Split(context, "/")
		column := parts[0] + "." + parts[len(parts)-1]
		if again := snapshotDocuments[column]; again != nil {
			check(column, parts[1], text, again)
		}
		if column == "demands.body" {
			d, err := s.Demand(t.Context(), parts[1])
			require.NoError(t, err)
			require.Contains(t, demandBodies, string(d.Kind))
			check(column, parts[1], text, demandBodies[string(d.Kind)])
		}
	}
	for column, again := range clearDocuments {
		table, name, _ := strings.Cut(column, ".")
		ids := map[string]string{"payors": "code", "sites": "code", "coverage": "from_zip", "order_states": "order_id",
			"order_documents": "order_id"}
		id := "id"
		if ids[table] != "" {
			id = ids[table]
		}
		type document struct{ id, text string }
		all, err := sqldb.QueryAll(t.Context(), s.db.Reader, func(row sqldb.Scanner) (d document, err error) {
			err = row.Scan(&d.id, &d.text)
			return d, err
		}, fmt.Sprintf(`SELECT %s, %s FROM %s WHERE %[2]s <> ''`, id, name, table))
		require.NoError(t, err)
		require.NotEmpty(t, all, "the snapshot has no %s", column)
		for _, d := range all {
			check(column, d.id, d.text, again)
		}
	}
	slices.Sort(changed)
	return changed
}

// states returns the states of all orders, decoded and encoded again.
func states(t *testing.T, s *Store) map[string]json.RawMessage {
	t.Helper()
	all := map[string]json.RawMessage{}
	ids, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT id FROM orders`)
	require.NoError(t, err)
	for _, id := range ids {
		st := state(t, s, id)
		text, err := json.Marshal(st)
		require.NoError(t, err)
		all[id] = text
	}
	return all
}

var snapshotWord = regexp.MustCompile(`Word[0-9]+x`)

// words returns the snapshot's words in a value, in any field.
func words(values ...any) []string {
	var text bytes.Buffer
	for _, v := range values {
		collectText(&text, reflect.ValueOf(v))
	}
	found := snapshotWord.FindAllString(text.String(), -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func collectText(to *bytes.Buffer, v reflect.Value) {
	if !v.IsValid() || v.Type() == reflect.TypeFor[time.Time]() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		to.WriteString(v.String() + "\n")
	case reflect.Pointer, reflect.Interface:
		collectText(to, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			collectText(to, v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			to.Write(append(v.Bytes(), '\n'))
			return
		}
		for i := range v.Len() {
			collectText(to, v.Index(i))
		}
	case reflect.Map:
		for pairs := v.MapRange(); pairs.Next(); {
			collectText(to, pairs.Key())
			collectText(to, pairs.Value())
		}
	default: // numbers and other values contain no word
	}
}

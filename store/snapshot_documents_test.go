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

// again decodes a JSON document into a T and encodes it again.
func again[T any](text string) (string, error) {
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
	"orders.patient": again[*order.Patient], "orders.address": again[*order.Address],
	"orders.shipping":  again[*order.ShippingAddress],
	"orders.physician": again[*order.Physician], "orders.clinical": again[clinicalDocument],
	"orders.results": again[*order.ResultSummary],
	"inbox.headers":  again[map[string]string], "results.report": again[order.LabReport],
	"appointments.place":       again[*order.Location],
	"appointment_places.place": again[order.Location], "reviews.report": again[order.LabReport],
	"physicians.document":      again[order.Physician],
	"lab_accounts.credentials": again[labCredentials], "endpoints.headers": again[map[string]string],
}

// clearDocuments are the columns in clear that contain JSON of the store's types.
var clearDocuments = map[string]func(string) (string, error){
	"orders.state": again[order.State], "orders.lab_test": again[order.LabTest],
	"inbox.facts":      again[map[string]*order.Fact],
	"reviews.matching": again[order.Match], "lab_accounts.profile": again[AccountProfile],
	"labs.document":      again[order.Lab],
	"lab_tests.document": again[order.LabTest], "markers.document": again[order.Marker],
	"sites.document":  again[order.Site],
	"payors.document": again[billing.Payor], "unmatched_tests.request": again[UnmatchedResultTestRequest],
	"unmatched_tests.orders": again[unmatchedResultTestRunDocument],
	"endpoints.filter_types": again[[]string], "coverage.service_types": again[[]string],
	"teams.policy": resolved, "lab_accounts.policy": resolved,
}

// resolved checks that a policy overlay is still valid. Strict decoding refuses an unknown name.
func resolved(text string) (string, error) {
	_, err := order.ResolvePolicy([]byte(text))
	return text, err
}

// demandBodies are the bodies of demands by their kinds.
var demandBodies = map[string]func(string) (string, error){
	"recover": again[order.Correction], "register": again[order.Registration],
	"accept": again[order.MatchReviewAcceptance],
	"book":   again[order.BookingBody], "request": again[order.BookingBody],
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
		ids := map[string]string{"payors": "code", "sites": "code", "coverage": "from_zip"}
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

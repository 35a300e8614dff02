package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/catalogue"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// codesOfSlots returns the codes of the sites with free slots, sorted.
func codesOfSlots(t *testing.T, r reply) []string {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	var codes []string
	for _, day := range r.json(t)["slots"].([]any) {
		codes = append(codes, day.(map[string]any)["location"].(map[string]any)["code"].(string))
	}
	slices.Sort(codes)
	return codes
}

// refuseUnless answers with a day for each site, and refuses all if one of them is none of the bookable sites.
func refuseUnless(t *testing.T, bookable ...string) func(labs.AvailabilityQuery) (labs.Availability, error) {
	return func(q labs.AvailabilityQuery) (labs.Availability, error) {
		var out labs.Availability
		for _, code := range q.Sites {
			if !slices.Contains(bookable, code) {
				return labs.Availability{}, &labs.RefusedError{Code: "invalid_order"}
			}
			out.Days = append(out.Days, newDaySlots(t, "2026-03-05", &labs.Site{Code: code}, 16))
		}
		return out, nil
	}
}

// TestSeveralSiteCodes asks the demonstration catalogue's sites of Quest. QAZ3 to QAZ6 are known, and their
// appointments are not made through us.
func TestSeveralSiteCodes(t *testing.T) {
	t.Parallel()
	quest := newSchedulingLab("quest", labs.AppointmentReady)
	quest.answer = refuseUnless(t, "QAZ1", "QAZ2", "QNY1")
	c := newLabAPI(t, map[string]*lab{"quest": quest})
	demo, err := catalogue.DemoCatalogue()
	require.NoError(t, err)
	demo.Labs = slices.DeleteFunc(demo.Labs, func(l order.Lab) bool { return l.Slug != "quest" && l.Slug != "labcorp" })
	demo.Markers, demo.LabTests = nil, nil
	_, err = c.store.ImportCatalogue(t.Context(), demo, store.CatalogueImportOptions{TeamID: c.team})
	require.NoError(t, err)
	ask := func(codes ...string) reply {
		return c.sendWithKey(http.MethodPost, pscPath+"?lab=quest&site_codes="+strings.Join(codes, "&site_codes="), c.key,
			nil)
	}
	for _, tt := range []struct{ codes, want []string }{
		{[]string{"QAZ1", "QAZ3"}, []string{"QAZ1"}},
		{[]string{"QAZ3", "QAZ1"}, []string{"QAZ1"}},
		{[]string{"QAZ5", "QNY1", "QAZ2"}, []string{"QAZ2", "QNY1"}},
		{[]string{"QAZ1", "QAZ1"}, []string{"QAZ1"}},
		{[]string{"QAZ1", ""}, []string{"QAZ1"}},
		{[]string{"%20QAZ1", "QAZ2%20"}, []string{"QAZ1", "QAZ2"}},
	} {
		require.Equal(t, tt.want, codesOfSlots(t, ask(tt.codes...)), tt.codes)
	}
	for _, codes := range [][]string{{"QAZ1", "QAZ99"}, {"NOWHERE"}, {"QAZ1", "LAZ1"}, {"QAZ1", "SAZ1"}, {"qaz1"}} {
		r := ask(codes...)
		require.Equal(t, http.StatusBadRequest, r.status, codes)
		require.Contains(t, r.detail(t), "site_codes", codes)
	}
	require.Equal(t, http.StatusNotFound, ask("QAZ3").status, "known, and nothing is free there")
	require.Equal(t, http.StatusNotFound, ask("QAZ3", "QAZ4").status)
	require.Equal(t, http.StatusBadRequest, ask("").status, "no code at all")
}

// Without sites in the catalogue the provider says which codes it has.
func TestSiteCodesOfALabWithoutSitesInTheCatalogue(t *testing.T) {
	t.Parallel()
	quest := newSchedulingLab("quest", labs.AppointmentReady)
	quest.answer = refuseUnless(t, "A1", "A2")
	c := newLabAPI(t, map[string]*lab{"quest": quest})
	ask := func(query string) reply {
		return c.sendWithKey(http.MethodPost, pscPath+"?lab=quest&"+query, c.key, nil)
	}
	require.Equal(t, []string{"A1", "A2"}, codesOfSlots(t, ask("site_codes=A1&site_codes=A2")))
	require.Equal(t, http.StatusBadRequest, ask("site_codes=A1&site_codes=A3").status)
	require.Equal(t, http.StatusBadRequest, ask("site_codes=A3").status)
	quest.answer = func(labs.AvailabilityQuery) (labs.Availability, error) {
		return labs.Availability{}, &labs.BusyError{Status: http.StatusServiceUnavailable}
	}
	require.Equal(t, http.StatusServiceUnavailable, ask("site_codes=A1&site_codes=A3").status, "nobody knows")
}

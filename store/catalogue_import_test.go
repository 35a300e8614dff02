package store

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/catalogue"
	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// smallCatalogue returns a catalogue with one or two entries of each kind.
func smallCatalogue() order.Catalogue {
	lab := order.Lab{ID: 7, Slug: "quest", Name: "Quest", CollectionMethods: []string{"walk_in_test"},
		SampleTypes: []string{"serum"}}
	markers := []order.Marker{
		{ID: 1, Name: "Glucose", Slug: "glucose", LabID: new(7), ProviderID: new("10")},
		{ID: 2, Name: "Sodium", Slug: "sodium", LabID: new(7), ProviderID: new("11")},
	}
	return order.Catalogue{
		Labs: []order.Lab{lab}, Markers: markers,
		LabTests: []order.LabTest{{
			ID: "019a1100-0000-7000-8000-000000000901", Slug: "both", Name: "Both", SampleType: "serum",
			Method: lifecycle.WalkIn, Status: "active",
			Lab: &lab, Markers: slices.Clone(markers),
		}},
		Sites: []order.Site{newSite("A", 33.45, -112.07), newSite("B", 33.6, -112.07)},
		PhlebotomyAreas: []order.PhlebotomyArea{{Provider: "getlabs", ServiceTypes: []string{"appointment-ready"},
			FirstZip: "85000", LastZip: "85099"}},
		ZipCenters: []order.ZipCenter{{Zip: "85004", Point: order.Point{Lat: 33.4516, Lng: -112.0699}},
			{Zip: "85012", Point: order.Point{Lat: 33.5084, Lng: -112.0701}}},
	}
}

func newSite(code string, lat, lng float64) order.Site {
	return order.Site{LabID: 7, Code: code, Name: code, City: "Phoenix", State: "AZ", Zip: "85004", Lat: lat, Lng: lng}
}

func importCatalogue(t *testing.T, s *Store, c order.Catalogue, how CatalogueImportOptions) CatalogueChanges {
	t.Helper()
	done, err := s.ImportCatalogue(t.Context(), c, how)
	require.NoError(t, err)
	return done
}

// catalogueDump returns the rows that imports have written.
func catalogueDump(t *testing.T, s *Store) []string {
	t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT document FROM labs ORDER BY id`,
		`SELECT document || ' ' || CAST(updated_at AS TEXT) FROM markers ORDER BY id`,
		`SELECT COALESCE(CAST(team_id AS TEXT), '') || document || CAST(updated_at AS TEXT) FROM lab_tests ORDER BY id`,
		`SELECT document || CAST(inactive AS TEXT) FROM sites ORDER BY lab_id, code`,
		`SELECT provider || from_zip || to_zip || service_types FROM coverage ORDER BY provider, from_zip`,
		`SELECT zip || CAST(lat AS TEXT) FROM zips ORDER BY zip`,
	} {
		rows, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, query)
		require.NoError(t, err)
		all = append(all, rows...)
	}
	return all
}

func TestImportingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		one, two := Tally{Added: 1}, Tally{Added: 2}
		want := CatalogueChanges{Labs: one, Markers: two, LabTests: one, Sites: two, Coverage: one, Zips: two}
		require.Equal(t, want, importCatalogue(t, s, smallCatalogue(), CatalogueImportOptions{DryRun: true}))
		require.Empty(t, catalogueDump(t, s), "nothing was changed")

		require.Equal(t, want, importCatalogue(t, s, smallCatalogue(), CatalogueImportOptions{}))
		have := catalogueDump(t, s)
		one, two = Tally{Unchanged: 1}, Tally{Unchanged: 2}
		want = CatalogueChanges{Labs: one, Markers: two, LabTests: one, Sites: two, Coverage: one, Zips: two}
		require.Equal(t, want, importCatalogue(t, s, smallCatalogue(), CatalogueImportOptions{Retire: true}))
		require.Equal(t, have, catalogueDump(t, s))

		got, err := s.LabTest(t.Context(), "", smallCatalogue().LabTests[0].ID)
		require.NoError(t, err)
		require.Equal(t, smallCatalogue().LabTests[0], got)
		markers, err := s.Markers(t.Context())
		require.NoError(t, err)
		require.Equal(t, smallCatalogue().Markers, markers)
	})
}

// An error in the last entry rolls back the entries before it.
func TestAnImportIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		importCatalogue(t, s, smallCatalogue(), CatalogueImportOptions{})
		changed := smallCatalogue()
		changed.Labs[0].Name, changed.Markers[0].Name, changed.Sites[0].Name = "Changed", "Changed", "Changed"
		changed.LabTests[0].Name, changed.ZipCenters[0].Lat = "Changed", 1

		another := order.LabTest{ID: sqldb.NewID(), Slug: "own", Name: "Own", Method: lifecycle.Testkit, Status: "active"}
		require.NoError(t, s.PutLabTest(t.Context(), testids.Of("team-1"), another))
		have := catalogueDump(t, s)
		foreign := changed
		foreign.LabTests = append(slices.Clone(changed.LabTests), another)
		_, err := s.ImportCatalogue(t.Context(), foreign, CatalogueImportOptions{})
		require.ErrorIs(t, err, ErrConflict)
		require.Equal(t, have, catalogueDump(t, s))

		unknown := changed
		unknown.Sites = append(slices.Clone(changed.Sites), order.Site{LabID: 99, Code: "C"})
		_, err = s.ImportCatalogue(t.Context(), unknown, CatalogueImportOptions{})
		require.Error(t, err, "there is no lab 99")
		require.Equal(t, have, catalogueDump(t, s))

		done := importCatalogue(t, s, changed, CatalogueImportOptions{}) // control: without the error it is imported
		require.Equal(t, Tally{Changed: 1, Unchanged: 1}, done.Markers)
		require.NotEqual(t, have, catalogueDump(t, s))
	})
}

func TestEntriesThatACatalogueNoLongerHasAreRetired(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		importCatalogue(t, s, smallCatalogue(), CatalogueImportOptions{})
		other := order.Lab{ID: 8, Slug: "labcorp"}
		importCatalogue(t, s, order.Catalogue{Labs: []order.Lab{other}, Markers: []order.Marker{{ID: 80, LabID: new(8)}}},
			CatalogueImportOptions{})
		less := smallCatalogue()
		less.Markers, less.LabTests, less.Sites = less.Markers[:1], nil, less.Sites[:1]
		less.PhlebotomyAreas = []order.PhlebotomyArea{{Provider: "getlabs", ServiceTypes: []string{"appointment-ready"},
			FirstZip: "85001", LastZip: "85001"}}

		kept := importCatalogue(t, s, less, CatalogueImportOptions{})
		require.Equal(t, Tally{Unchanged: 1}, kept.Markers)
		require.Equal(t, Tally{Added: 1, Retired: 1}, kept.Coverage, "the coverage of a provider is replaced")
		test, err := s.LabTest(t.Context(), "", smallCatalogue().LabTests[0].ID)
		require.NoError(t, err)
		require.Equal(t, "active", test.Status)

		gone := importCatalogue(t, s, less, CatalogueImportOptions{Retire: true})
		require.Equal(t, Tally{Unchanged: 1, Retired: 1}, gone.Markers)
		require.Equal(t, Tally{Retired: 1}, gone.LabTests)
		require.Equal(t, Tally{Unchanged: 1, Retired: 1}, gone.Sites)
		test, err = s.LabTest(t.Context(), "", smallCatalogue().LabTests[0].ID)
		require.NoError(t, err)
		require.Equal(t, "inactive", test.Status)
		require.True(t, test.Markers[1].Inactive, "lab tests have the current markers")
		markers, err := s.Markers(t.Context())
		require.NoError(t, err)
		require.Equal(t, []bool{false, true, false}, []bool{markers[0].Inactive, markers[1].Inactive, markers[2].Inactive},
			"another lab's stay")
		sites, err := s.Sites(t.Context(), 7, order.Point{Lat: -90, Lng: -180}, order.Point{Lat: 90, Lng: 180})
		require.NoError(t, err)
		require.Len(t, sites, 1)
		again := importCatalogue(t, s, less, CatalogueImportOptions{Retire: true})
		require.Zero(t, again.Markers.Retired+again.LabTests.Retired+again.Sites.Retired+again.Coverage.Retired)
	})
}

// Orders keep the lab test with which they were created. Lab tests that teams combined from markers get the changed
// markers.
func TestAnImportTouchesNoOrder(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		importCatalogue(t, s, smallCatalogue(), CatalogueImportOptions{})
		test := smallCatalogue().LabTests[0]
		own := order.LabTest{ID: sqldb.NewID(), Slug: "own", Name: "Own", Method: lifecycle.WalkIn, Status: "active",
			Lab:     test.Lab,
			Markers: test.Markers[:1]}
		require.NoError(t, s.PutLabTest(t.Context(), testids.Of("team-1"), own))
		before := addOrder(t, s, func(o *order.Order) { o.LabTest = test })

		changed := smallCatalogue()
		changed.Markers[0].Name, changed.LabTests[0].Status = "Glucose, changed", "inactive"
		changed.LabTests[0].Markers = changed.Markers
		importCatalogue(t, s, changed, CatalogueImportOptions{})
		require.Equal(t, before.LabTest, getOrder(t, s, before.ID).LabTest)
		got, err := s.LabTest(t.Context(), testids.Of("team-1"), own.ID)
		require.NoError(t, err)
		require.Equal(t, "Glucose, changed", got.Markers[0].Name)
	})
}

func TestSitesAndZips(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		c := smallCatalogue()
		c.PhlebotomyAreas = append(c.PhlebotomyAreas, order.PhlebotomyArea{Provider: "phlebfinders",
			ServiceTypes: []string{"appointment-request"}, FirstZip: "85004", LastZip: "85004"})
		importCatalogue(t, s, c, CatalogueImportOptions{})
		phoenix, err := s.ZipCenter(t.Context(), "85004")
		require.NoError(t, err)
		require.Equal(t, c.ZipCenters[0].Point, phoenix)
		near, err := s.ZipCenter(t.Context(), "85099")
		require.NoError(t, err, "the mean of its neighbours")
		require.InDelta(t, (33.4516+33.5084)/2, near.Lat, 1e-9)
		_, err = s.ZipCenter(t.Context(), "99999")
		require.ErrorIs(t, err, ErrNotFound)

		within := func(miles float64) (codes []string) {
			southWest, northEast := phoenix.BoundsWithin(miles)
			sites, err := s.Sites(t.Context(), 7, southWest, northEast)
			require.NoError(t, err)
			for _, site := range sites {
				codes = append(codes, site.Code)
			}
			return codes
		}
		require.Equal(t, []string{"A"}, within(5))
		require.Equal(t, []string{"A", "B"}, within(25))
		labs, err := s.LabsWithSites(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{7}, labs)

		for zip, want := range map[string]int{"85004": 2, "85050": 1, "85100": 0} {
			areas, err := s.PhlebotomyCoverage(t.Context(), zip)
			require.NoError(t, err)
			require.Len(t, areas, want, zip)
		}
	})
}

func TestTheDemonstrationCatalogueIsImported(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		c, err := catalogue.DemoCatalogue()
		require.NoError(t, err)
		done := importCatalogue(t, s, c, CatalogueImportOptions{TeamID: testids.Of("team-1")})
		require.Equal(t, len(c.Markers), done.Markers.Added)
		again := importCatalogue(t, s, c, CatalogueImportOptions{TeamID: testids.Of("team-1")})
		require.Equal(t, Tally{Unchanged: len(c.LabTests)}, again.LabTests)
		require.Equal(t, Tally{Unchanged: len(c.ZipCenters)}, again.Zips)
		require.Equal(t, Tally{Unchanged: len(c.Markers)}, again.Markers)
	})
}

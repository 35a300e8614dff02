package store

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/catalogue"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// small is a catalogue with one entry or two of every kind.
func small() order.Catalogue {
	lab := order.Lab{ID: 7, Slug: "quest", Name: "Quest", CollectionMethods: []string{"walk_in_test"}, SampleTypes: []string{"serum"}}
	markers := []order.Marker{
		{ID: 1, Name: "Glucose", Slug: "glucose", LabID: new(7), ProviderID: new("10")},
		{ID: 2, Name: "Sodium", Slug: "sodium", LabID: new(7), ProviderID: new("11")},
	}
	return order.Catalogue{
		Labs: []order.Lab{lab}, Markers: markers,
		LabTests: []order.LabTest{{
			ID: "019a1100-0000-7000-8000-000000000901", Slug: "both", Name: "Both", SampleType: "serum", Method: lifecycle.WalkIn, Status: "active",
			Lab: &lab, Markers: slices.Clone(markers),
		}},
		Sites:    []order.Site{site("A", 33.45, -112.07), site("B", 33.6, -112.07)},
		Coverage: []order.Coverage{{Provider: "getlabs", ServiceTypes: []string{"appointment-ready"}, From: "85000", To: "85099"}},
		Zips:     []order.ZipCenter{{Zip: "85004", Point: order.Point{Lat: 33.4516, Lng: -112.0699}}, {Zip: "85012", Point: order.Point{Lat: 33.5084, Lng: -112.0701}}},
	}
}

func site(code string, lat, lng float64) order.Site {
	return order.Site{LabID: 7, Code: code, Name: code, City: "Phoenix", State: "AZ", Zip: "85004", Lat: lat, Lng: lng}
}

func importing(t *testing.T, s *Store, c order.Catalogue, how CatalogueImport) CatalogueChanges {
	t.Helper()
	done, err := s.ImportCatalogue(t.Context(), c, how)
	require.NoError(t, err)
	return done
}

// everything is what the store has of catalogues, row by row.
func everything(t *testing.T, s *Store) []string {
	t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT document FROM labs ORDER BY id`, `SELECT document || ' ' || CAST(updated_at AS TEXT) FROM markers ORDER BY id`,
		`SELECT team_id || document || CAST(updated_at AS TEXT) FROM lab_tests ORDER BY id`,
		`SELECT document || CAST(inactive AS TEXT) FROM sites ORDER BY lab_id, code`,
		`SELECT provider || from_zip || to_zip || service_types FROM coverage ORDER BY provider, from_zip`,
		`SELECT zip || CAST(lat AS TEXT) FROM zips ORDER BY zip`,
	} {
		rows, err := collect(t.Context(), s.read, scanText, query)
		require.NoError(t, err)
		all = append(all, rows...)
	}
	return all
}

func TestImportingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		one, two := Tally{Added: 1}, Tally{Added: 2}
		want := CatalogueChanges{Labs: one, Markers: two, LabTests: one, Sites: two, Coverage: one, Zips: two}
		require.Equal(t, want, importing(t, s, small(), CatalogueImport{DryRun: true}))
		require.Empty(t, everything(t, s), "nothing was changed")

		require.Equal(t, want, importing(t, s, small(), CatalogueImport{}))
		have := everything(t, s)
		one, two = Tally{Unchanged: 1}, Tally{Unchanged: 2}
		want = CatalogueChanges{Labs: one, Markers: two, LabTests: one, Sites: two, Coverage: one, Zips: two}
		require.Equal(t, want, importing(t, s, small(), CatalogueImport{Retire: true}))
		require.Equal(t, have, everything(t, s))

		got, err := s.LabTest(t.Context(), "", small().LabTests[0].ID)
		require.NoError(t, err)
		require.Equal(t, small().LabTests[0], got)
		markers, err := s.Markers(t.Context())
		require.NoError(t, err)
		require.Equal(t, small().Markers, markers)
	})
}

// A fault in the last entry leaves nothing of those before it.
func TestAnImportIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		importing(t, s, small(), CatalogueImport{})
		changed := small()
		changed.Labs[0].Name, changed.Markers[0].Name, changed.Sites[0].Name = "Changed", "Changed", "Changed"
		changed.LabTests[0].Name, changed.Zips[0].Lat = "Changed", 1

		another := order.LabTest{ID: newID(), Slug: "own", Name: "Own", Method: lifecycle.Testkit, Status: "active"}
		require.NoError(t, s.PutLabTest(t.Context(), "team-1", another))
		have := everything(t, s)
		foreign := changed
		foreign.LabTests = append(slices.Clone(changed.LabTests), another)
		_, err := s.ImportCatalogue(t.Context(), foreign, CatalogueImport{})
		require.ErrorIs(t, err, ErrConflict)
		require.Equal(t, have, everything(t, s))

		unknown := changed
		unknown.Sites = append(slices.Clone(changed.Sites), order.Site{LabID: 99, Code: "C"})
		_, err = s.ImportCatalogue(t.Context(), unknown, CatalogueImport{})
		require.Error(t, err, "there is no lab 99")
		require.Equal(t, have, everything(t, s))

		done := importing(t, s, changed, CatalogueImport{}) // the control
		require.Equal(t, Tally{Changed: 1, Unchanged: 1}, done.Markers)
		require.NotEqual(t, have, everything(t, s))
	})
}

func TestWhatACatalogueNoLongerHas(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		importing(t, s, small(), CatalogueImport{})
		other := order.Lab{ID: 8, Slug: "labcorp"}
		importing(t, s, order.Catalogue{Labs: []order.Lab{other}, Markers: []order.Marker{{ID: 80, LabID: new(8)}}}, CatalogueImport{})
		less := small()
		less.Markers, less.LabTests, less.Sites = less.Markers[:1], nil, less.Sites[:1]
		less.Coverage = []order.Coverage{{Provider: "getlabs", ServiceTypes: []string{"appointment-ready"}, From: "85001", To: "85001"}}

		kept := importing(t, s, less, CatalogueImport{})
		require.Equal(t, Tally{Unchanged: 1}, kept.Markers)
		require.Equal(t, Tally{Added: 1, Retired: 1}, kept.Coverage, "what is said of a provider is all of it")
		test, err := s.LabTest(t.Context(), "", small().LabTests[0].ID)
		require.NoError(t, err)
		require.Equal(t, "active", test.Status)

		gone := importing(t, s, less, CatalogueImport{Retire: true})
		require.Equal(t, Tally{Unchanged: 1, Retired: 1}, gone.Markers)
		require.Equal(t, Tally{Retired: 1}, gone.LabTests)
		require.Equal(t, Tally{Unchanged: 1, Retired: 1}, gone.Sites)
		test, err = s.LabTest(t.Context(), "", small().LabTests[0].ID)
		require.NoError(t, err)
		require.Equal(t, "inactive", test.Status)
		require.True(t, test.Markers[1].Inactive, "lab tests have their markers as they are")
		markers, err := s.Markers(t.Context())
		require.NoError(t, err)
		require.Equal(t, []bool{false, true, false}, []bool{markers[0].Inactive, markers[1].Inactive, markers[2].Inactive}, "another lab's stay")
		sites, err := s.Sites(t.Context(), 7, order.Point{Lat: -90, Lng: -180}, order.Point{Lat: 90, Lng: 180})
		require.NoError(t, err)
		require.Len(t, sites, 1)
		again := importing(t, s, less, CatalogueImport{Retire: true})
		require.Zero(t, again.Markers.Retired+again.LabTests.Retired+again.Sites.Retired+again.Coverage.Retired)
	})
}

// Orders keep the test that they were placed with; tests that teams made of markers get those as they are now.
func TestAnImportTouchesNoOrder(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		importing(t, s, small(), CatalogueImport{})
		test := small().LabTests[0]
		own := order.LabTest{ID: newID(), Slug: "own", Name: "Own", Method: lifecycle.WalkIn, Status: "active", Lab: test.Lab, Markers: test.Markers[:1]}
		require.NoError(t, s.PutLabTest(t.Context(), "team-1", own))
		before := addOrder(t, s, func(o *order.Order) { o.LabTest = test })

		changed := small()
		changed.Markers[0].Name, changed.LabTests[0].Status = "Glucose, changed", "inactive"
		changed.LabTests[0].Markers = changed.Markers
		importing(t, s, changed, CatalogueImport{})
		require.Equal(t, before.LabTest, getOrder(t, s, before.ID).LabTest)
		got, err := s.LabTest(t.Context(), "team-1", own.ID)
		require.NoError(t, err)
		require.Equal(t, "Glucose, changed", got.Markers[0].Name)
	})
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		c := small()
		c.Coverage = append(c.Coverage, order.Coverage{Provider: "phlebfinders", ServiceTypes: []string{"appointment-request"}, From: "85004", To: "85004"})
		importing(t, s, c, CatalogueImport{})
		phoenix, err := s.WhereIs(t.Context(), "85004")
		require.NoError(t, err)
		require.Equal(t, c.Zips[0].Point, phoenix)
		near, err := s.WhereIs(t.Context(), "85099")
		require.NoError(t, err, "the middle of its neighbours")
		require.InDelta(t, (33.4516+33.5084)/2, near.Lat, 1e-9)
		_, err = s.WhereIs(t.Context(), "99999")
		require.ErrorIs(t, err, ErrNotFound)

		within := func(miles float64) (codes []string) {
			southWest, northEast := phoenix.Around(miles)
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
			areas, err := s.Covering(t.Context(), zip)
			require.NoError(t, err)
			require.Len(t, areas, want, zip)
		}
	})
}

func TestTheDemonstrationCatalogueIsImported(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		c, err := catalogue.Demo()
		require.NoError(t, err)
		done := importing(t, s, c, CatalogueImport{TeamID: "team-1"})
		require.Equal(t, len(c.Markers), done.Markers.Added)
		again := importing(t, s, c, CatalogueImport{TeamID: "team-1"})
		require.Equal(t, Tally{Unchanged: len(c.LabTests)}, again.LabTests)
		require.Equal(t, Tally{Unchanged: len(c.Zips)}, again.Zips)
		require.Equal(t, Tally{Unchanged: len(c.Markers)}, again.Markers)
	})
}

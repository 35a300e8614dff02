package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestLabTestsAreSeenByTheirTeamAndSharedByAll(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		s.now = func() time.Time { now = now.Add(time.Second); return now }
		lab := order.Lab{ID: 7, Slug: "molecular", Name: "Molecular", SampleTypes: []string{"saliva"},
			CollectionMethods: []string{"testkit"}}
		shared := order.LabTest{
			ID: sqldb.NewID(), Slug: "lipids", Name: "Lipids", Method: lifecycle.Testkit, Status: "active", Price: 12.5,
			Lab:     &lab,
			Markers: []order.Marker{{ID: 1, Name: "LDL", Slug: "ldl", LabID: new(7)}}, PanelIDs: []int{41},
			Policy:           []byte(`{"minors":true}`),
			WorstCaseTATDays: new(5),
		}
		own := order.LabTest{ID: sqldb.NewID(), Slug: "own", Name: "Own", Method: lifecycle.Testkit,
			Status: "pending_approval"}
		require.NoError(t, s.PutLabTest(t.Context(), "", shared))
		require.NoError(t, s.PutLabTest(t.Context(), testids.Of("team-1"), own))

		got, err := s.LabTest(t.Context(), testids.Of("team-2"), shared.ID)
		require.NoError(t, err)
		require.Equal(t, shared, got)
		_, err = s.LabTest(t.Context(), testids.Of("team-2"), own.ID)
		require.ErrorIs(t, err, ErrNotFound)
		for teamID, want := range map[string][]order.LabTest{
			testids.Of("team-1"): {shared, own}, testids.Of("team-2"): {shared}, "": {shared, own},
		} {
			all, err := s.LabTests(t.Context(), teamID, LabTestsByCreation)
			require.NoError(t, err)
			require.Equal(t, want, all, teamID)
		}

		own.Name, own.Status = "Own, renamed", "active"
		require.NoError(t, s.PutLabTest(t.Context(), testids.Of("team-1"), own))
		got, err = s.LabTest(t.Context(), testids.Of("team-1"), own.ID)
		require.NoError(t, err)
		require.Equal(t, own, got)
		require.ErrorIs(t, s.PutLabTest(t.Context(), testids.Of("team-2"), own), ErrConflict)
		shared.Name = "Lipids, changed last"
		require.NoError(t, s.PutLabTest(t.Context(), "", shared))
		all, err := s.LabTests(t.Context(), testids.Of("team-1"), LabTestsByChange)
		require.NoError(t, err)
		require.Equal(t, []string{own.ID, shared.ID}, []string{all[0].ID, all[1].ID})

		lab.Name = "Molecular Testing Labs"
		require.NoError(t, s.PutLab(t.Context(), lab))
		got, err = s.LabTest(t.Context(), "", shared.ID)
		require.NoError(t, err)
		require.Equal(t, lab.Name, got.Lab.Name, "a lab is stored once")
		labs, err := s.Labs(t.Context())
		require.NoError(t, err)
		require.Equal(t, []order.Lab{lab}, labs)
		require.ErrorIs(t, s.PutLab(t.Context(), order.Lab{ID: 8, Slug: lab.Slug}), ErrConflict)
		require.Error(t, s.PutLabTest(t.Context(), "", order.LabTest{ID: sqldb.NewID(), Policy: []byte(`{"x":1}`)}))
	})
}

package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestLabAccountsAreReadAsPut(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		own := LabAccount{
			ID: sqldb.NewID(), TeamID: testids.Of("team-1"), LabSlug: "mtl", Partner: "molecular", Environment: Production,
			BaseURL: "https://lab.example",
			User:    "user", Token: "token", PreviousUser: "old user", PreviousToken: "old token",
			Spacing:  500 * time.Millisecond,
			Settings: []byte(`{"physicians":{"AZ":"17"}}`), Policy: []byte(`{"recovery":{"window":"168h","reminders":["72h"]}}`),
			Status: "active", CreatedAt: at,
		}
		shared := LabAccount{
			ID: sqldb.NewID(), LabSlug: "sim", Partner: "sandbox", Environment: Sandbox, Settings: []byte("{}"),
			Status:    "active",
			CreatedAt: at.Add(time.Second),
		}
		require.NoError(t, s.PutLabAccount(t.Context(), own))
		require.NoError(t, s.PutLabAccount(t.Context(), shared))

		got, err := s.LabAccount(t.Context(), own.ID)
		require.NoError(t, err)
		require.Equal(t, own, got)
		for teamID, want := range map[string][]LabAccount{
			testids.Of("team-1"): {own, shared}, testids.Of("team-2"): {shared}, "": {own, shared},
		} {
			all, err := s.LabAccounts(t.Context(), teamID)
			require.NoError(t, err)
			require.Equal(t, want, all, teamID)
		}
		byPartner, err := s.LabAccountsByPartner(t.Context(), "molecular")
		require.NoError(t, err)
		require.Equal(t, []LabAccount{own}, byPartner)

		own.PreviousUser, own.PreviousToken, own.User, own.Token = own.User, own.Token, "new user", "new token"
		require.NoError(t, s.PutLabAccount(t.Context(), own))
		got, err = s.LabAccount(t.Context(), own.ID)
		require.NoError(t, err)
		require.Equal(t, own, got)

		own.TeamID = testids.Of("team-2")
		require.ErrorIs(t, s.PutLabAccount(t.Context(), own), ErrConflict)
		_, err = s.LabAccount(t.Context(), sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestLabAccountsAreChecked(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		for name, a := range map[string]LabAccount{
			"environment": {ID: sqldb.NewID(), Environment: "staging"},
			"spacing":     {ID: sqldb.NewID(), Environment: Sandbox, Spacing: -1},
			"settings":    {ID: sqldb.NewID(), Environment: Sandbox, Settings: []byte(`[]`)},
			"policy":      {ID: sqldb.NewID(), Environment: Sandbox, Policy: []byte(`{"x":1}`)},
		} {
			require.Error(t, s.PutLabAccount(t.Context(), a), name)
		}
		all, err := s.LabAccounts(t.Context(), "")
		require.NoError(t, err)
		require.Empty(t, all)
	})
}

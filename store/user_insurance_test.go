package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/billing"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestInsuranceIsSealedAndErasedWithTheUser(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx, forward := t.Context(), stopClock(s)
		team, other := addTeam(t, s).ID, addTeam(t, s).ID
		user := sqldb.NewID()
		require.NoError(t, s.CreateUser(ctx, User{ID: user, TeamID: team, ClientUserID: "u1"}))
		latest := func(primary bool) (string, error) {
			in, err := s.LatestInsurance(ctx, team, user, primary)
			return string(in.Document), err
		}
		_, err := latest(true)
		require.ErrorIs(t, err, ErrNotFound)
		for _, member := range []string{"first", "second"} { // both have the same time; the larger id is the newer record
			require.NoError(t,
				s.AddInsurance(ctx, team, Insurance{ID: sqldb.NewID(), UserID: user, Primary: true, Document: []byte(member)}))
		}
		require.NoError(t, s.AddInsurance(ctx, team, Insurance{ID: sqldb.NewID(), UserID: user, Document: []byte("another")}))
		got, err := latest(true)
		require.NoError(t, err)
		require.Equal(t, "second", got)
		got, err = latest(false)
		require.NoError(t, err)
		require.Equal(t, "another", got)
		n, err := countRows(ctx, s.db.Reader, "user_insurance", sqldb.Where{})
		require.NoError(t, err)
		require.Equal(t, 3, n, "a record never replaces another")

		require.ErrorIs(t, s.AddInsurance(ctx, other, Insurance{ID: sqldb.NewID(), UserID: user, Document: []byte("x")}),
			ErrNotFound, "another team's user")
		_, err = s.LatestInsurance(ctx, other, user, true)
		require.ErrorIs(t, err, ErrNotFound)

		require.NoError(t, s.DeleteUser(ctx, team, user))
		_, err = latest(true)
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, s.AddInsurance(ctx, team, Insurance{ID: sqldb.NewID(), UserID: user, Document: []byte("x")}),
			ErrNotFound)
		forward(undeleteGrace)
		_, err = s.EraseUsers(ctx, 10)
		require.NoError(t, err)
		n, err = countRows(ctx, s.db.Reader, "user_insurance", sqldb.Where{})
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestPayorsOfATeam(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx, team, other := t.Context(), addTeam(t, s).ID, addTeam(t, s).ID
		p := billing.Payor{Code: "T1", Name: "Own plan", Address: billing.Address{City: "Phoenix"},
			ProviderIDs: map[string]string{"stedi": "1"}}
		require.NoError(t, s.AddPayor(ctx, team, p))
		require.ErrorIs(t, s.AddPayor(ctx, other, p), ErrConflict, "codes are unique")
		got, err := s.Payors(ctx, team)
		require.NoError(t, err)
		require.Equal(t, []billing.Payor{p}, got)
		got, err = s.Payors(ctx, other)
		require.NoError(t, err)
		require.Empty(t, got)
	})
}

package store

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestUsersAreReadAsCreated(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s)
		at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		full := User{
			ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: "u/1 é", FallbackTimeZone: new("Europe/Lisbon"),
			FallbackBirthDate: new("1980-02-29"),
			IngestionStart:    new("2026-01-01"), IngestionEnd: new("2026-12-31"), CreatedAt: at, UpdatedAt: at,
		}
		bare := User{ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: "u2", CreatedAt: at, UpdatedAt: at}
		for _, want := range []User{full, bare} {
			require.NoError(t, s.CreateUser(t.Context(), want))
			got, err := s.User(t.Context(), team.ID, want.ID)
			require.NoError(t, err)
			require.Equal(t, want, got)
			got, err = s.UserByClientUserID(t.Context(), team.ID, want.ClientUserID)
			require.NoError(t, err)
			require.Equal(t, want, got)
			got, err = s.User(t.Context(), "", want.ID)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		_, err := s.User(t.Context(), addTeam(t, s).ID, full.ID)
		require.ErrorIs(t, err, ErrNotFound, "another team asks")
		_, err = s.UserByClientUserID(t.Context(), team.ID, "nobody")
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestUserConflictNamesTheExistingUser(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s)
		first := User{ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: "u1"}
		require.NoError(t, s.CreateUser(t.Context(), first))

		err := s.CreateUser(t.Context(), User{ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: "u1"})
		require.ErrorIs(t, err, ErrConflict)
		var conflict *UserConflict
		require.ErrorAs(t, err, &conflict)
		require.Equal(t, first.ID, conflict.Existing.ID)
		require.False(t, conflict.Existing.CreatedAt.IsZero())
		require.NotContains(t, err.Error(), "u1")

		require.NoError(t, s.CreateUser(t.Context(), User{ID: sqldb.NewID(), TeamID: addTeam(t, s).ID, ClientUserID: "u1"}),
			"another team")
		err = s.CreateUser(t.Context(), User{ID: first.ID, TeamID: team.ID, ClientUserID: "u2"})
		require.ErrorIs(t, err, ErrConflict)
		require.NotErrorAs(t, err, &conflict, "the id is taken, not the client_user_id")
	})
}

func TestOneOfManyCreatesTheUser(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s)
		const callers = 8
		ids, errs := make([]string, callers), make([]error, callers)
		var g errgroup.Group
		for i := range callers {
			ids[i] = sqldb.NewID()
			g.Go(func() error {
				errs[i] = s.CreateUser(t.Context(), User{ID: ids[i], TeamID: team.ID, ClientUserID: "same"})
				return nil
			})
		}
		require.NoError(t, g.Wait())
		winner, err := s.UserByClientUserID(t.Context(), team.ID, "same")
		require.NoError(t, err)
		for i, err := range errs {
			if ids[i] == winner.ID {
				require.NoError(t, err)
				continue
			}
			var conflict *UserConflict
			require.ErrorAs(t, err, &conflict)
			require.Equal(t, winner, conflict.Existing)
		}
	})
}

func TestSandboxTeamsHaveALimitOfUsers(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		limited := map[string]bool{Sandbox: true, Production: false}
		for environment, limit := range limited {
			team := Team{ID: sqldb.NewID(), Name: "Clinic", Environment: environment}
			require.NoError(t, s.CreateTeam(t.Context(), team))
			for i := range MaxSandboxUsers {
				require.NoError(t,
					s.CreateUser(t.Context(), User{ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: strconv.Itoa(i)}))
			}
			var conflict *UserConflict
			require.ErrorAs(t, s.CreateUser(t.Context(), User{ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: "7"}), &conflict,
				"one that exists is found")
			one := User{ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: "one more"}
			if !limit {
				require.NoError(t, s.CreateUser(t.Context(), one))
				continue
			}
			require.ErrorIs(t, s.CreateUser(t.Context(), one), ErrSandboxUserLimit)
			_, err := s.User(t.Context(), team.ID, one.ID)
			require.ErrorIs(t, err, ErrNotFound)
		}
	})
}

func TestUsersAreListedAndChanged(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team, other := addTeam(t, s), addTeam(t, s)
		at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		var want []User
		for i := range 3 {
			u := User{ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: "u" + strconv.Itoa(i),
				FallbackBirthDate: new("1980-02-29"),
				CreatedAt:         at, UpdatedAt: at}
			require.NoError(t, s.CreateUser(t.Context(), u))
			want = append(want, u)
		}
		require.NoError(t, s.CreateUser(t.Context(), User{ID: sqldb.NewID(), TeamID: other.ID, ClientUserID: "u0"}))
		got, total, err := s.Users(t.Context(), team.ID, 1, 1)
		require.NoError(t, err)
		require.Equal(t, 3, total)
		require.Equal(t, want[1:2], got)
		require.NoError(t, s.DeleteUser(t.Context(), team.ID, want[2].ID))
		got, total, err = s.Users(t.Context(), team.ID, 0, 10)
		require.NoError(t, err)
		require.Equal(t, 2, total)
		require.Equal(t, want[:2], got)

		patch := UserPatch{ClientUserID: new("renamed"), FallbackTimeZone: new("Europe/Lisbon"),
			IngestionEnd: new("2026-12-31")}
		require.NoError(t, s.PatchUser(t.Context(), team.ID, want[0].ID, patch))
		changed, err := s.User(t.Context(), team.ID, want[0].ID)
		require.NoError(t, err)
		require.Equal(t, "renamed", changed.ClientUserID)
		require.Equal(t, new("Europe/Lisbon"), changed.FallbackTimeZone)
		require.Equal(t, new("1980-02-29"), changed.FallbackBirthDate, "it was not mentioned")
		require.NoError(t, s.PatchUser(t.Context(), team.ID, want[0].ID, UserPatch{FallbackBirthDate: new("1981-03-01")}))
		changed, err = s.User(t.Context(), team.ID, want[0].ID)
		require.NoError(t, err)
		require.Equal(t, new("1981-03-01"), changed.FallbackBirthDate)

		var conflict *UserConflict
		require.ErrorAs(t, s.PatchUser(t.Context(), team.ID, want[0].ID, UserPatch{ClientUserID: new("u1")}), &conflict)
		require.Equal(t, want[1].ID, conflict.Existing.ID)
		require.NoError(t, s.PatchUser(t.Context(), team.ID, want[0].ID, UserPatch{ClientUserID: new("u2")}),
			"a deleted user keeps no id")
		require.ErrorIs(t, s.PatchUser(t.Context(), other.ID, want[0].ID, patch), ErrNotFound)
		require.ErrorIs(t, s.PatchUser(t.Context(), team.ID, want[2].ID, patch), ErrNotFound, "deleted")
	})
}

func TestUserInfoIsErasedWithTheUser(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s)
		u := User{ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: "u1"}
		require.NoError(t, s.CreateUser(t.Context(), u))
		_, err := s.UserInfo(t.Context(), team.ID, u.ID)
		require.ErrorIs(t, err, ErrNotFound)
		for _, info := range []string{`{"first_name":"Ann"}`, `{"first_name":"Bo"}`} {
			require.NoError(t, s.PutUserInfo(t.Context(), team.ID, u.ID, []byte(info)))
			got, err := s.UserInfo(t.Context(), team.ID, u.ID)
			require.NoError(t, err)
			require.JSONEq(t, info, string(got))
		}
		require.ErrorIs(t, s.PutUserInfo(t.Context(), addTeam(t, s).ID, u.ID, []byte(`{}`)), ErrNotFound)
		_, err = s.UserInfo(t.Context(), addTeam(t, s).ID, u.ID)
		require.ErrorIs(t, err, ErrNotFound)

		require.NoError(t, s.DeleteUser(t.Context(), team.ID, u.ID))
		_, err = s.UserInfo(t.Context(), team.ID, u.ID)
		require.ErrorIs(t, err, ErrNotFound)
		forward(undeleteGrace)
		n, err := s.EraseUsers(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		left, err := countRows(t.Context(), s.db.Reader, "users", sqldb.Where{Terms: []string{"info IS NOT NULL"}})
		require.NoError(t, err)
		require.Zero(t, left)
	})
}

package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

func TestPhysiciansAreRememberedByNPI(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx, team, other := t.Context(), addTeam(t, s).ID, addTeam(t, s).ID
		jane := order.Physician{FirstName: "Jane", LastName: "Smith", NPI: "2",
			Signature: &order.Image{ContentType: "image/png", Content: []byte("x")}}
		for _, p := range []order.Physician{{FirstName: "Old", LastName: "Name", NPI: "2"}, jane, jane,
			{FirstName: "Al", LastName: "Ray", NPI: "1"}} {
			require.NoError(t, s.RememberPhysician(ctx, team, p))
		}
		got, err := s.Physicians(ctx, team)
		require.NoError(t, err)
		require.Equal(t, []order.Physician{{FirstName: "Al", LastName: "Ray", NPI: "1"}, jane}, got)
		got, err = s.Physicians(ctx, other)
		require.NoError(t, err)
		require.Empty(t, got)
	})
}

func TestCommunicationSettings(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx, team := t.Context(), addTeam(t, s).ID
		o := addOrderOf(t, s, team)
		enabled, err := s.SMSEnabled(ctx, team, o.ID)
		require.NoError(t, err)
		require.True(t, enabled)
		require.NoError(t, s.SetSMSEnabled(ctx, team, o.ID, false))
		enabled, err = s.SMSEnabled(ctx, team, o.ID)
		require.NoError(t, err)
		require.False(t, enabled)
		require.ErrorIs(t, s.SetSMSEnabled(ctx, addTeam(t, s).ID, o.ID, true), ErrNotFound)
		_, err = s.SMSEnabled(ctx, addTeam(t, s).ID, o.ID)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

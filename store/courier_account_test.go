package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// One mark stands for the account, however many callers are refused, and one caller a minute tries it.
func TestCourierRefusals(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		s, other := open(), open()
		clock := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		s.now, other.now = func() time.Time { return clock }, func() time.Time { return clock }
		requireMay := func(s *Store, may, refused bool) {
			t.Helper()
			gotMay, gotRefused, err := s.MayCallCourier(t.Context(), "easypost")
			require.NoError(t, err)
			require.Equal(t, []bool{may, refused}, []bool{gotMay, gotRefused})
		}
		requireMay(s, true, false)
		require.NoError(t, s.ClearCourierRefusal(t.Context(), "easypost"), "nothing to clear")

		began := clock
		isNew, err := s.NoteCourierRefusal(t.Context(), "easypost", 401, "APIKEY.INACTIVE")
		require.NoError(t, err)
		require.True(t, isNew)
		clock = clock.Add(time.Second)
		isNew, err = other.NoteCourierRefusal(t.Context(), "easypost", 403, "")
		require.NoError(t, err)
		require.False(t, isNew)
		all, err := s.CourierRefusals(t.Context())
		require.NoError(t, err)
		require.Equal(t, []CourierRefusal{{Service: "easypost", Since: began, RefusedAt: clock, Status: 403}}, all)
		work, err := s.OpenWork(t.Context(), clock)
		require.NoError(t, err)
		require.Equal(t, all, work.CourierRefusals)

		requireMay(s, false, true)
		clock = clock.Add(courierRetryPause)
		requireMay(other, true, true)
		requireMay(s, false, true) // the other process tries
		may, refused, err := s.MayCallCourier(t.Context(), "another")
		require.NoError(t, err)
		require.True(t, may && !refused, "another service is not concerned")

		require.NoError(t, other.ClearCourierRefusal(t.Context(), "easypost"))
		requireMay(s, true, false)
		all, err = s.CourierRefusals(t.Context())
		require.NoError(t, err)
		require.Empty(t, all)
	})
}

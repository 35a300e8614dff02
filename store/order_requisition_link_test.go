package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

func TestARequisitionLinkIsValidForAWeek(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		o := &order.Order{ID: "o1", TeamID: "t1", SampleID: "S1", Patient: &order.Patient{}}
		address := func() string {
			url, err := s.requisitionURL(o)
			require.NoError(t, err)
			return url
		}
		require.Empty(t, address(), "there is no public address")
		s.publicURL = "https://lab.example"
		url := address()
		signed, ok := strings.CutPrefix(url, "https://lab.example/requisitions/")
		require.True(t, ok, url)
		team, id, err := s.RequisitionOrder(signed)
		require.NoError(t, err)
		require.Equal(t, []string{"t1", "o1"}, []string{team, id})
		for _, bad := range []string{"", "x", signed + "A", signed[1:],
			s.Sign("another purpose", []byte(`{"team":"t1","order":"o1","until":9999999999}`))} {
			_, _, err := s.RequisitionOrder(bad)
			require.ErrorIs(t, err, ErrNotFound, bad)
		}
		forward(requisitionLinkDays * 24 * time.Hour)
		_, _, err = s.RequisitionOrder(signed)
		require.NoError(t, err)
		require.NotEqual(t, url, address())
		forward(24 * time.Hour)
		_, _, err = s.RequisitionOrder(signed)
		require.ErrorIs(t, err, ErrNotFound)

		o.Imported = true
		require.Empty(t, address())
		o.Imported, o.SampleID = false, ""
		require.Empty(t, address())
	})
}

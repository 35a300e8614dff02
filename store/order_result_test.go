package store

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func newReport(text string) order.LabReport {
	return order.LabReport{
		Status: "final", Interpretation: order.InterpretationAbnormal,
		ReportedAt: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), Laboratory: "MTL",
		Results: []order.Result{{Name: "LDL", Slug: "ldl", Text: text, Type: "numeric", Value: new(4.5),
			Interpretation: order.InterpretationAbnormal}},
	}
}

func storeReport(t *testing.T, s *Store, orderID string, generation int, text string,
	pdf []byte) (order.ResultVersion, bool) {
	t.Helper()
	v, changed, err := s.StoreLabReport(t.Context(), orderID, generation, newReport(text), sha256Hex(text),
		[]byte("raw "+text), pdf)
	require.NoError(t, err)
	return v, changed
}

func publishResult(t *testing.T, s *Store, orderID, resultID string) {
	t.Helper()
	require.NoError(t,
		s.db.InTx(t.Context(), func(tx *sql.Tx) error { return s.setResultVisible(t.Context(), tx, orderID, resultID) }))
}

func TestResultsBecomeVisibleVersionByVersion(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		orderID := sqldb.NewID()
		first, changed := storeReport(t, s, orderID, 1, "4.5", nil)
		require.True(t, changed)
		require.Equal(t, 1, first.Version)
		require.False(t, first.Visible)
		require.Equal(t, newReport("4.5"), first.Report)
		_, err := s.NewestResult(t.Context(), "", orderID)
		require.ErrorIs(t, err, ErrNotFound, "nothing is visible before it is recorded")

		publishResult(t, s, orderID, first.ID)
		first.Visible = true
		got, err := s.NewestResult(t.Context(), "", orderID)
		require.NoError(t, err)
		require.Equal(t, first, got)

		same, changed := storeReport(t, s, orderID, 2, "4.5", nil)
		require.False(t, changed)
		require.Equal(t, first, same)

		second, changed := storeReport(t, s, orderID, 3, "4.6", []byte("%PDF"))
		require.True(t, changed)
		require.Equal(t, 2, second.Version)
		require.True(t, second.HasPDF)
		got, err = s.NewestResult(t.Context(), "", orderID)
		require.NoError(t, err)
		require.Equal(t, first, got, "the client sees the first until the second is recorded")
		_, err = s.ResultPDF(t.Context(), "", orderID)
		require.ErrorIs(t, err, ErrNotFound)

		publishResult(t, s, orderID, second.ID)
		got, err = s.NewestResult(t.Context(), "", orderID)
		require.NoError(t, err)
		require.Equal(t, second.ID, got.ID)
		pdf, err := s.ResultPDF(t.Context(), "", orderID)
		require.NoError(t, err)
		require.Equal(t, "%PDF", string(pdf))
	})
}

// A worker that crashes between storing a correction and recording it stores the correction again. The result must
// still say that it is a change.
func TestAReportStoredAgainBeforeItIsShownIsStillAChange(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		orderID := sqldb.NewID()
		first, _ := storeReport(t, s, orderID, 1, "4.5", nil)
		publishResult(t, s, orderID, first.ID)
		correction, changed := storeReport(t, s, orderID, 2, "4.6", nil)
		require.True(t, changed)
		for _, generation := range []int{2, 3} {
			again, changed := storeReport(t, s, orderID, generation, "4.6", nil)
			require.True(t, changed)
			require.Equal(t, correction, again, "no further version")
		}
		publishResult(t, s, orderID, correction.ID)
		_, changed = storeReport(t, s, orderID, 4, "4.6", nil)
		require.False(t, changed)
	})
}

func TestALaterPDFIsAddedToItsReport(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		orderID := sqldb.NewID()
		first, _ := storeReport(t, s, orderID, 1, "4.5", nil)
		require.False(t, first.HasPDF)
		publishResult(t, s, orderID, first.ID)
		same, changed := storeReport(t, s, orderID, 2, "4.5", []byte("%PDF"))
		require.False(t, changed)
		require.True(t, same.HasPDF)
		storeReport(t, s, orderID, 3, "4.5", []byte("%PDF again"))
		pdf, err := s.ResultPDF(t.Context(), "", orderID)
		require.NoError(t, err)
		require.Equal(t, "%PDF", string(pdf), "the first PDF of a version stays")
	})
}

func TestResultsOfAnotherOrderAreNotShown(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		v, _ := storeReport(t, s, sqldb.NewID(), 1, "4.5", nil)
		err := s.db.InTx(t.Context(),
			func(tx *sql.Tx) error { return s.setResultVisible(t.Context(), tx, sqldb.NewID(), v.ID) })
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.NewestResult(t.Context(), "", v.OrderID)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestResultsAreBoundToTheOrdersTeam(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		s.renderOrder = func(order.Order) ([]byte, error) { return []byte("{}"), nil }
		o := order.Order{
			TeamID: sqldb.NewID(), UserID: sqldb.NewID(), ClientUserID: "u1", LabAccountID: sqldb.NewID(),
			Modality:    lifecycle.Testkit,
			Origin:      order.OriginInitial,
			Registrable: true, CreatedAt: s.now(),
		}
		AssignOrderIDs(&o)
		o.State = order.NewState(&o, order.DefaultPolicy(), time.Time{})
		_, err := s.CreateOrder(t.Context(), NewOrder{Order: o, Cause: "api:test"})
		require.NoError(t, err)
		v, _ := storeReport(t, s, o.ID, 1, "4.5", []byte("%PDF"))
		publishResult(t, s, o.ID, v.ID)

		for _, asker := range []string{o.TeamID, ""} {
			got, err := s.NewestResult(t.Context(), asker, o.ID)
			require.NoError(t, err)
			require.Equal(t, v.ID, got.ID)
			_, err = s.ResultPDF(t.Context(), asker, o.ID)
			require.NoError(t, err)
		}
		_, err = s.NewestResult(t.Context(), sqldb.NewID(), o.ID)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.ResultPDF(t.Context(), sqldb.NewID(), o.ID)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

// Concurrent calls get consecutive version numbers.
func TestReportsStoredAtOnceGetVersionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		orderID := sqldb.NewID()
		versions := make([]int, 4)
		var g errgroup.Group
		for i := range versions {
			g.Go(func() error {
				text := fmt.Sprint(i)
				v, _, err := s.StoreLabReport(t.Context(), orderID, i, newReport(text), sha256Hex(text), nil, nil)
				versions[i] = v.Version
				return err
			})
		}
		require.NoError(t, g.Wait())
		slices.Sort(versions)
		require.Equal(t, []int{1, 2, 3, 4}, versions)
	})
}

package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// quarantine stores an item that is quarantined.
func quarantine(t *testing.T, s *Store, accountID, key string) (ReceivedItem, error) {
	t.Helper()
	return s.StoreInboxItem(t.Context(), NewInboxItem{Partner: "p", LabAccountID: accountID, DedupKey: key, BodyHash: "h",
		State: InboxQuarantined, Body: []byte("???")})
}

// TestTheQuarantineHasAQuota fills the quarantine of a lab account. What was stored stays; what is beyond the quota is
// not stored, until an item is released or its contents are erased. Other accounts are not affected.
func TestTheQuarantineHasAQuota(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		s.quarantineQuota = 3
		account, other := sqldb.NewID(), sqldb.NewID()
		var stored []string
		for i := range 3 {
			in, err := quarantine(t, s, account, fmt.Sprint("k", i))
			require.NoError(t, err)
			stored = append(stored, in.ID)
		}
		requireAllThere := func() {
			t.Helper()
			for _, id := range stored {
				item, err := s.InboxItem(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, "???", string(item.Body))
			}
		}
		_, err := quarantine(t, s, account, "beyond")
		require.ErrorIs(t, err, ErrQuarantineFull)
		requireAllThere()
		again, err := quarantine(t, s, account, "k1")
		require.NoError(t, err, "the same again needs no room")
		require.True(t, again.Duplicate)
		for range 2 { // also without an account, which has a quota of its own
			_, err = quarantine(t, s, other, sqldb.NewID())
			require.NoError(t, err)
			_, err = quarantine(t, s, "", sqldb.NewID())
			require.NoError(t, err)
		}
		_, err = s.StoreInboxItem(t.Context(), NewInboxItem{Partner: "p", LabAccountID: account, DedupKey: "u", BodyHash: "h",
			State: InboxUnknown, Body: []byte("{}")})
		require.NoError(t, err, "what is not quarantined needs no room")

		_, err = s.ReleaseQuarantinedItem(t.Context(), stored[0])
		require.NoError(t, err)
		require.Equal(t, InboxReleased, inboxState(t, s, stored[0]))
		_, err = s.ReleaseQuarantinedItem(t.Context(), stored[0])
		require.ErrorIs(t, err, ErrConflict)
		_, err = s.ReleaseQuarantinedItem(t.Context(), sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)
		requireAllThere()
		in, err := quarantine(t, s, account, "beyond")
		require.NoError(t, err)
		_, err = quarantine(t, s, account, "beyond too")
		require.ErrorIs(t, err, ErrQuarantineFull)

		n, err := s.PruneInboxContents(t.Context(), s.now().Add(time.Hour), 100)
		require.NoError(t, err)
		require.Positive(t, n)
		_, err = quarantine(t, s, account, "beyond too")
		require.NoError(t, err)
		require.Equal(t, InboxQuarantined, inboxState(t, s, in.ID), "the row of an erased item stays")
	})
}

// TestConcurrentSendersKeepTheQuota sends quarantined items of one account by several processes at once.
func TestConcurrentSendersKeepTheQuota(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		const quota, senders = 5, 16
		stores := []*Store{open(), open()}
		for _, s := range stores {
			s.quarantineQuota = quota
		}
		account := sqldb.NewID()
		errs := make([]error, senders)
		var all sync.WaitGroup
		for i := range senders {
			all.Go(func() {
				s := stores[i%len(stores)]
				_, errs[i] = quarantine(t, s, account, fmt.Sprint("k", i))
			})
		}
		all.Wait()
		stored := 0
		for _, err := range errs {
			if err == nil {
				stored++
				continue
			}
			require.ErrorIs(t, err, ErrQuarantineFull)
		}
		require.Equal(t, quota, stored)
		_, total, err := stores[0].InboxItems(t.Context(), InboxQuery{State: InboxQuarantined})
		require.NoError(t, err)
		require.Equal(t, quota, total)
	})
}

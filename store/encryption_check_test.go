package store

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// sameIDKey is another key with the id of the key of testKeyring.
const sameIDKey = "k1:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="

func TestWrongEncryptionKeysAreFound(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := migratedURL(t, engine)
			withKeys := func(keys ...string) *Store {
				return openStore(t, url, func(o *Options) { o.Keys = newKeyring(t, keys...) })
			}
			first := withKeys(testKey)
			for range 2 {
				require.NoError(t, first.CheckEncryptionKeys(t.Context()), "the first process records its key")
			}
			require.ErrorIs(t, withKeys(newKeyText).CheckEncryptionKeys(t.Context()), ErrWrongKeys)
			require.ErrorIs(t, withKeys(sameIDKey).CheckEncryptionKeys(t.Context()), ErrWrongKeys)
			require.NoError(t, first.CheckEncryptionKeys(t.Context()), "wrong keys are not recorded")

			behind := withKeys(testKey, newKeyText)
			require.NoError(t, behind.CheckEncryptionKeys(t.Context()))
			require.NoError(t, first.CheckEncryptionKeys(t.Context()), "nobody seals with the second key yet")

			front := withKeys(newKeyText, testKey)
			require.NoError(t, front.CheckEncryptionKeys(t.Context()))
			require.ErrorIs(t, first.CheckEncryptionKeys(t.Context()), ErrWrongKeys, "it cannot open what is sealed now")
			require.NoError(t, behind.CheckEncryptionKeys(t.Context()))

			_, err := front.RotateEncryptionKeys(t.Context(), ignoreProgress)
			require.NoError(t, err)
			require.NoError(t, withKeys(newKeyText).CheckEncryptionKeys(t.Context()), "the first key is not needed any more")
		})
	}
}

func TestAWritableDatabaseIsWritable(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		t.Helper()
		require.NoError(t, s.CheckWritable(t.Context()))
	})
}

func TestADatabaseWithoutASchemaIsNotWritable(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := openStore(t, engineURL(t, engine))
			require.True(t, sqldb.IsMissingSchema(s.CheckWritable(t.Context())))
			require.NotErrorIs(t, s.CheckEncryptionKeys(t.Context()), ErrWrongKeys)
		})
	}
}

// A standby and a database after a failover that did not end are read-only.
func TestAReadOnlyDatabaseIsNotWritable(t *testing.T) {
	t.Parallel()
	url := migratedURL(t, sqldb.Postgres)
	s := openStore(t, url+"&default_transaction_read_only=on")
	require.NoError(t, s.Ping(t.Context()), "the control: it answers")
	require.ErrorContains(t, s.CheckWritable(t.Context()), "read-only")
}

func TestADatabaseThatAnotherWriterHoldsIsNotWritable(t *testing.T) {
	t.Parallel()
	url := migratedURL(t, sqldb.SQLite)
	holder, s := openStore(t, url), openStore(t, url)
	tx, err := holder.db.Writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	limited, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, s.CheckWritable(limited), "writing to the database")
	require.NoError(t, tx.Rollback())
	require.NoError(t, s.CheckWritable(t.Context()), "the control: the lock is free")
}

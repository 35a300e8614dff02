package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// fillDisk makes the database refuse writes as on a full disk: SQLite by a limit of its size, PostgreSQL by triggers
// with the server's error. The returned function makes room.
func fillDisk(t testing.TB, s *Store, tables ...string) (makeRoom func()) {
	t.Helper()
	if s.db.Dialect == sqldb.SQLite {
		set := func(pages string) {
			_, err := s.db.Writer.ExecContext(t.Context(), `PRAGMA max_page_count = `+pages)
			require.NoError(t, err)
		}
		set("1") // SQLite takes the least possible number
		fillPages(t, s)
		return func() { set("4294967294") }
	}
	owner := asOwner(t, s).db.Writer
	exec := func(statement string) {
		_, err := owner.ExecContext(context.WithoutCancel(t.Context()), statement)
		require.NoError(t, err)
	}
	exec(`CREATE FUNCTION refuse_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'could not extend file "base/5/16384": No space left on device' USING ERRCODE = '53100';
		END $$`)
	for _, table := range tables {
		exec(fmt.Sprintf(`CREATE TRIGGER full_%[1]s BEFORE INSERT ON %[1]s FOR EACH ROW EXECUTE FUNCTION refuse_write()`,
			table))
	}
	return func() { exec(`DROP FUNCTION refuse_write() CASCADE`) }
}

// fillPages writes until the last page of a SQLite file is full.
func fillPages(t testing.TB, s *Store) {
	t.Helper()
	for _, table := range []string{"audit", "inbox", "rate_limits"} {
		for n := 0; ; n++ {
			var err error
			switch table {
			case "audit":
				err = s.AppendAudit(t.Context(), AuditRow{Action: "filler"})
			case "rate_limits":
				_, err = s.TakeRateTokens(t.Context(), fmt.Sprintf("filler-%d", n), 1, RateLimit{PerSecond: 1, Burst: 1})
			case "inbox":
				_, err = s.StoreInboxItem(t.Context(), labReport("none", order.Fact{}))
			}
			if err != nil {
				require.True(t, IsDiskFull(err), "%v", err)
				break
			}
			require.Less(t, n, 5000)
		}
	}
}

func TestAFullDiskRefusesWritesAndNoReads(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		require.NoError(t, s.CheckRoom(t.Context()))
		makeRoom := fillDisk(t, s, "audit", "inbox", "users", "rate_limits")

		_, err := s.StoreInboxItem(t.Context(), labReport(o.Number, order.Fact{}))
		require.True(t, IsDiskFull(err), "%v", err)
		require.True(t, IsUnavailable(err))
		require.True(t, IsDiskFull(s.AppendAudit(t.Context(), auditedRead)), "a change is not made without its row")
		require.ErrorIs(t, s.CheckRoom(t.Context()), ErrDiskFull)

		read, err := s.ReadOrderAudited(t.Context(), o.TeamID, o.ID, auditedRead)
		require.NoError(t, err)
		require.Equal(t, o.ID, read.ID)
		require.NoError(t, s.AppendReadAudit(t.Context(), AuditRow{Action: "orders.list", Detail: "orders=" + o.ID}))
		_, _, err = s.Orders(t.Context(), OrderQuery{TeamID: o.TeamID, Page: 1, Size: 10})
		require.NoError(t, err)
		require.Empty(t, auditOf(t, s, "orders.list"), "it waits")

		makeRoom()
		require.NoError(t, s.AppendReadAudit(t.Context(), AuditRow{Action: "result.read"}))
		require.Len(t, auditOf(t, s, "orders.list"), 1)
		rows, err := s.OrderAudit(t.Context(), o.ID)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		require.Equal(t, auditedRead.Action, rows[0].Action)
		require.Equal(t, o.TeamID, rows[0].TeamID)
	})
}

// auditOf lists the rows of an action.
func auditOf(t testing.TB, s *Store, action string) []string {
	t.Helper()
	found, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT detail FROM audit WHERE action = $1`,
		action)
	require.NoError(t, err)
	return found
}

func TestRowsThatWaitAreWrittenAtTheEnd(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		makeRoom := fillDisk(t, s, "audit")
		for range 3 {
			require.NoError(t, s.AppendReadAudit(t.Context(), AuditRow{Action: "orders.list"}))
		}
		makeRoom()
		require.NoError(t, s.closeDeferredAudit())
		require.Len(t, auditOf(t, s, "orders.list"), 3)
	})
}

// Not every error lets a read go on without its row, and not for ever.
func TestAReadWithoutItsRowIsRefused(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, s.AppendReadAudit(cancelled, auditedRead), "the control: another error than a full disk")
		makeRoom := fillDisk(t, s, "audit")
		s.deferred.rows = make([]AuditRow, maxDeferredAudit)
		require.ErrorIs(t, s.AppendReadAudit(t.Context(), auditedRead), ErrDiskFull)
		s.deferred.rows = nil
		makeRoom()
	})
}

// brokenLog refuses lines.
type brokenLog struct{ slog.Handler }

func (brokenLog) Handle(context.Context, slog.Record) error { return syscall.ENOSPC }

// A process that ends before there is room loses the rows that wait, so the log has each of them in full before.
func TestARowThatWaitsIsInTheLog(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		row := AuditRow{
			At: time.Now(), APIKeyID: sqldb.NewID(), TeamID: o.TeamID, OrderID: o.ID, Action: "result.read",
			RequestID: "request-1", Address: "192.0.2.7", Detail: "as=pdf",
		}
		makeRoom := fillDisk(t, s, "audit")
		var lines bytes.Buffer
		s.deferred.log = slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelError})
		require.NoError(t, s.AppendReadAudit(t.Context(), row))
		var line map[string]any
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line), "whatever the level of the log")
		for name, value := range map[string]string{
			"key_id": row.APIKeyID, "team_id": row.TeamID, "order_id": row.OrderID, "action": row.Action,
			"request_id": row.RequestID, "client_address": row.Address, "detail": row.Detail,
		} {
			require.Equal(t, value, line[name], name)
		}

		s.deferred.log = brokenLog{}
		require.ErrorIs(t, s.AppendReadAudit(t.Context(), row), ErrDiskFull)
		read, err := s.ReadOrderAudited(t.Context(), o.TeamID, o.ID, auditedRead)
		require.ErrorIs(t, err, ErrDiskFull)
		require.Nil(t, read)
		require.Len(t, s.deferred.rows, 1, "what is refused does not wait")
		makeRoom()
	})
}

func TestTheDiskCountsAsFullForAWhile(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		makeRoom := fillDisk(t, s, "audit")
		require.Error(t, s.AppendAudit(t.Context(), auditedRead))
		makeRoom()
		require.ErrorIs(t, s.CheckRoom(t.Context()), ErrDiskFull)
		require.Eventually(t, func() bool { return s.CheckRoom(t.Context()) == nil }, 2*diskFullFor,
			100*time.Millisecond)
	})
}

func TestASchemaThatLacksAMigrationIsOld(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		require.NoError(t, s.CheckSchema(t.Context()))
		owner := asOwner(t, s)
		exec := func(statement string, args ...any) {
			_, err := owner.db.Writer.ExecContext(t.Context(), statement, args...)
			require.NoError(t, err)
		}
		exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (4711, true)`)
		require.NoError(t, s.CheckSchema(t.Context()), "a newer schema is ready")
		exec(`DELETE FROM goose_db_version WHERE version_id = 1`)
		require.ErrorIs(t, s.CheckSchema(t.Context()), ErrOldSchema)
	})
	for _, engine := range []sqldb.Dialect{sqldb.SQLite, sqldb.Postgres} {
		s := openStore(t, engineURL(t, engine))
		require.ErrorIs(t, s.CheckSchema(t.Context()), ErrOldSchema, "an empty database")
	}
}

package store

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// partitionsRead returns the partitions, without those of other tables, that PostgreSQL reads for a statement.
func partitionsRead(t *testing.T, s *Store, table, statement string, args ...any) []string {
	t.Helper()
	var plans []struct{ Plan planStep }
	text, err := sqldb.QueryOne(t.Context(), asOwner(t, s).db.Writer, sqldb.ScanText,
		`EXPLAIN (FORMAT JSON) `+statement, args...)
	require.NoError(t, err, statement)
	require.NoError(t, json.Unmarshal([]byte(text), &plans))
	of, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText,
		`SELECT partition FROM list_partitions() WHERE parent = $1`, table)
	require.NoError(t, err)
	var read []string
	for _, step := range plans[0].Plan.tableReads() {
		if slices.Contains(of, step.Relation) && !slices.Contains(read, step.Relation) {
			read = append(read, step.Relation)
		}
	}
	slices.Sort(read)
	return read
}

const weeksOfMessages = 12

// addWeeksOfMessages makes partitions of the past weeks, with a message in each.
func addWeeksOfMessages(t *testing.T, s *Store, team, endpoint string) {
	t.Helper()
	for weeks := range weeksOfMessages {
		addOldMessage(t, s, team, endpoint, s.now().Add(-time.Duration(weeks)*week))
	}
	makePartitions(t, s)
}

// Reads by order and by time read the partitions of the time of the order, and not those of all weeks.
func TestReadsByOrderReadThePartitionsOfTheOrder(t *testing.T) {
	t.Parallel()
	s := openPartitioned(t)
	team := addTeam(t, s).ID
	endpoint := addEndpoint(t, s, team)
	addWeeksOfMessages(t, s, team, endpoint)
	now, at := s.now(), s.now().Add(-6*week).Truncate(24*time.Hour)
	at = at.AddDate(0, 0, -int(at.Weekday())+3) // a Wednesday
	s.now = func() time.Time { return at }
	o := addOrderOf(t, s, team)
	s.now = func() time.Time { return now }
	ids, err := messageIDs(t.Context(), s.db.Reader, o.ID)
	require.NoError(t, err)
	monday := at.AddDate(0, 0, -2).Format("20060102")

	statements := []struct{ table, statement string }{
		{"messages", deliveryLogStatement}, {"deliveries", deliveryLogStatement},
		{"messages", attemptLogStatement}, {"attempts", attemptLogStatement},
	}
	for _, r := range statements {
		require.Equal(t, []string{r.table + "_p" + monday},
			partitionsRead(t, s, r.table, r.statement, o.ID, ids.first, ids.end), r.statement)
	}
	for _, r := range statements { // the control
		all := partitionsRead(t, s, r.table, r.statement, o.ID, sqldb.NilID, sqldb.LastID)
		require.Greater(t, len(all), weeksOfMessages, r.statement)
	}

	erased := partitionsRead(t, s, "messages", eraseMessagesStatement, o.ID, ids.first)
	require.Equal(t, "messages_p"+monday, slices.Min(slices.DeleteFunc(erased, func(name string) bool {
		return name == "messages_default"
	})), "an erasure reads nothing that is older than the order")

	read := func(by WebhookMessageQuery) []string {
		by.TeamID = team
		where, err := by.where(t.Context(), s.db.Reader)
		require.NoError(t, err)
		return partitionsRead(t, s, "messages", selectMessageLog+where.String()+` ORDER BY m.id DESC LIMIT 51`, where.Args...)
	}
	require.Greater(t, len(read(WebhookMessageQuery{})), weeksOfMessages, "the control")
	require.Equal(t, []string{"messages_p" + monday}, read(WebhookMessageQuery{OrderID: o.ID}))
	require.Equal(t, []string{"messages_p" + monday}, read(WebhookMessageQuery{Since: at, Until: at.Add(time.Hour)}))
	require.Less(t, len(read(WebhookMessageQuery{Since: now})), 3+PartitionsAhead)

	page, err := s.WebhookMessages(t.Context(), WebhookMessageQuery{OrderID: o.ID})
	require.NoError(t, err)
	require.Len(t, page.Messages, 1)
	log, err := loadDeliveryLog(t.Context(), s.db.Reader, o.ID)
	require.NoError(t, err)
	require.Len(t, log, 1)
}

// The audit of an order may have rows of any time after the order was created.
func TestTheAuditOfAnOrderIsReadFromItsCreationOn(t *testing.T) {
	t.Parallel()
	s, months := oldAudit(t)
	team := addTeam(t, s).ID
	create := func(at time.Time) string {
		s.now = func() time.Time { return at }
		id := addOrderOf(t, s, team).ID
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{OrderID: id, Action: "order.create"}))
		s.now = func() time.Time { return time.Now().UTC() }
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{OrderID: id, Action: "order.read"}))
		return id
	}
	orders := []string{create(months[1].AddDate(0, 0, 3)), create(time.Now().UTC())}
	for i, from := range []time.Time{months[1], firstOfMonth(s.now())} {
		ids, err := auditIDsSince(t.Context(), s.db.Reader, orders[i])
		require.NoError(t, err)
		read := partitionsRead(t, s, "audit", `SELECT id FROM audit WHERE order_id = $1 AND id >= $2 ORDER BY id`,
			orders[i], ids.first)
		require.Contains(t, read, "audit_p"+from.Format("20060102"))
		require.NotContains(t, read, "audit_p"+months[0].Format("20060102"))
		rows, err := s.OrderAudit(t.Context(), orders[i])
		require.NoError(t, err)
		require.Len(t, rows, 2)
		log, err := s.AuditLog(t.Context(), AuditQuery{OrderID: orders[i]})
		require.NoError(t, err)
		require.Len(t, log, 2)
	}
	require.Contains(t, partitionsRead(t, s, "audit", `SELECT id FROM audit WHERE order_id = $1`, orders[1]),
		"audit_p"+months[0].Format("20060102"), "the control")
}

func firstOfMonth(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// What is due is found in the small index of pending deliveries of each partition, however many deliveries there are.
func TestDueDeliveriesReadIndexesOfPendingDeliveriesOnly(t *testing.T) {
	t.Parallel()
	s := openPartitioned(t)
	team := addTeam(t, s).ID
	endpoint := addEndpoint(t, s, team)
	addWeeksOfMessages(t, s, team, endpoint)
	owner := asOwner(t, s)
	_, err := owner.db.Writer.ExecContext(t.Context(), `INSERT INTO deliveries
		SELECT m.id, gen_random_uuid(), 'delivered', 1, 1, 0, 0, 0 FROM messages m, generate_series(1, 2000)`)
	require.NoError(t, err)
	enqueueMessage(t, s, WebhookMessage{TeamID: team})
	_, err = owner.db.Writer.ExecContext(t.Context(), `ANALYZE`)
	require.NoError(t, err)
	var plans []struct {
		Plan planStep
		Time float64 `json:"Execution Time"`
	}
	text, err := sqldb.QueryOne(t.Context(), owner.db.Writer, sqldb.ScanText, `EXPLAIN (ANALYZE, FORMAT JSON) `+
		dueDeliveriesStatement, endpoint, sqldb.ToMicros(s.now()), 0, sqldb.NilID, 100)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(text), &plans))
	filled, err := sqldb.QueryAll(t.Context(), owner.db.Reader, sqldb.ScanText,
		`SELECT DISTINCT CAST(tableoid AS regclass)::text FROM deliveries`)
	require.NoError(t, err)
	require.Len(t, filled, weeksOfMessages)
	for _, step := range plans[0].Plan.tableReads() {
		if slices.Contains(filled, step.Relation) {
			require.Contains(t, step.Index, "next_attempt_at", "%+v", step)
			require.LessOrEqual(t, step.Rows*step.Loops, 1.0)
		}
	}
	t.Logf("%d partitions, %.2f ms", len(partitionsOf(t, s, "deliveries")), plans[0].Time)
}

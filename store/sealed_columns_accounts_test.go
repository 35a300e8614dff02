package store

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// dumpTables returns all rows of the tables as the database stores them.
func dumpTables(t *testing.T, s *Store, tables ...string) []byte {
	t.Helper()
	var all bytes.Buffer
	for _, table := range tables {
		scan := func(row sqldb.Scanner) (struct{}, error) {
			columns := make([]any, columnCount(t, s, table))
			into := make([]any, len(columns))
			for i := range columns {
				into[i] = &columns[i]
			}
			err := row.Scan(into...)
			for _, c := range columns {
				if b, ok := c.([]byte); ok {
					all.Write(b)
				} else {
					fmt.Fprint(&all, c)
				}
				all.WriteByte('\n')
			}
			return struct{}{}, err
		}
		rows, err := sqldb.QueryAll(t.Context(), s.db.Reader, scan, `SELECT * FROM `+table)
		require.NoError(t, err)
		require.NotEmpty(t, rows, "nothing in %s to look at", table)
	}
	return all.Bytes()
}

func columnCount(t *testing.T, s *Store, table string) int {
	t.Helper()
	rows, err := s.db.Reader.QueryContext(t.Context(), `SELECT * FROM `+table+` LIMIT 0`)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	require.NoError(t, rows.Err())
	return len(columns)
}

// Each sealed column gets a word that the dump must not contain. Words in other columns must be found.
func TestSecretsAndPatientDataAreSealed(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		const canary = "CANARY"
		team := Team{ID: sqldb.NewID(), Name: "clear-team", Environment: Sandbox}
		require.NoError(t, s.CreateTeam(ctx, team))
		require.NoError(t, s.CreateAPIKey(ctx, APIKey{ID: sqldb.NewID(), TeamID: team.ID, Name: "clear-key",
			Role: RoleClient},
			"sk_us_"+canary))
		require.NoError(t, s.CreateUser(ctx, User{ID: sqldb.NewID(), TeamID: team.ID, ClientUserID: "clear-user",
			FallbackBirthDate: new(canary)}))
		require.NoError(t, s.PutLabAccount(ctx, LabAccount{
			ID: sqldb.NewID(), TeamID: team.ID, LabSlug: "clear-lab", Environment: Sandbox,
			User: canary, Token: canary, PreviousUser: canary, PreviousToken: canary,
		}))
		claim, err := s.ClaimIdempotencyKey(ctx, team.ID, "clear-route", canary, "", lease)
		require.NoError(t, err)
		require.NoError(t, s.StoreIdempotentAnswer(ctx, *claim.Claimed, 200, []byte(canary)))
		report := order.LabReport{Status: canary, Results: []order.Result{{Text: canary}}}
		_, _, err = s.StoreLabReport(ctx, testids.Of("clear-order"), 1, report, "clear-hash", []byte(canary), []byte(canary))
		require.NoError(t, err)
		endpoint := Endpoint{
			ID: sqldb.NewID(), TeamID: team.ID, Description: "clear-endpoint", Secret: canary, PreviousSecret: canary,
			Headers: map[string]string{canary: canary},
		}
		require.NoError(t, s.CreateEndpoint(ctx, endpoint))
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team.ID, OrderID: testids.Of("o"), EventType: "clear-event",
			Body: []byte(canary)})
		require.NoError(t, recordAttempt(s, endpoint.ID, AttemptRow{
			MessageID: message, Number: 1, Failure: "clear-failure", Excerpt: []byte(canary),
		}))

		stored := dumpTables(t, s, "teams", "api_keys", "users", "lab_accounts", "idempotency", "results", "endpoints",
			"messages", "deliveries", "attempts")
		for _, control := range []string{
			"clear-team", "clear-key", "clear-user", "clear-lab", "clear-route", testids.Of("clear-order"),
			"clear-endpoint", "clear-event",
			"clear-failure",
			sha256Hex("sk_us_" + canary),
		} {
			require.True(t, bytes.Contains(stored, []byte(control)), "the search does not see %s", control)
		}
		require.False(t, bytes.Contains(stored, []byte(canary)))
	})
}

// A sealed value opens in its own row only, so a copied row does not open.
func TestSealedValuesDoNotOpenElsewhere(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		one, other := addEndpoint(t, s, team), addEndpoint(t, s, team)
		_, err := s.db.Writer.ExecContext(t.Context(),
			`UPDATE endpoints SET secret = (SELECT secret FROM endpoints WHERE id = $1) WHERE id = $2`, one, other)
		require.NoError(t, err)
		_, err = s.Endpoint(t.Context(), other)
		require.ErrorContains(t, err, "opening a sealed value")
		_, err = s.Endpoint(t.Context(), one)
		require.NoError(t, err)
	})
}

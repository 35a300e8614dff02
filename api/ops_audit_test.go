package api_test

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // to tamper with the database
)

func TestAuditRoutes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil, "X-Request-Id",
		"mine").status)
	r := f.ops(http.MethodGet, "/ops/audit?order_id="+id, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	var rows []map[string]any
	require.NoError(t, json.Unmarshal(r.body, &rows))
	var actions []any
	for _, row := range rows {
		actions = append(actions, row["action"])
		require.Equal(t, "127.0.0.1", row["address"])
		require.NotEmpty(t, row["key_id"])
	}
	require.Equal(t, []any{"ops.audit.read", "order.read", "order.create"}, actions, "who reads the audit is in it")
	require.Equal(t, "mine", rows[1]["request_id"])

	n, err := f.store.SealAudit(t.Context(), 100)
	require.NoError(t, err)
	check := f.ops(http.MethodGet, "/ops/audit/verify", nil).json(t)
	require.Nil(t, check["broken"])
	require.Equal(t, true, check["done"])
	require.EqualValues(t, n, check["checked"])
	part := f.ops(http.MethodGet, "/ops/audit/verify?limit=1", nil).json(t)
	require.Equal(t, false, part["done"])
	require.EqualValues(t, 1, part["to"])

	db, err := sql.Open("sqlite", f.database)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `UPDATE audit SET key_id = NULL
		WHERE id = (SELECT audit_id FROM audit_seals WHERE seq = 2)`)
	require.NoError(t, err)
	check = f.ops(http.MethodGet, "/ops/audit/verify", nil).json(t)
	require.EqualValues(t, 2, check["broken"].(map[string]any)["seq"])
}

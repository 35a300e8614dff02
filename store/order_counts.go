package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Unfinished orders are counted by status in rows that each transaction updates. With millions of orders, counting them
// at each scrape would be too slow.

// countShards is the number of rows that share the count of a status. A transaction locks two of them until it is
// committed, so only transactions with the same rows wait for each other.
const countShards = 32

// countKey is the count that an order belongs to. The zero value means none.
type countKey struct {
	modality lifecycle.Modality
	status   lifecycle.LowStatus
}

// countKeyOf returns the count of an order in a status. It is zero for an order that is not unfinished.
func countKeyOf(modality lifecycle.Modality, status lifecycle.LowStatus, unfinished bool) countKey {
	if !unfinished {
		return countKey{}
	}
	return countKey{modality, status}
}

// moveOrderCount moves an order from one count to another. It has to be the last statement of a transaction, because it
// locks rows that other transactions need.
func moveOrderCount(ctx context.Context, tx *sql.Tx, orderID string, from, to countKey) error {
	if from == to {
		return nil
	}
	changes := map[countKey]int{from: -1, to: 1}
	delete(changes, countKey{})
	h := fnv.New32a()
	h.Write([]byte(orderID))
	return addCounts(ctx, tx, changes, h.Sum32()%countShards)
}

// addCounts changes counts in the order of their keys, so that two transactions do not deadlock.
func addCounts(ctx context.Context, tx *sql.Tx, changes map[countKey]int, shard uint32) error {
	if len(changes) == 0 {
		return nil
	}
	keys := make([]countKey, 0, len(changes))
	for key := range changes {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b countKey) int {
		return cmp.Or(cmp.Compare(a.modality, b.modality), cmp.Compare(a.status, b.status))
	})
	var rows []string
	var args []any
	for _, key := range keys {
		rows = append(rows, "("+sqldb.Placeholders(len(args)+1, 4)+")")
		args = append(args, string(key.modality), string(key.status), shard, changes[key])
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf(`INSERT INTO order_counts (modality, status, shard, orders) VALUES %s
		ON CONFLICT (modality, status, shard) DO UPDATE SET orders = order_counts.orders + excluded.orders`,
		strings.Join(rows, ", ")), args...)
	if err != nil {
		return fmt.Errorf("counting orders: %w", err)
	}
	return nil
}

// unfinishedByStatus reads the counts.
func (s *Store) unfinishedByStatus(ctx context.Context) (map[lifecycle.Status]int, error) {
	read, err := queryOrderCounts(ctx, s.db.Reader,
		`SELECT modality, status, CAST(SUM(orders) AS BIGINT) FROM order_counts GROUP BY modality, status`)
	if err != nil {
		return nil, err
	}
	open := map[lifecycle.Status]int{}
	for key, n := range read {
		if status, ok := lifecycle.FullStatus(key.modality, key.status); ok && n > 0 {
			open[status] = n
		}
	}
	return open, nil
}

// CorrectOrderCounts compares the counts of unfinished orders with the orders and corrects them. It returns the sum of
// the differences, which is 0 unless the orders were written by hand or by a program that does not count. It reads all
// unfinished orders. On PostgreSQL it blocks no other transaction; on SQLite other writers wait.
func (s *Store) CorrectOrderCounts(ctx context.Context) (wrong int, err error) {
	err = s.db.InTx(ctx, func(tx *sql.Tx) error {
		// This statement locks a row, so that two concurrent calls do not correct the same difference twice.
		_, err := tx.ExecContext(ctx, `INSERT INTO order_counts (modality, status, shard, orders) VALUES ('', '', 0, 0)
			ON CONFLICT (modality, status, shard) DO UPDATE SET orders = 0`)
		if err != nil {
			return err
		}
		// Both sides are read at the same moment. Adding the difference is correct even if other transactions change the
		// counts meanwhile.
		missing, err := queryOrderCounts(ctx, tx, `SELECT modality, status, CAST(SUM(n) AS BIGINT) FROM (
				SELECT modality, status, COUNT(*) AS n FROM order_progress WHERE unfinished GROUP BY modality, status
				UNION ALL SELECT modality, status, -orders AS n FROM order_counts
			) AS differences GROUP BY modality, status HAVING SUM(n) <> 0`)
		if err != nil || len(missing) == 0 {
			return err
		}
		wrong = 0 // the transaction may be repeated
		for _, n := range missing {
			wrong += max(n, -n)
		}
		return addCounts(ctx, tx, missing, 0)
	})
	if err != nil {
		return 0, fmt.Errorf("counting unfinished orders: %w", err)
	}
	return wrong, nil
}

func queryOrderCounts(ctx context.Context, q sqldb.Querier, query string) (map[countKey]int, error) {
	counts := map[countKey]int{}
	_, err := sqldb.QueryAll(ctx, q, func(row sqldb.Scanner) (none struct{}, err error) {
		var key countKey
		var n int
		err = row.Scan(&key.modality, &key.status, &n)
		counts[key] = n
		return none, err
	}, query)
	return counts, err
}

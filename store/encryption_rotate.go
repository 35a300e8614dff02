package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// rotationBatch is the number of values that are sealed again in one transaction. Other transactions may have to wait
// for it.
const rotationBatch = 50

// ColumnRotation is the result of sealing one column again, or of hashing a table of search terms again.
type ColumnRotation struct {
	Table, Column    string
	Replaced         int // made with the primary key now
	ChangedMeanwhile int // changed by another process meanwhile, which has sealed the value itself
	Unreadable       int // not changed: no key opens them, or their term is not known
}

// RotateEncryptionKeys seals all values again, with the primary key, that another key has sealed, and hashes the search
// terms again. It works table by table in short transactions, while other processes read and write. A value that
// another process changes meanwhile is not replaced. An interrupted rotation is resumed by calling it again. It passes
// the progress of a column to report after each page, and returns the results of all columns.
func (s *Store) RotateEncryptionKeys(ctx context.Context, report func(ColumnRotation)) ([]ColumnRotation, error) {
	var all []ColumnRotation
	for _, t := range sealedTables {
		for _, column := range t.sealedColumns() {
			done := ColumnRotation{Table: t.name, Column: column}
			if err := s.rotateColumn(ctx, t, &done, report); err != nil {
				return all, fmt.Errorf("rotating %s of %s: %w", column, t.name, err)
			}
			all = append(all, done)
		}
	}
	for _, t := range searchTables {
		done := ColumnRotation{Table: t.name, Column: "hash"}
		if err := s.rehashTable(ctx, t, &done, report); err != nil {
			return all, fmt.Errorf("hashing the terms of %s: %w", t.name, err)
		}
		all = append(all, done)
	}
	return all, nil
}

// sealedValue is a value that an older key has sealed.
type sealedValue struct {
	key       []any
	contextID string // the row's part of its seal context
	sealed    []byte
}

func (s *Store) rotateColumn(ctx context.Context, t sealedTable, done *ColumnRotation,
	report func(ColumnRotation)) error {
	for after := []any(nil); ; {
		values, err := s.valuesOfOlderKeys(ctx, t, done.Column, after)
		if err != nil {
			return err
		}
		if len(values) > 0 {
			if err := s.reseal(ctx, t, done, values); err != nil {
				return err
			}
			report(*done)
		}
		if len(values) < rotationBatch {
			return nil
		}
		after = values[len(values)-1].key
	}
}

// valuesOfOlderKeys reads one page of the values of a column that the primary key has not sealed, in the order of the
// primary key of the table.
func (s *Store) valuesOfOlderKeys(ctx context.Context, t sealedTable, column string,
	after []any) ([]sealedValue, error) {
	prefix := s.keys.Keys()[0].SealedPrefix
	args := append([]any{len(prefix), prefix}, after...)
	key := strings.Join(t.key, ", ")
	beyond := ""
	if after != nil {
		beyond = fmt.Sprintf(" AND (%s) > (%s)", key, sqldb.Placeholders(3, len(after)))
	}
	return sqldb.QueryAll(ctx, s.db.Reader, t.scanValue, fmt.Sprintf(`SELECT %[1]s, %[6]s AS context_id, %[2]s FROM %[3]s
		WHERE length(%[2]s) > 0 AND substr(%[2]s, 1, $1) <> $2%[4]s ORDER BY %[1]s LIMIT %[5]d`,
		key, column, t.name, beyond, rotationBatch, t.contextIDExpr()), args...)
}

func (t sealedTable) scanValue(row sqldb.Scanner) (v sealedValue, err error) {
	v.key = make([]any, len(t.key))
	into := make([]any, 0, len(t.key)+2)
	for i := range v.key {
		into = append(into, &v.key[i])
	}
	return v, row.Scan(append(into, &v.contextID, &v.sealed)...)
}

// reseal replaces the values that have not changed since they were read.
func (s *Store) reseal(ctx context.Context, t sealedTable, done *ColumnRotation, values []sealedValue) error {
	type replacement struct {
		sealedValue
		fresh []byte
	}
	var readable []replacement
	for _, v := range values {
		at := sealContext(t.name, v.contextID, done.Column)
		if plain, err := s.keys.Open(at, v.sealed); err == nil {
			readable = append(readable, replacement{v, s.keys.Seal(at, plain)})
		}
	}
	replace := fmt.Sprintf(`UPDATE %[1]s SET %[2]s = $1 WHERE %[2]s = $2 AND (%[3]s) = (%[4]s)`,
		t.name, done.Column, strings.Join(t.key, ", "), sqldb.Placeholders(3, len(t.key)))
	var replaced int
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		replaced = 0
		for _, r := range readable {
			n, err := sqldb.ExecCount(ctx, tx, replace, append([]any{r.fresh, r.sealed}, r.key...)...)
			if err != nil {
				return err
			}
			replaced += int(n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	done.Replaced += replaced
	done.ChangedMeanwhile += len(readable) - replaced
	done.Unreadable += len(values) - len(readable)
	return nil
}

// EncryptionKeyUse counts what in the store one encryption key has made.
type EncryptionKeyUse struct {
	ID     string
	Values int // sealed values
	Hashes int // search hashes
}

// Unused reports whether nothing in the store needs the key, so that it can be removed from the settings.
func (u EncryptionKeyUse) Unused() bool { return u.Values == 0 && u.Hashes == 0 }

// EncryptionKeyUses counts the uses of each key of the settings, the primary key first. The last element, without an
// id, counts the uses of keys that are not in the settings.
//
// It counts one column after the other, each as of one moment, so that a count that takes hours does not hold vacuum
// back for as long. While other processes write, the counts of different columns belong to different moments. Processes
// seal new values with the primary key of their settings only. So a count of zero for a key that is primary in no
// process stays zero, and an older count is too high at worst.
func (s *Store) EncryptionKeyUses(ctx context.Context) ([]EncryptionKeyUse, error) {
	keys := s.keys.Keys()
	uses := make([]EncryptionKeyUse, len(keys)+1)
	rest := &uses[len(keys)]
	for i, key := range keys {
		uses[i].ID = key.ID
	}
	for _, t := range sealedTables {
		for _, column := range t.sealedColumns() {
			err := s.countByEncryptionKey(ctx, t.name, column, func(i, n int) { uses[i].Values += n })
			if err != nil {
				return nil, fmt.Errorf("counting the uses of encryption keys in %s of %s: %w", column, t.name, err)
			}
		}
	}
	for _, t := range searchTables {
		err := s.countByEncryptionKey(ctx, t.name, "hash", func(i, n int) { uses[i].Hashes += n })
		if err != nil {
			return nil, fmt.Errorf("counting the uses of encryption keys in %s: %w", t.name, err)
		}
	}
	// The last element has counted all values and hashes so far. The rest belongs to other keys.
	for _, u := range uses[:len(keys)] {
		rest.Values -= u.Values
		rest.Hashes -= u.Hashes
	}
	return uses, nil
}

// countByEncryptionKey counts the values of a column by the index of the key that made them. Under the index that is
// the number of keys it counts all values. One statement counts them all, so that the counts belong to one moment, and
// the snapshot of a long count ends with the column.
func (s *Store) countByEncryptionKey(ctx context.Context, table, column string, add func(key, n int)) error {
	keys := s.keys.Keys()
	counts := make([]string, len(keys)+1)
	var args []any
	for i, key := range keys {
		var begin any = key.SealedPrefix
		length := len(key.SealedPrefix)
		if column == "hash" {
			begin, length = key.HashPrefix, keyring.HashPrefixSize
		}
		args = append(args, begin)
		counts[i] = fmt.Sprintf("COUNT(CASE WHEN substr(%s, 1, %d) = $%d THEN 1 END)", column, length, i+1)
	}
	counts[len(keys)] = "COUNT(*)"
	found := make([]int, len(counts))
	into := make([]any, len(counts))
	for i := range found {
		into[i] = &found[i]
	}
	err := s.db.Reader.QueryRowContext(ctx, fmt.Sprintf(`SELECT %s FROM %s WHERE length(%s) > 0`,
		strings.Join(counts, ", "), table, column), args...).Scan(into...)
	if err != nil {
		return err
	}
	for i, n := range found {
		add(i, n)
	}
	return nil
}

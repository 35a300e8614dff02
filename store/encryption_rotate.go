package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// rotationBatch is how many values are sealed anew in one transaction, which others may have to wait for.
const rotationBatch = 50

// ColumnRotation is what became of sealing one column anew, or of hashing a table of search terms anew.
type ColumnRotation struct {
	Table, Column    string
	Replaced         int // made with the key in front now
	ChangedMeanwhile int // changed meanwhile by somebody else, who has sealed it himself
	Unreadable       int // left as they are: no key opens them, or nothing says what they were made of
}

// RotateEncryptionKeys seals anew, with the key in front, all that another key has sealed, and hashes anew the terms of searches; table by table,
// in short transactions, next to processes that read and write. A value that somebody changes meanwhile keeps the change. What is
// done already is passed over, so an interrupted rotation is resumed by rotating again. After each page of a column it reports how
// far that is; it returns the sum of each.
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

// sealedValue is one that an older key has sealed.
type sealedValue struct {
	key       []any
	contextID string // in its place
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

// valuesOfOlderKeys reads one page of the values of a column that the key in front has not sealed, in the order of the primary key.
func (s *Store) valuesOfOlderKeys(ctx context.Context, t sealedTable, column string,
	after []any) ([]sealedValue, error) {
	prefix := s.keys.Keys()[0].SealedPrefix
	args := append([]any{len(prefix), prefix}, after...)
	key := strings.Join(t.key, ", ")
	beyond := ""
	if after != nil {
		beyond = fmt.Sprintf(" AND (%s) > (%s)", key, sqldb.Placeholders(3, len(after)))
	}
	return sqldb.QueryAll(ctx, s.db.Reader, t.scanValue, fmt.Sprintf(`SELECT %[1]s, %[6]s, %[2]s FROM %[3]s
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

// reseal replaces values that are still what they were when they were read.
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

// EncryptionKeyUse says what of the store a key has made.
type EncryptionKeyUse struct {
	ID     string
	Values int // sealed by it
	Hashes int // of search terms
}

// Unused reports whether the key can be taken out of the settings: nothing in the store needs it.
func (u EncryptionKeyUse) Unused() bool { return u.Values == 0 && u.Hashes == 0 }

// EncryptionKeyUses counts what each key of the settings has made, the key in front first. The last one, without an id, stands for keys that
// are not there.
func (s *Store) EncryptionKeyUses(ctx context.Context) ([]EncryptionKeyUse, error) {
	keys := s.keys.Keys()
	uses := make([]EncryptionKeyUse, len(keys)+1)
	rest := &uses[len(keys)]
	for i, key := range keys {
		uses[i].ID = key.ID
	}
	err := s.db.InSnapshot(ctx, func(q sqldb.Querier) error {
		for _, t := range sealedTables {
			for _, column := range t.sealedColumns() {
				if err := s.countByEncryptionKey(ctx, q, t.name, column, func(i, n int) { uses[i].Values += n }); err != nil {
					return err
				}
			}
		}
		for _, t := range searchTables {
			if err := s.countByEncryptionKey(ctx, q, t.name, "hash", func(i, n int) { uses[i].Hashes += n }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting what each key has sealed: %w", err)
	}
	// What was counted as all is what is left to other keys.
	for _, u := range uses[:len(keys)] {
		rest.Values -= u.Values
		rest.Hashes -= u.Hashes
	}
	return uses, nil
}

// countByEncryptionKey counts a column's values by the key that made them; under the number of keys, all of them.
func (s *Store) countByEncryptionKey(ctx context.Context, q sqldb.Querier, table, column string,
	add func(key, n int)) error {
	keys := s.keys.Keys()
	for i, key := range keys {
		var begin any = key.SealedPrefix
		length := len(key.SealedPrefix)
		if column == "hash" {
			begin, length = key.HashPrefix, keyring.HashPrefixSize
		}
		n, err := sqldb.QueryOne(ctx, q, sqldb.ScanInt,
			fmt.Sprintf(`SELECT count(*) FROM %s WHERE length(%[2]s) > 0 AND substr(%[2]s, 1, $1) = $2`, table, column), length,
			begin)
		if err != nil {
			return err
		}
		add(i, n)
	}
	n, err := sqldb.QueryOne(ctx, q, sqldb.ScanInt, fmt.Sprintf(`SELECT count(*) FROM %s WHERE length(%s) > 0`, table,
		column))
	if err != nil {
		return err
	}
	add(len(keys), n)
	return nil
}

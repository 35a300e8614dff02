package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// ErrWrongKeys means that the encryption keys of this process do not open what other processes seal. It must not work
// on the database.
var ErrWrongKeys = errors.New("the encryption keys do not open what the database holds")

// encryptionCheckText is the text of every row of encryption_checks.
const encryptionCheckText = "encryption check"

// encryptionCheck is one row of encryption_checks.
type encryptionCheck struct {
	keyID  string
	sealed []byte
}

func scanEncryptionCheck(row sqldb.Scanner) (c encryptionCheck, err error) {
	return c, row.Scan(&c.keyID, &c.sealed)
}

// CheckEncryptionKeys opens one known value of every encryption key that has been in front of the keys of a process.
// The error is ErrWrongKeys when a value does not open: then another process seals with a key that this one does not
// have. Otherwise it records the key in front of this process, so that processes without that key find out.
//
// A process with wrong keys records nothing, so it does not affect the processes with the right ones. A rotation seals
// the values again like all others. So a key that was rotated away is not needed here either.
func (s *Store) CheckEncryptionKeys(ctx context.Context) error {
	checks, err := sqldb.QueryAll(ctx, s.db.Reader, scanEncryptionCheck, `SELECT key_id, sealed FROM encryption_checks`)
	if err != nil {
		return fmt.Errorf("reading the encryption checks: %w", err)
	}
	primary := s.keys.Keys()[0].ID
	isRecorded := false
	for _, c := range checks {
		if _, err := s.keys.Open(sealContext("encryption_checks", c.keyID, "sealed"), c.sealed); err != nil {
			return fmt.Errorf("%w: %w", ErrWrongKeys, err)
		}
		isRecorded = isRecorded || c.keyID == primary
	}
	if isRecorded {
		return nil
	}
	_, err = s.db.Writer.ExecContext(ctx,
		`INSERT INTO encryption_checks (key_id, sealed) VALUES ($1, $2) ON CONFLICT (key_id) DO NOTHING`,
		primary, s.keys.Seal(sealContext("encryption_checks", primary, "sealed"), []byte(encryptionCheckText)))
	if err != nil {
		return fmt.Errorf("recording the encryption key %s: %w", primary, err)
	}
	return nil
}

// CheckWritable reports whether the database answers a reader and takes a writer. The write affects no row, so it costs
// neither a flush to disk nor space. It fails on a database that is read-only, such as a standby, and where the
// writers' lock cannot be had. It does not find a full disk.
func (s *Store) CheckWritable(ctx context.Context) error {
	if _, err := sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanInt, `SELECT count(*) FROM encryption_checks`); err != nil {
		return fmt.Errorf("reading from the database: %w", err)
	}
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE encryption_checks SET sealed = sealed WHERE key_id = ''`)
		return err
	})
	if err != nil {
		return fmt.Errorf("writing to the database: %w", err)
	}
	return nil
}

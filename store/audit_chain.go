package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// ErrAuditChain means that the end of the audit chain is not what was sealed last, so something else has changed it.
var ErrAuditChain = errors.New("the audit's chain has been tampered with")

// auditChainPurpose is the purpose of the chain's signature.
const auditChainPurpose = "audit chain"

// hashedAuditEntry is a row of the audit log with its hash.
type hashedAuditEntry struct {
	AuditEntry
	hash []byte
}

// auditChain is the state of the audit chain. The hash of a row covers the row and the previous hash, so the last hash
// covers all rows. Both ends are signed: somebody who can write to the database and has no encryption key cannot build
// a valid chain. Every sealing signs the chain again with the primary key, so older keys can be removed.
type auditChain struct {
	startSeq, endSeq   int64 // rows after startSeq, up to endSeq, are sealed
	startHash, endHash []byte
	sealedAt           time.Time
	signature          string
}

// SealAudit adds up to limit rows of the audit log, oldest first, to its chain and returns how many it added. The error
// is ErrAuditChain when the chain is not what was sealed last.
func (s *Store) SealAudit(ctx context.Context, limit int) (int, error) {
	n := 0
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		c, err := s.lockAuditChain(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := sqldb.QueryAll(ctx, tx, scanAuditEntry,
			`SELECT `+auditEntryColumns+` FROM audit WHERE seq IS NULL ORDER BY id LIMIT $1`, limit)
		if err != nil {
			return err
		}
		n = len(rows)
		if n == 0 && (c.signature == "" || hmac.Equal([]byte(c.signature), []byte(s.signAuditChain(c)))) {
			return nil
		}
		for _, row := range rows {
			c.endSeq++
			c.endHash = auditHash(c.endHash, c.endSeq, row.AuditEntry)
			_, err := tx.ExecContext(ctx, `UPDATE audit SET seq = $1, hash = $2 WHERE id = $3`, c.endSeq, c.endHash, row.ID)
			if sqldb.IsUniqueViolation(err) { // the chain's row was reset to an earlier state
				return ErrAuditChain
			}
			if err != nil {
				return err
			}
		}
		c.sealedAt = s.now()
		return s.updateAuditChain(ctx, tx, c)
	})
	if err != nil {
		return 0, fmt.Errorf("sealing the audit: %w", err)
	}
	return n, nil
}

// PruneAudit removes up to limit rows of the audit log from before a time, oldest first, and returns how many it
// removed. It removes sealed rows only, from the start of the chain. The chain stores the hash of the last removed row
// as its new start.
func (s *Store) PruneAudit(ctx context.Context, before time.Time, limit int) (int, error) {
	n := 0
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		c, err := s.lockAuditChain(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := sqldb.QueryAll(ctx, tx, scanAuditEntry,
			`SELECT `+auditEntryColumns+` FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2`, c.startSeq, limit)
		if err != nil {
			return err
		}
		n = 0
		for _, row := range rows {
			if !row.At.Before(before) {
				break
			}
			c.startSeq, c.startHash = row.Seq, row.hash
			n++
		}
		if n == 0 {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM audit WHERE seq <= $1`, c.startSeq); err != nil {
			return err
		}
		return s.updateAuditChain(ctx, tx, c)
	})
	if err != nil {
		return 0, fmt.Errorf("pruning the audit: %w", err)
	}
	return n, nil
}

const auditChainColumns = `start_seq, start_hash, end_seq, end_hash, sealed_at, signature`

// lockAuditChain reads the chain, locks it until the transaction ends, and checks its signature.
func (s *Store) lockAuditChain(ctx context.Context, tx *sql.Tx) (auditChain, error) {
	c, err := sqldb.QueryOne(ctx, tx, scanAuditChain,
		`UPDATE audit_chain SET id = id WHERE id = 1 RETURNING `+auditChainColumns)
	if errors.Is(err, ErrNotFound) {
		return c, ErrAuditChain
	}
	if err == nil && !s.hasValidSignature(c) {
		err = ErrAuditChain
	}
	return c, err
}

func (s *Store) updateAuditChain(ctx context.Context, tx *sql.Tx, c auditChain) error {
	_, err := tx.ExecContext(ctx,
		`UPDATE audit_chain SET start_seq = $1, start_hash = $2, end_seq = $3, end_hash = $4, sealed_at = $5,
		signature = $6 WHERE id = 1`,
		c.startSeq, c.startHash, c.endSeq, c.endHash, sqldb.ToMicros(c.sealedAt), s.signAuditChain(c))
	return err
}

// hasValidSignature reports whether the chain's signature is valid, or the chain has no row yet.
func (s *Store) hasValidSignature(c auditChain) bool {
	if c.signature == "" {
		return c.startSeq == 0 && c.endSeq == 0
	}
	signed, err := s.keys.Verify(auditChainPurpose, c.signature)
	return err == nil && string(signed) == c.signedText()
}

func (s *Store) signAuditChain(c auditChain) string {
	return s.keys.Sign(auditChainPurpose, []byte(c.signedText()))
}

func (c auditChain) signedText() string {
	return fmt.Sprintf("%d:%x-%d:%x@%d", c.startSeq, c.startHash, c.endSeq, c.endHash, sqldb.ToMicros(c.sealedAt))
}

func scanAuditChain(row sqldb.Scanner) (auditChain, error) {
	var c auditChain
	var sealed int64
	err := row.Scan(&c.startSeq, &c.startHash, &c.endSeq, &c.endHash, &sealed, &c.signature)
	c.sealedAt = sqldb.FromMicros(sealed)
	return c, err
}

// auditHash returns the hash of a row at its position. The length precedes each part, so that no bytes can be moved
// from one part to another.
func auditHash(previous []byte, seq int64, e AuditEntry) []byte {
	h := sha256.New()
	writeWithLength(h, previous)
	writeWithLength(h, fmt.Appendf(nil, "%d %d", seq, sqldb.ToMicros(e.At)))
	for _, text := range []string{e.ID, e.APIKeyID, e.TeamID, e.OrderID, e.Action, e.RequestID, e.Address, e.Detail} {
		writeWithLength(h, []byte(text))
	}
	return h.Sum(nil)
}

func writeWithLength(h hash.Hash, b []byte) {
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b)))) // writing to a hash never fails
	_, _ = h.Write(b)
}

// AuditChainEnd returns the number of rows that the chain has ever had, and the hash that covers all of them. Somebody
// who stores both outside the database can detect later that the rows since a time were removed.
func (s *Store) AuditChainEnd(ctx context.Context) (seq int64, hash string, err error) {
	c, err := sqldb.QueryOne(ctx, s.db.Reader, scanAuditChain,
		`SELECT `+auditChainColumns+` FROM audit_chain WHERE id = 1`)
	if err != nil {
		return 0, "", fmt.Errorf("reading the end of the audit: %w", err)
	}
	return c.endSeq, hex.EncodeToString(c.endHash), nil
}

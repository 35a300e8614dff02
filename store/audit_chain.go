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
	sealedUntil        time.Time // all rows with ids from before it that could be seen then are sealed
	searchedAt         time.Time // when the whole audit was last searched for rows that are not sealed
	signature          string
}

// A row's id is made before its transaction commits, so a row may appear after younger ones were sealed. Every sealing
// looks lateCommit back. The first one after wholeSearchInterval looks at all rows, so that none is forgotten.
const (
	lateCommit          = 2 * time.Hour
	wholeSearchInterval = 24 * time.Hour
)

// oldestUnsealedID returns the id before which a usual sealing does not look.
func (c *auditChain) oldestUnsealedID() string {
	if c.sealedUntil.IsZero() {
		return sqldb.NilID
	}
	return sqldb.FirstIDAt(c.sealedUntil.Add(-lateCommit))
}

// unsealedCondition is the condition of rows a of the audit without a seal, from the id $1 on. Both tables are read in
// the order of their primary keys.
const unsealedCondition = `a.id >= $1
	AND NOT EXISTS (SELECT 1 FROM audit_seals s WHERE s.audit_id = a.id AND s.audit_id >= $1)`

// SealAudit adds up to limit rows of the audit log, oldest first, to its chain and returns how many it added. The error
// is ErrAuditChain when the chain is not what was sealed last.
func (s *Store) SealAudit(ctx context.Context, limit int) (int, error) {
	n := 0
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		c, err := s.lockAuditChain(ctx, tx)
		if err != nil {
			return err
		}
		now := s.now()
		whole, from := now.Sub(c.searchedAt) >= wholeSearchInterval, c.oldestUnsealedID()
		if whole {
			from = sqldb.NilID
		}
		rows, err := sqldb.QueryAll(ctx, tx, scanAuditEntry, `SELECT a.id, a.at, a.key_id, a.team_id, a.order_id, a.action,
				a.request_id, a.address, a.detail, NULL, NULL
			FROM audit a WHERE `+unsealedCondition+` ORDER BY a.id LIMIT $2`, from, limit)
		if err != nil {
			return err
		}
		n = len(rows)
		resigned := hmac.Equal([]byte(c.signature), []byte(s.signAuditChain(c)))
		if n == 0 && (c.signature == "" || resigned && !whole) {
			return nil
		}
		if err := sealAuditRows(ctx, tx, &c, rows); err != nil {
			return err
		}
		c.noteSearch(rows, now, whole, n < limit)
		return s.updateAuditChain(ctx, tx, c)
	})
	if err != nil {
		return 0, fmt.Errorf("sealing the audit: %w", err)
	}
	return n, nil
}

// sealAuditRows adds rows to the chain. The error is ErrAuditChain when the chain's row was reset to an earlier state.
func sealAuditRows(ctx context.Context, tx *sql.Tx, c *auditChain, rows []hashedAuditEntry) error {
	later, err := hasRow(ctx, tx, `SELECT 1 FROM audit_seals WHERE seq > $1`, c.endSeq)
	if err != nil || later {
		return firstError(err, ErrAuditChain)
	}
	for _, row := range rows {
		c.endSeq++
		c.endHash = auditHash(c.endHash, c.endSeq, row.AuditEntry)
		_, err := tx.ExecContext(ctx, `INSERT INTO audit_seals (audit_id, seq, hash) VALUES ($1, $2, $3)`, row.ID, c.endSeq,
			c.endHash)
		if err != nil {
			return err
		}
	}
	return nil
}

// noteSearch notes that rows were searched for at a time, of the whole audit or not, and that they were sealed. When
// the search stopped at a limit, there may be more, after the last row that was found. The next search begins there,
// also if this one was of the whole audit: otherwise each page would read all of it again.
func (c *auditChain) noteSearch(rows []hashedAuditEntry, at time.Time, whole, foundAll bool) {
	if len(rows) > 0 {
		c.sealedAt = at
	}
	c.sealedUntil = at
	if !foundAll {
		c.sealedUntil, _ = sqldb.TimeOfID(rows[len(rows)-1].ID)
	}
	if whole {
		c.searchedAt = at
	}
}

const auditChainColumns = `start_seq, start_hash, end_seq, end_hash, sealed_at, sealed_until, searched_at, signature`

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
		sealed_until = $6, searched_at = $7, signature = $8 WHERE id = 1`,
		c.startSeq, c.startHash, c.endSeq, c.endHash, sqldb.ToMicros(c.sealedAt), sqldb.ToMicros(c.sealedUntil),
		sqldb.ToMicros(c.searchedAt), s.signAuditChain(c))
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

func (c *auditChain) signedText() string {
	return fmt.Sprintf("%d:%x-%d:%x@%d,%d,%d", c.startSeq, c.startHash, c.endSeq, c.endHash, sqldb.ToMicros(c.sealedAt),
		sqldb.ToMicros(c.sealedUntil), sqldb.ToMicros(c.searchedAt))
}

func scanAuditChain(row sqldb.Scanner) (auditChain, error) {
	var c auditChain
	var sealed, until, searched int64
	err := row.Scan(&c.startSeq, &c.startHash, &c.endSeq, &c.endHash, &sealed, &until, &searched, &c.signature)
	c.sealedAt, c.sealedUntil, c.searchedAt = sqldb.FromMicros(sealed), sqldb.FromMicros(until), sqldb.FromMicros(searched)
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

package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// AuditBreak is the first position at which the audit chain is broken.
type AuditBreak struct {
	Seq    int64  // of the row; 0: the chain as a whole
	ID     string // of the row; empty when it is missing
	Reason string
}

// AuditCheck is the result of checking a part of the audit chain.
type AuditCheck struct {
	Checked         int64 // number of rows
	LastChecked     int64 // sequence of the last checked row
	LastCheckedHash string
	ReachedEnd      bool // whether the end of the chain was reached
	Break           *AuditBreak
	LastSealed      int64 // sequence of the last sealed row
	LastSealedHash  string
	SealedAt        time.Time // zero: never
	UnsealedRows    int       // appended since the last sealing, or shortly before it
}

// VerifyAudit checks up to limit rows of the audit chain, from its start or after a row that was checked before. It
// finds changed, moved, inserted and removed rows, including the last ones. It cannot find changes to rows that are not
// sealed yet, nor the return of the whole log and its chain to an earlier state. AuditChainEnd helps to detect the
// latter.
func (s *Store) VerifyAudit(ctx context.Context, after int64, limit int) (AuditCheck, error) {
	var check AuditCheck
	err := s.db.InSnapshot(ctx, func(q sqldb.Querier) (err error) {
		check, err = s.verifyAudit(ctx, q, after, limit)
		return err
	})
	if err != nil {
		return AuditCheck{}, fmt.Errorf("verifying the audit: %w", err)
	}
	return check, nil
}

func (s *Store) verifyAudit(ctx context.Context, q sqldb.Querier, after int64, limit int) (AuditCheck, error) {
	c, err := sqldb.QueryOne(ctx, q, scanAuditChain, `SELECT `+auditChainColumns+` FROM audit_chain WHERE id = 1`)
	if errors.Is(err, ErrNotFound) {
		return AuditCheck{Break: &AuditBreak{Reason: "the chain is not there"}}, nil
	}
	if err != nil {
		return AuditCheck{}, err
	}
	check := AuditCheck{LastSealed: c.endSeq, LastSealedHash: hex.EncodeToString(c.endHash), SealedAt: c.sealedAt,
		LastChecked: max(after, c.startSeq)}
	if check.UnsealedRows, err = sqldb.QueryOne(ctx, q, sqldb.ScanInt,
		`SELECT COUNT(*) FROM audit a WHERE `+unsealedCondition, c.oldestUnsealedID()); err != nil {
		return AuditCheck{}, err
	}
	if !s.hasValidSignature(c) {
		check.Break = &AuditBreak{Reason: "the ends of the chain are not as they were signed"}
		return check, nil
	}
	previous, broken, err := previousAuditHash(ctx, q, c, after)
	if err != nil || broken != nil {
		check.Break = broken
		return check, err
	}
	rows, err := sqldb.QueryAll(ctx, q, scanAuditEntry,
		selectSealedAudit+` WHERE s.seq > $1 ORDER BY s.seq LIMIT $2`, check.LastChecked, limit)
	if err != nil {
		return AuditCheck{}, err
	}
	check.checkRows(c, previous, rows)
	check.ReachedEnd = check.Break != nil || len(rows) < limit
	if check.Break == nil && check.ReachedEnd && check.LastChecked < c.endSeq {
		check.Break = &AuditBreak{Seq: check.LastChecked + 1, Reason: "the row is missing"}
	}
	return check, nil
}

// previousAuditHash returns the hash that precedes the next row to be checked.
func previousAuditHash(ctx context.Context, q sqldb.Querier, c auditChain, after int64) ([]byte, *AuditBreak, error) {
	back, err := sqldb.QueryOne(ctx, q, scanAuditEntry,
		selectSealedAudit+` WHERE s.seq <= $1 ORDER BY s.seq LIMIT 1`, c.startSeq)
	if err == nil {
		return nil, &AuditBreak{Seq: back.Seq, ID: back.ID, Reason: "the row had been removed"}, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, nil, err
	}
	if after <= c.startSeq {
		return c.startHash, nil, nil
	}
	last, err := sqldb.QueryOne(ctx, q, scanAuditEntry, selectSealedAudit+` WHERE s.seq = $1`, after)
	if errors.Is(err, ErrNotFound) {
		return nil, &AuditBreak{Seq: after, Reason: "the row is missing"}, nil
	}
	return last.hash, nil, err
}

// checkRows checks rows one after another.
func (check *AuditCheck) checkRows(c auditChain, previous []byte, rows []hashedAuditEntry) {
	for _, row := range rows {
		expected := auditHash(previous, row.Seq, row.AuditEntry)
		switch {
		case row.Seq != check.LastChecked+1:
			check.Break = &AuditBreak{Seq: check.LastChecked + 1, Reason: "the row is missing"}
		case row.Seq > c.endSeq:
			check.Break = &AuditBreak{Seq: row.Seq, ID: row.ID, Reason: "the row was put in after the last sealing"}
		case !bytes.Equal(expected, row.hash):
			check.Break = &AuditBreak{Seq: row.Seq, ID: row.ID,
				Reason: "the row does not follow from the one before it: it was changed, or that one"}
		case row.Seq == c.endSeq && !bytes.Equal(row.hash, c.endHash):
			check.Break = &AuditBreak{Seq: row.Seq, ID: row.ID,
				Reason: "the last row is not the one that was sealed: it or one before it was changed"}
		}
		if check.Break != nil {
			return
		}
		previous = row.hash
		check.LastChecked, check.LastCheckedHash = row.Seq, hex.EncodeToString(row.hash)
		check.Checked++
	}
}

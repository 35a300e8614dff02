package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// AuditBreak is the first place at which the audit's chain is broken.
type AuditBreak struct {
	Seq int64  // of the row; 0: the chain as a whole
	ID  string // of the row; empty when it is missing
	Why string
}

// AuditCheck is what became of checking a part of the audit's chain.
type AuditCheck struct {
	Checked  int64 // rows
	To       int64 // the last row that was checked
	ToHash   string
	Done     bool // up to the end
	Broken   *AuditBreak
	End      int64 // the last row that is sealed
	EndHash  string
	SealedAt time.Time // zero: never
	Unsealed int       // rows that have been appended since
}

// VerifyAudit checks up to limit rows of the audit's chain, from its start, or after a row up to which it has been checked. It finds a
// row that was changed, moved, put in or removed, the last ones too. What it cannot find are changes to rows that have not been
// sealed, and that everything was done away with since a time; AuditEnd helps with that.
func (s *Store) VerifyAudit(ctx context.Context, after int64, limit int) (AuditCheck, error) {
	var check AuditCheck
	err := s.inSnapshot(ctx, func(q querier) (err error) {
		check, err = s.verifyAudit(ctx, q, after, limit)
		return err
	})
	if err != nil {
		return AuditCheck{}, fmt.Errorf("verifying the audit: %w", err)
	}
	return check, nil
}

func (s *Store) verifyAudit(ctx context.Context, q querier, after int64, limit int) (AuditCheck, error) {
	c, err := one(ctx, q, scanChain, `SELECT `+chainColumns+` FROM audit_chain WHERE id = 1`)
	if errors.Is(err, ErrNotFound) {
		return AuditCheck{Broken: &AuditBreak{Why: "the chain is not there"}}, nil
	}
	if err != nil {
		return AuditCheck{}, err
	}
	check := AuditCheck{End: c.endSeq, EndHash: hex.EncodeToString(c.endHash), SealedAt: c.sealedAt, To: max(after, c.startSeq)}
	if check.Unsealed, err = one(ctx, q, scanInt, `SELECT COUNT(*) FROM audit WHERE seq IS NULL`); err != nil {
		return AuditCheck{}, err
	}
	if !s.genuine(c) {
		check.Broken = &AuditBreak{Why: "the ends of the chain are not as they were signed"}
		return check, nil
	}
	previous, broken, err := chainBefore(ctx, q, c, after)
	if err != nil || broken != nil {
		check.Broken = broken
		return check, err
	}
	rows, err := collect(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2`, check.To, limit)
	if err != nil {
		return AuditCheck{}, err
	}
	check.follow(c, previous, rows)
	check.Done = check.Broken != nil || len(rows) < limit
	if check.Broken == nil && check.Done && check.To < c.endSeq {
		check.Broken = &AuditBreak{Seq: check.To + 1, Why: "the row is missing"}
	}
	return check, nil
}

// chainBefore is the hash that the next row to be checked has to follow.
func chainBefore(ctx context.Context, q querier, c auditChain, after int64) ([]byte, *AuditBreak, error) {
	back, err := one(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM audit WHERE seq <= $1 ORDER BY seq LIMIT 1`, c.startSeq)
	if err == nil {
		return nil, &AuditBreak{Seq: back.Seq, ID: back.ID, Why: "the row had been removed"}, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return nil, nil, err
	}
	if after <= c.startSeq {
		return c.startHash, nil, nil
	}
	last, err := one(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM audit WHERE seq = $1`, after)
	if errors.Is(err, ErrNotFound) {
		return nil, &AuditBreak{Seq: after, Why: "the row is missing"}, nil
	}
	return last.hash, nil, err
}

// follow checks rows one after another.
func (check *AuditCheck) follow(c auditChain, previous []byte, rows []auditEntry) {
	for _, row := range rows {
		expected := chainHash(previous, row.Seq, row.AuditEntry)
		switch {
		case row.Seq != check.To+1:
			check.Broken = &AuditBreak{Seq: check.To + 1, Why: "the row is missing"}
		case row.Seq > c.endSeq:
			check.Broken = &AuditBreak{Seq: row.Seq, ID: row.ID, Why: "the row was put in after the last sealing"}
		case !bytes.Equal(expected, row.hash):
			check.Broken = &AuditBreak{Seq: row.Seq, ID: row.ID, Why: "the row does not follow from the one before it: it was changed, or that one"}
		case row.Seq == c.endSeq && !bytes.Equal(row.hash, c.endHash):
			check.Broken = &AuditBreak{Seq: row.Seq, ID: row.ID, Why: "the last row is not the one that was sealed: it or one before it was changed"}
		}
		if check.Broken != nil {
			return
		}
		previous = row.hash
		check.To, check.ToHash = row.Seq, hex.EncodeToString(row.hash)
		check.Checked++
	}
}

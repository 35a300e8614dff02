package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

const (
	// maxDeferredAudit is how many audit rows wait for room on the disk at most. Beyond, patient data is not read.
	maxDeferredAudit = 10_000
	// deferredPerRead and deferredPerCheck are how many of them are written at once when there is room again.
	deferredPerRead  = 10
	deferredPerCheck = 500
)

// closingPatience is how long Close tries to write the audit rows that wait.
const closingPatience = 3 * time.Second

// deferredAudit are the audit rows for which the disk had no room, oldest first. The log has had each of them before,
// because a process may end before there is room.
type deferredAudit struct {
	mu   sync.Mutex
	rows []AuditRow
	log  slog.Handler // nil: that of the default logger
}

// AppendReadAudit appends a row about the reading of patient data, which the caller answers with afterwards. While the
// disk of the database is full, the row goes to the log and waits in this process for room, so that reads go on. The
// error is ErrDiskFull when too many wait, and otherwise that of AppendAudit.
func (s *Store) AppendReadAudit(ctx context.Context, row AuditRow) error {
	row = s.withTime(row)
	err := s.AppendAudit(ctx, row)
	if IsDiskFull(err) {
		return s.deferAudit(ctx, row)
	}
	if err != nil {
		return err
	}
	if s.deferred.mu.TryLock() {
		defer s.deferred.mu.Unlock()
		_ = s.writeWaitingRows(ctx, deferredPerRead) // the next read, or CheckRoom, tries again
	}
	return nil
}

// readOrderDeferringAudit is ReadOrderAudited while the disk is full.
func (s *Store) readOrderDeferringAudit(ctx context.Context, teamID, id string, row AuditRow) (*order.Order, error) {
	o, err := s.CurrentOrder(ctx, teamID, id)
	if err != nil {
		return nil, err
	}
	row = s.withTime(row)
	row.TeamID, row.OrderID = o.TeamID, o.ID
	if err := s.deferAudit(ctx, row); err != nil {
		return nil, err
	}
	return o, nil
}

// deferAudit writes a row to the log and keeps it until there is room. The error is ErrDiskFull when the log did not
// take it, or when too many wait.
func (s *Store) deferAudit(ctx context.Context, row AuditRow) error {
	s.deferred.mu.Lock()
	defer s.deferred.mu.Unlock()
	if len(s.deferred.rows) >= maxDeferredAudit {
		return fmt.Errorf("auditing %s: %w", row.Action, ErrDiskFull)
	}
	if err := s.deferred.logRow(ctx, row); err != nil {
		return fmt.Errorf("auditing %s in the log: %w: %w", row.Action, ErrDiskFull, err)
	}
	s.deferred.rows = append(s.deferred.rows, row)
	return nil
}

// logRow writes a complete row to the log, whatever the log's level. Unlike a logger it returns the error of
// writing: the log may be on the disk that is full.
func (d *deferredAudit) logRow(ctx context.Context, row AuditRow) error {
	line := slog.NewRecord(time.Now(), slog.LevelWarn,
		"the disk of the database is full: a read is audited here, and in the database later", 0)
	line.Add("action", row.Action, "at", row.At, "key_id", row.APIKeyID, "team_id", row.TeamID, "order_id", row.OrderID,
		"request_id", row.RequestID, "client_address", row.Address, "detail", row.Detail)
	log := d.log
	if log == nil {
		log = slog.Default().Handler()
	}
	if err := log.Handle(ctx, line); err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	return nil
}

// writeDeferredAudit writes rows that wait, until one fails.
func (s *Store) writeDeferredAudit(ctx context.Context, most int) error {
	s.deferred.mu.Lock()
	defer s.deferred.mu.Unlock()
	return s.writeWaitingRows(ctx, most)
}

// writeWaitingRows is writeDeferredAudit for a caller that holds the lock.
func (s *Store) writeWaitingRows(ctx context.Context, most int) error {
	for range min(most, len(s.deferred.rows)) {
		if err := s.AppendAudit(ctx, s.deferred.rows[0]); err != nil {
			return fmt.Errorf("writing audit rows that had no room: %w", err)
		}
		s.deferred.rows = s.deferred.rows[1:]
	}
	return nil
}

// closeDeferredAudit writes the rows that wait when the store is closed.
func (s *Store) closeDeferredAudit() error {
	s.deferred.mu.Lock()
	waiting := len(s.deferred.rows)
	s.deferred.mu.Unlock()
	if waiting == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closingPatience)
	defer cancel()
	if err := s.writeDeferredAudit(ctx, waiting); err != nil {
		return errors.Join(errors.New("audit rows are in the log only: the disk was full until the process ended"), err)
	}
	return nil
}

package api

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aliquot-labs/aliquot/store"
)

// appendReadAudit notes who reads patient data, before it is given out. What cannot be audited is not shown.
func (s *server) appendReadAudit(ctx context.Context, action, teamID, orderID, detail string) error {
	if err := s.Store.AppendAudit(ctx, auditRow(ctx, action, teamID, orderID, detail)); err != nil {
		return fmt.Errorf("auditing %s: %w", action, err)
	}
	return nil
}

// appendChangeAudit notes who changed something, after it has been changed: the change stands, so a failure is only logged.
func (s *server) appendChangeAudit(ctx context.Context, action, teamID, orderID, detail string) {
	row := auditRow(ctx, action, teamID, orderID, detail)
	if err := s.Store.AppendAudit(context.WithoutCancel(ctx), row); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelError, "a change is not audited", slog.String("action", action),
			slog.String("order_id", orderID), slog.String("key_id", row.APIKeyID), slog.String("request_id", row.RequestID), slog.Any("error", err))
	}
}

func auditRow(ctx context.Context, action, teamID, orderID, detail string) store.AuditRow {
	c := callerOf(ctx)
	return store.AuditRow{
		APIKeyID: c.apiKey.ID, TeamID: teamID, OrderID: orderID, Action: action, RequestID: c.requestID, Address: c.address, Detail: detail,
	}
}

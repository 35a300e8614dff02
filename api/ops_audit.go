package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/store"
)

// OpsAuditRow is one row of the audit: a change or a reading of data.
type OpsAuditRow struct {
	ID        string    `json:"id" format:"uuid"`
	Seq       int64     `json:"seq" doc:"Its number in the chain; 0 until it is sealed, about a minute later."`
	At        time.Time `json:"at"`
	KeyID     string    `json:"key_id" doc:"Empty: Aliquot itself did it, or a caller without a valid key was denied access."`
	TeamID    string    `json:"team_id"`
	OrderID   string    `json:"order_id"`
	Action    string    `json:"action"`
	RequestID string    `json:"request_id"`
	Address   string    `json:"address" doc:"The caller's network address."`
	Detail    string    `json:"detail"`
}

// OpsAuditCheck is the outcome of verifying a part of the audit's chain.
type OpsAuditCheck struct {
	Checked  int64          `json:"checked" doc:"Rows verified by this request."`
	To       int64          `json:"to" doc:"The last verified row. Unless done, continue with it as after."`
	ToHash   string         `json:"to_hash" doc:"Covers all rows up to the last verified one."`
	Done     bool           `json:"done" doc:"Whether the end of the chain, or a break, was reached."`
	Broken   *OpsAuditBreak `json:"broken" doc:"The first break; null: none was found."`
	End      int64          `json:"end" doc:"The last sealed row."`
	EndHash  string         `json:"end_hash" doc:"Covers all sealed rows. Workers log it whenever they seal rows."`
	SealedAt *time.Time     `json:"sealed_at"`
	Unsealed int            `json:"unsealed" doc:"Rows that are not sealed yet."`
}

// OpsAuditBreak is a row at which the audit's chain is broken.
type OpsAuditBreak struct {
	Seq int64  `json:"seq" doc:"Of the row; 0: the whole chain is affected."`
	ID  string `json:"id,omitempty" doc:"Of the row; absent when the row is missing."`
	Why string `json:"why"`
}

type listAuditInput struct {
	OrderID string `query:"order_id" format:"uuid"`
	KeyID   string `query:"key_id" format:"uuid"`
	PageQuery
}

type verifyAuditInput struct {
	After int64 `query:"after" minimum:"0" doc:"Verify rows after this one. Defaults to the start of the chain."`
	Limit int   `query:"limit" minimum:"1" maximum:"20000" default:"20000" doc:"Rows to verify."`
}

func (s *server) opsAuditRoutes() {
	registerOperation(s, scopeAdminister, huma.Operation{
		OperationID: "ops-list-audit", Method: http.MethodGet, Path: "/ops/audit", Tags: []string{tagOperations},
		Summary: "List the audit: who changed or read what, newest first",
	}, s.opsListAudit)
	registerOperation(s, scopeAdminister, huma.Operation{
		OperationID: "ops-verify-audit", Method: http.MethodGet, Path: "/ops/audit/verify", Tags: []string{tagOperations},
		Summary: "Verify a part of the audit's chain",
	}, s.opsVerifyAudit)
}

func (s *server) opsListAudit(ctx context.Context, in *listAuditInput) (*body[[]OpsAuditRow], error) {
	orderID := canonicalUUID(in.OrderID)
	if err := s.appendReadAudit(ctx, "ops.audit.read", "", orderID, ""); err != nil {
		return nil, err
	}
	rows, err := s.Store.AuditLog(ctx, store.AuditQuery{OrderID: orderID, APIKeyID: canonicalUUID(in.KeyID),
		Page: in.Page, Size: in.Size})
	if err != nil {
		return nil, err
	}
	out := make([]OpsAuditRow, len(rows))
	for i, r := range rows {
		out[i] = OpsAuditRow{
			ID: r.ID, Seq: r.Seq, At: r.At, KeyID: r.APIKeyID, TeamID: r.TeamID, OrderID: r.OrderID, Action: r.Action,
			RequestID: r.RequestID, Address: r.Address, Detail: r.Detail,
		}
	}
	return newAnswer(out), nil
}

func (s *server) opsVerifyAudit(ctx context.Context, in *verifyAuditInput) (*body[OpsAuditCheck], error) {
	c, err := s.Store.VerifyAudit(ctx, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out := OpsAuditCheck{
		Checked: c.Checked, To: c.LastChecked, ToHash: c.LastCheckedHash, Done: c.ReachedEnd, End: c.LastSealed,
		EndHash: c.LastSealedHash, SealedAt: nilIfZero(c.SealedAt), Unsealed: c.UnsealedRows,
	}
	if b := c.Break; b != nil {
		out.Broken, out.Done = &OpsAuditBreak{Seq: b.Seq, ID: b.ID, Why: b.Reason}, true
	}
	return newAnswer(out), nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apiclient"
)

func newAudit() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "audit", Short: "Show and verify the audit: who did and read what"}, &r)
	cmd.AddCommand(newAuditList(&r), newAuditVerify(&r))
	return cmd
}

func newAuditList(r *remoteFlags) *cobra.Command {
	var order, of string
	var page, size int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the audit, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := pathWithQuery("/ops/audit", map[string]string{
				"order_id": order, "key_id": of, "page": strconv.Itoa(page), "size": strconv.Itoa(size),
			})
			return callAPI(cmd, r, http.MethodGet, path, nil, func(w io.Writer, rows []api.OpsAuditRow) {
				writeRow(w, "SEQ", "AT", "ACTION", "ORDER", "KEY", "ADDRESS", "REQUEST", "DETAIL")
				for _, a := range rows {
					writeRow(w, a.Seq, formatTime(a.At), a.Action, firstNonEmpty(a.OrderID, "-"), firstNonEmpty(a.KeyID, "aliquot"),
						firstNonEmpty(a.Address, "-"), firstNonEmpty(a.RequestID, "-"), a.Detail)
				}
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&order, "order", "", "only rows about this order")
	f.StringVar(&of, "by", "", "only rows of the API key with this id")
	f.IntVar(&page, "page", 1, "page")
	f.IntVar(&size, "size", 50, "rows per page, 100 at most")
	return cmd
}

func newAuditVerify(r *remoteFlags) *cobra.Command {
	var expect string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that no row of the audit was changed, inserted or removed",
		Long: `Verifies the chain of hashes into which the audit is sealed every minute, and prints the first row that
breaks it. --expect SEQ:HASH takes an earlier end of the chain from a worker's log ("audit sealed") and
checks that the chain still has that row.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return verifyAudit(cmd, r, expect) },
	}
	cmd.Flags().StringVar(&expect, "expect", "", "an earlier end of the chain from a worker's log, SEQ:HASH")
	return cmd
}

func verifyAudit(cmd *cobra.Command, r *remoteFlags, expect string) error {
	c, err := r.openClient()
	if err != nil {
		return err
	}
	defer c.Close()
	if expect != "" {
		if err := verifyExpectedEnd(cmd.Context(), c, expect); err != nil {
			return err
		}
	}
	var checked int64
	for after := int64(0); ; {
		part, err := verifyAuditPart(cmd.Context(), c, after, 0)
		if err != nil {
			return err
		}
		checked, after = checked+part.Checked, part.To
		if !part.Done {
			continue
		}
		part.Checked = checked
		return r.output.printLine(cmd.OutOrStdout(), part,
			"The audit is whole: %d rows, up to row %d, sealed %s; %d rows since. End %d:%s",
			checked, part.End, formatOptionalTime(part.SealedAt), part.Unsealed, part.End, part.EndHash)
	}
}

// verifyAuditPart verifies the rows after a row: at most limit rows, or as many as the API verifies at once if limit is
// 0. A broken row is an error.
func verifyAuditPart(ctx context.Context, c *apiclient.Client, after int64, limit int) (api.OpsAuditCheck, error) {
	var part api.OpsAuditCheck
	path := pathWithQuery("/ops/audit/verify", map[string]string{"after": strconv.FormatInt(after, 10),
		"limit": strconv.Itoa(limit)})
	err := c.Call(ctx, http.MethodGet, path, nil, &part)
	if b := part.Broken; err == nil && b != nil {
		err = fmt.Errorf("the audit is broken at row %d %s: %s", b.Seq, b.ID, b.Why)
	}
	return part, err
}

// verifyExpectedEnd checks that an earlier end of the chain, SEQ:HASH, is still in the chain.
func verifyExpectedEnd(ctx context.Context, c *apiclient.Client, expect string) error {
	number, hash, ok := strings.Cut(expect, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !ok || seq < 1 || hash == "" {
		return fmt.Errorf("--expect is %q, not SEQ:HASH", expect)
	}
	part, err := verifyAuditPart(ctx, c, seq-1, 1)
	if err != nil {
		return err
	}
	if part.To != seq || part.ToHash != hash {
		return fmt.Errorf("row %d of the audit does not have the hash of --expect: "+
			"the chain was written again, or the row was removed after its retention", seq)
	}
	return nil
}

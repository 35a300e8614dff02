package main

import (
	"io"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
)

func newInbox() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "inbox", Short: "Inbox items: what partners sent"}, &r)
	cmd.AddCommand(newInboxList(&r), newInboxRelease(&r))
	return cmd
}

func newInboxList(r *remoteFlags) *cobra.Command {
	var state, order string
	var page, size int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List inbox items, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := pathWithQuery("/ops/inbox", map[string]string{
				"state": state, "order_id": order, "page": strconv.Itoa(page), "size": strconv.Itoa(size),
			})
			return callAPI(cmd, r, http.MethodGet, path, nil, func(w io.Writer, p api.OpsInboxPage) {
				writeRow(w, "ID", "RECEIVED", "PARTNER", "KIND", "STATE", "ORDER")
				for _, i := range p.Items {
					writeRow(w, i.ID, formatTime(i.ReceivedAt), i.Partner, i.Kind, i.State+inParentheses(i.ReasonCode),
						firstNonEmpty(i.OrderID, i.OrderNumber, i.Tracking))
				}
				writeRow(w)
				writeRow(w, strconv.Itoa(len(p.Items))+" of "+strconv.Itoa(p.Total))
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&state, "state", "", "only inbox items in this state, such as unmatched")
	f.StringVar(&order, "order", "", "only inbox items about this order")
	f.IntVar(&page, "page", 1, "page")
	f.IntVar(&size, "size", 20, "inbox items per page, 100 at most")
	return cmd
}

func newInboxRelease(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "release ID",
		Short: "Release a quarantined inbox item, about which nothing has to be done",
		Long: `Takes an inbox item out of the quarantine, so that there is room for others of its sender. The item keeps its
contents until their retention ends, and changes no order.`,
		Args: cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return callAPI(cmd, r, http.MethodPost, "/ops/inbox/"+args[0]+"/release", nil, func(w io.Writer, i api.OpsInboxRow) {
				writeRow(w, i.ID, i.State)
			})
		},
	}
}

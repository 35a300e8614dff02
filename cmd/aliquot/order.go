package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/order"
)

func newOrder() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "order", Short: "Orders: their status, their story, and demands"}, &r)
	cmd.AddCommand(newOrderList(&r), newOrderShow(&r), newOrderStory(&r), newOrderWatch(&r))
	for _, demand := range []struct{ name, short string }{
		{"cancel", "Cancel an order"},
		{"replace", "Order a replacement for a kit that failed"},
	} {
		cmd.AddCommand(newOrderDemand(&r, demand.name, demand.short))
	}
	cmd.AddCommand(newOrderDoNotProcess(&r), newOrderPlace(&r))
	return cmd
}

func newOrderList(r *remoteFlags) *cobra.Command {
	var attention, status string
	var page, size int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List orders, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := pathWithQuery("/ops/orders", map[string]string{
				"attention": attention, "status": status, "page": strconv.Itoa(page), "size": strconv.Itoa(size),
			})
			return callAPI(cmd, r, http.MethodGet, path, nil, func(w io.Writer, p api.OpsOrdersPage) {
				writeRow(w, "ID", "STATUS", "SINCE", "NEXT DEADLINE", "ATTENTION")
				for _, o := range p.Orders {
					writeRow(w, o.ID, o.Status, formatTime(o.UpdatedAt), formatOptionalTime(o.NextDeadline),
						attentionReasons(o.Attention))
				}
				writeRow(w)
				writeRow(w, strconv.Itoa(len(p.Orders))+" of "+strconv.Itoa(p.Total))
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&attention, "attention", "", "only orders that need attention for this reason, or any")
	f.StringVar(&status, "status", "", "only orders in this low-level status, such as delivered_to_lab")
	f.IntVar(&page, "page", 1, "page")
	f.IntVar(&size, "size", 20, "orders per page, 100 at most")
	return cmd
}

func newOrderShow(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show an order's status, attention marks, deadlines and events",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return callAPI(cmd, r, http.MethodGet, "/ops/orders/"+args[0], nil, printOrder)
		},
	}
}

func printOrder(w io.Writer, o api.OpsOrder) {
	writeRow(w, "id", o.Order.ID)
	writeRow(w, "team", o.Order.TeamID)
	writeRow(w, "test", o.Order.LabTest.Name)
	writeRow(w, "number at the lab", o.Number)
	writeRow(w, "the lab's number", firstNonEmpty(o.Accession, "unknown"))
	writeRow(w, "status", o.FullStatus)
	writeRow(w, "since", formatTime(o.Order.LastEvent.CreatedAt))
	writeRow(w, "attention", firstNonEmpty(attentionReasons(o.Attention), "none"))
	for _, d := range o.Deadlines {
		writeRow(w, "deadline", string(d.Name)+" at "+formatTime(d.Due))
	}
	writeRow(w)
	for _, e := range o.Order.Events {
		writeRow(w, formatTime(e.CreatedAt), e.Status)
	}
}

func newOrderDemand(r *remoteFlags, name, short string) *cobra.Command {
	return &cobra.Command{
		Use:   name + " ID",
		Short: short,
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return callAPI(cmd, r, http.MethodPost, "/ops/orders/"+args[0]+"/"+name, nil, printDemandAnswer)
		},
	}
}

func newOrderDoNotProcess(r *remoteFlags) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "do-not-process ID --reason CODE",
		Short: "Stop an order permanently, for a reason such as patient_withdrew",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]string{"reason": reason}
			return callAPI(cmd, r, http.MethodPost, "/ops/orders/"+args[0]+"/do-not-process", in, printDemandAnswer)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "a code, such as patient_withdrew")
	requireFlag(cmd, "reason")
	return cmd
}

func printDemandAnswer(w io.Writer, a api.OpsAnswer) {
	writeRow(w, "status", a.Order.FullStatus)
	if a.ReplacementID != "" {
		writeRow(w, "replacement", a.ReplacementID)
	}
}

func attentionReasons(attention []order.Attention) string {
	names := make([]string, len(attention))
	for i, a := range attention {
		names[i] = string(a.Reason)
		if a.HTTPStatus != 0 {
			names[i] += fmt.Sprintf(" (HTTP %d)", a.HTTPStatus)
		}
	}
	return strings.Join(names, ",")
}

func formatTime(t time.Time) string { return t.Local().Format(time.DateTime) }

func formatOptionalTime(t *time.Time) string {
	if t == nil {
		return "none"
	}
	return formatTime(*t)
}

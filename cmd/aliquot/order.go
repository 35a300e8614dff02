package main

import (
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
	var r remote
	cmd := administers(&cobra.Command{Use: "order", Short: "Orders: what happens to them, and what operations can do"}, &r)
	cmd.AddCommand(newOrderList(&r), newOrderShow(&r), newOrderStory(&r), newOrderWatch(&r))
	for _, demand := range []struct{ name, short string }{
		{"cancel", "Cancel an order"},
		{"place", "Try a refused requisition again"},
		{"replace", "Order a replacement for a kit that failed"},
	} {
		cmd.AddCommand(newOrderDemand(&r, demand.name, demand.short))
	}
	cmd.AddCommand(newOrderStop(&r))
	return cmd
}

func newOrderList(r *remote) *cobra.Command {
	var attention, status string
	var page, size int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List orders, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := query("/ops/orders", map[string]string{
				"attention": attention, "status": status, "page": strconv.Itoa(page), "size": strconv.Itoa(size),
			})
			return call(cmd, r, http.MethodGet, path, nil, func(w io.Writer, p api.OpsOrdersPage) {
				row(w, "ID", "STATUS", "SINCE", "NEXT DEADLINE", "ATTENTION")
				for _, o := range p.Orders {
					row(w, o.ID, o.Status, clock(o.UpdatedAt), clockOf(o.NextDeadline), reasons(o.Attention))
				}
				row(w)
				row(w, strconv.Itoa(len(p.Orders))+" of "+strconv.Itoa(p.Total))
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

func newOrderShow(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show where an order stands",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return call(cmd, r, http.MethodGet, "/ops/orders/"+args[0], nil, showOrder)
		},
	}
}

func showOrder(w io.Writer, o api.OpsOrder) {
	row(w, "id", o.Order.ID)
	row(w, "team", o.Order.TeamID)
	row(w, "test", o.Order.LabTest.Name)
	row(w, "number at the lab", o.Number)
	row(w, "the lab's number", first(o.Accession, "not told yet"))
	row(w, "status", o.FullStatus)
	row(w, "since", clock(o.Order.LastEvent.CreatedAt))
	row(w, "attention", first(reasons(o.Attention), "none"))
	for _, d := range o.Deadlines {
		row(w, "deadline", string(d.Name)+" at "+clock(d.Due))
	}
	row(w)
	for _, e := range o.Order.Events {
		row(w, clock(e.CreatedAt), e.Status)
	}
}

func newOrderDemand(r *remote, name, short string) *cobra.Command {
	return &cobra.Command{
		Use:   name + " ID",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return call(cmd, r, http.MethodPost, "/ops/orders/"+args[0]+"/"+name, nil, showAnswer)
		},
	}
}

func newOrderStop(r *remote) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "do-not-process ID --reason CODE",
		Short: "Stop an order for good",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]string{"reason": reason}
			return call(cmd, r, http.MethodPost, "/ops/orders/"+args[0]+"/do-not-process", in, showAnswer)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "a code, such as patient_withdrew")
	required(cmd, "reason")
	return cmd
}

func showAnswer(w io.Writer, a api.OpsAnswer) {
	row(w, "status", a.Order.FullStatus)
	if a.ChildID != "" {
		row(w, "replacement", a.ChildID)
	}
}

func reasons(attention []order.Attention) string {
	names := make([]string, len(attention))
	for i, a := range attention {
		names[i] = string(a.Reason)
	}
	return strings.Join(names, ",")
}

func clock(t time.Time) string { return t.Local().Format(time.DateTime) }

func clockOf(t *time.Time) string {
	if t == nil {
		return "none"
	}
	return clock(*t)
}

package main

import (
	"errors"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apiclient"
)

func newOrderPlace(r *remoteFlags) *cobra.Command {
	var refused bool
	var account string
	cmd := &cobra.Command{
		Use:   "place [ID]",
		Short: "Place an order again after a refused requisition, or all such orders",
		Long: `Sends the requisition of an order to its lab again, with the same order number. With --refused it does so for
every order with the mark placement_refused, the oldest first, after the cause has been removed.`,
		Example: "  aliquot order place " + exampleID + "\n  aliquot order place --refused --lab-account " + exampleID,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case refused && len(args) > 0:
				return errors.New("give the id of an order or --refused, not both")
			case refused:
				return nil
			case account != "":
				return errors.New("--lab-account is for --refused")
			}
			return cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !refused {
				return callAPI(cmd, r, http.MethodPost, "/ops/orders/"+args[0]+"/place", nil, printDemandAnswer)
			}
			c, err := r.openClient()
			if err != nil {
				return err
			}
			defer c.Close()
			return placeRefused(cmd, r, c, account)
		},
	}
	cmd.Flags().BoolVar(&refused, "refused", false, "all orders with the mark placement_refused")
	cmd.Flags().StringVar(&account, "lab-account", "", "with --refused: only the orders of this lab account")
	return cmd
}

// placeRefused makes requests until no refused order is left, and prints what became of each order.
func placeRefused(cmd *cobra.Command, r *remoteFlags, c *apiclient.Client, account string) error {
	in := map[string]any{"limit": 100}
	if account != "" {
		in["lab_account_id"] = account
	}
	for {
		var done api.OpsPlaced
		if err := c.Call(cmd.Context(), http.MethodPost, "/ops/orders/place", in, &done); err != nil {
			return err
		}
		if err := printAnswer(cmd, r, done, printPlaced); err != nil {
			return err
		}
		if done.Next == "" {
			return nil
		}
		in["after"] = done.Next
	}
}

func printPlaced(w io.Writer, done api.OpsPlaced) {
	for _, id := range done.Placed {
		writeRow(w, id, "placed again")
	}
	for _, f := range done.Failed {
		writeRow(w, f.OrderID, "not placed: "+f.Detail)
	}
}

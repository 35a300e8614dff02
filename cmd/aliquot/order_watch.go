package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apiclient"
	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

func newOrderWatch(r *remoteFlags) *cobra.Command {
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "watch ID",
		Short: "Follow an order until it ends",
		Long: `Prints each status of an order as it is recorded, and ends when the order has ended. With --output json each
status is a line of JSON. After its first answer, an API that does not answer is called again.`,
		Args: cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			if every <= 0 {
				return fmt.Errorf("--every is %s: give a time above 0s, such as 2s", every)
			}
			c, err := r.openClient()
			if err != nil {
				return err
			}
			defer c.Close()
			return watchOrder(cmd, r, c, args[0], every)
		},
	}
	cmd.Flags().DurationVar(&every, "every", time.Second, "time between two calls of the API")
	return cmd
}

// watchOrder prints the events of an order until its status is terminal.
func watchOrder(cmd *cobra.Command, r *remoteFlags, c *apiclient.Client, id string, every time.Duration) error {
	shown := 0
	for {
		var o api.OpsOrder
		err := c.Call(cmd.Context(), http.MethodGet, "/ops/orders/"+id, nil, &o)
		var away *apiclient.UnreachableError
		switch {
		case err == nil:
		case errors.As(err, &away) && shown > 0 && cmd.Context().Err() == nil:
			// An API that has answered before is called again.
			_, _ = fmt.Fprintln(cmd.ErrOrStderr(), err)
		default:
			return err
		}
		for ; err == nil && shown < len(o.Order.Events); shown++ {
			if err := printEvent(cmd, r, o.Order.Events[shown]); err != nil {
				return err
			}
		}
		if err == nil && lifecycle.Terminal(o.FullStatus.Low()) {
			return nil
		}
		if err := sleep(cmd.Context(), every); err != nil {
			return err
		}
	}
}

func printEvent(cmd *cobra.Command, r *remoteFlags, e junction.ClientFacingOrderEvent) error {
	if r.output == outputJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(e)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", formatTime(e.CreatedAt), e.Status)
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

package main

import (
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
)

func newCourierAccount() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "courier-account", Short: "Our account at the tracking service"}, &r)
	cmd.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "List the accounts that a tracking service refuses",
		Long: `Lists the accounts that a tracking service refuses, since when, and what it answered last. No parcel gets a
tracker meanwhile. Correct ALIQUOT_COURIER_KEY of the workers, or the payment: the orders that wait get their
trackers then.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return callAPI(cmd, &r, http.MethodGet, "/ops/courier-accounts", nil,
				func(w io.Writer, all []api.OpsCourierRefusal) {
					writeRow(w, "SERVICE", "REFUSED SINCE", "LAST", "STATUS", "CODE")
					for _, a := range all {
						writeRow(w, a.Service, formatTime(a.Since), formatTime(a.RefusedAt), a.Status, a.Code)
					}
				})
		},
	})
	return cmd
}

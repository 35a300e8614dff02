package main

import (
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
)

func newEndpoint() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "endpoint", Short: "Webhook endpoints"}, &r)
	cmd.AddCommand(newEndpointAdd(&r), newEndpointList(&r), newEndpointSet(&r), newEndpointHeaders(&r),
		newEndpointSecret(&r), newEndpointRotate(&r), newEndpointReplay(&r))
	cmd.AddCommand(newEndpointAction(&r, "enable", "Enable an endpoint again and reset its failures",
		http.MethodPatch, map[string]any{"disabled": false}))
	cmd.AddCommand(newEndpointAction(&r, "disable", "Disable an endpoint and cancel its pending deliveries",
		http.MethodPatch, map[string]any{"disabled": true}))
	cmd.AddCommand(newEndpointAction(&r, "remove", "Remove an endpoint; the log of its deliveries stays",
		http.MethodDelete, nil))
	return cmd
}

func newEndpointAdd(r *remoteFlags) *cobra.Command {
	var team, url, description string
	var types []string
	var headers headerFlags
	var rate int
	cmd := &cobra.Command{
		Use:   "add --url URL",
		Short: "Register an endpoint and print its secret (printed only once)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := map[string]any{"url": url, "description": description, "rate_limit": rate}
			if len(types) > 0 {
				in["filter_types"] = types
			}
			given, _, err := headers.read(cmd)
			if err != nil {
				return err
			}
			if len(given) > 0 {
				in["headers"] = given
			}
			return createForTeam(cmd, r, team, "endpoints", in, func(w io.Writer, e api.OpsEndpoint) {
				writeRow(w, "id", e.ID)
				writeRow(w, "url", e.URL)
				writeRow(w, "secret", e.Secret)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&url, "url", "", "URL to which webhooks are posted")
	f.StringVar(&team, "team", "", "id of the team (default the only team, or that of the demonstration)")
	f.StringVar(&description, "description", "", "what it is for")
	f.StringSliceVar(&types, "types", nil, "event types to send (default all but the operational ones)")
	headers.addTo(f, "header", "name=value of a header of every message; may be repeated")
	f.IntVar(&rate, "rate", 0, "most messages per second; 0: no limit")
	requireFlag(cmd, "url")
	return cmd
}

func newEndpointList(r *remoteFlags) *cobra.Command {
	var team string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List endpoints",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := pathWithQuery("/ops/endpoints", map[string]string{"team_id": team})
			return callAPI(cmd, r, http.MethodGet, path, nil, func(w io.Writer, all []api.OpsEndpoint) {
				writeRow(w, "ID", "TEAM", "URL", "TYPES", "STATE")
				for _, e := range all {
					writeRow(w, e.ID, e.TeamID, e.URL, firstNonEmpty(strings.Join(e.FilterTypes, ","), "all"), endpointState(e))
				}
			})
		},
	}
	cmd.Flags().StringVar(&team, "team", "", "id of the team (default all)")
	return cmd
}

func endpointState(e api.OpsEndpoint) string {
	switch {
	case e.Disabled:
		return strings.TrimSpace("disabled " + e.DisabledReason)
	case e.FailingSince != nil:
		return "failing since " + formatTime(*e.FailingSince)
	}
	return "ok"
}

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apiclient"
)

// callManagementAPI makes one request about an endpoint to the management API. If show is nil, it prints "done" instead
// of the answer.
func callManagementAPI[T any](cmd *cobra.Command, r *remoteFlags, id, method, suffix string, in any,
	show func(io.Writer, T)) error {
	c, err := r.openClient()
	if err != nil {
		return err
	}
	defer c.Close()
	path, err := managementPath(cmd, c, id)
	if err != nil {
		return err
	}
	if show != nil {
		return callAPIWith(cmd, r, c, method, path+suffix, in, show)
	}
	if err := c.Call(cmd.Context(), method, path+suffix, in, nil); err != nil {
		return err
	}
	return r.output.printLine(cmd.OutOrStdout(), map[string]bool{"done": true}, "done")
}

// managementPath returns an endpoint's path in the management API. The path contains the endpoint's team and
// environment.
func managementPath(cmd *cobra.Command, c *apiclient.Client, id string) (string, error) {
	var endpoints []api.OpsEndpoint
	if err := c.Call(cmd.Context(), http.MethodGet, "/ops/endpoints", nil, &endpoints); err != nil {
		return "", err
	}
	var teams []api.OpsTeam
	if err := c.Call(cmd.Context(), http.MethodGet, "/ops/teams", nil, &teams); err != nil {
		return "", err
	}
	for _, e := range endpoints {
		for _, t := range teams {
			if e.ID == id && t.ID == e.TeamID {
				return fmt.Sprintf("/v1/org/%s/team/%s/%s/webhook/%s", uuid.Nil, t.ID, t.Environment, id), nil
			}
		}
	}
	return "", fmt.Errorf("there is no endpoint %q (aliquot endpoint list shows them)", id)
}

func printWebhook(w io.Writer, e api.Webhook) {
	writeRow(w, "id", e.ID)
	writeRow(w, "url", e.URL)
	writeRow(w, "disabled", e.Disabled)
}

func newEndpointSet(r *remoteFlags) *cobra.Command {
	var url, description string
	var types []string
	var rate int
	cmd := &cobra.Command{
		Use:   "set ID",
		Short: "Change an endpoint; settings without a flag stay as they are",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			given := map[string]any{"url": url, "description": description, "rate": rate, "types": append([]string{}, types...)}
			fields := map[string]string{"url": "url", "description": "description", "rate": "rate_limit",
				"types": "filter_types"}
			in := map[string]any{}
			for flag, field := range fields {
				if cmd.Flags().Changed(flag) {
					in[field] = given[flag]
				}
			}
			return callManagementAPI(cmd, r, args[0], http.MethodPatch, "", in, printWebhook)
		},
	}
	f := cmd.Flags()
	f.StringVar(&url, "url", "", "URL to which webhooks are posted")
	f.StringVar(&description, "description", "", "what it is for")
	f.StringSliceVar(&types, "types", nil, "event types to send; empty: all but the operational ones")
	f.IntVar(&rate, "rate", 0, "most messages per second; 0: no limit")
	return cmd
}

// newEndpointAction returns a command whose only argument is an endpoint's id.
func newEndpointAction(r *remoteFlags, name, short, method string, in any) *cobra.Command {
	return &cobra.Command{
		Use:   name + " ID",
		Short: short,
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			if method == http.MethodDelete {
				return callManagementAPI[any](cmd, r, args[0], method, "", in, nil)
			}
			return callManagementAPI(cmd, r, args[0], method, "", in, printWebhook)
		},
	}
}

func newEndpointHeaders(r *remoteFlags) *cobra.Command {
	var set headerFlags
	cmd := &cobra.Command{
		Use:   "headers ID",
		Short: "Show the headers of an endpoint's messages, or replace all of them",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			headers, given, err := set.read(cmd)
			if err != nil {
				return err
			}
			if given {
				return callManagementAPI[any](cmd, r, args[0], http.MethodPut, "/headers", map[string]any{"headers": headers}, nil)
			}
			return callManagementAPI(cmd, r, args[0], http.MethodGet, "/headers", nil, func(w io.Writer, h api.WebhookHeaders) {
				for name, value := range h.Headers {
					writeRow(w, name, value)
				}
				for _, name := range h.Sensitive {
					writeRow(w, name, "(not shown)")
				}
			})
		},
	}
	set.addTo(cmd.Flags(), "set", "name=value of a header; may be repeated")
	return cmd
}

func newEndpointSecret(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "secret ID",
		Short: "Show the secret that signs an endpoint's messages (recorded in the audit)",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return callManagementAPI(cmd, r, args[0], http.MethodGet, "/secret", nil,
				func(w io.Writer, s api.WebhookSecret) { writeRow(w, s.Key) })
		},
	}
}

func newEndpointRotate(r *remoteFlags) *cobra.Command {
	var secret secretFlag
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Create a new secret for an endpoint; messages are signed with both secrets for a day",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]any{}
			key, err := secret.read(cmd)
			if err != nil {
				return err
			}
			if key != "" {
				in["key"] = key
			}
			return callManagementAPI[any](cmd, r, args[0], http.MethodPost, "/secret/rotate", in, nil)
		},
	}
	secret.addTo(cmd.Flags(), "secret", "the new secret, whsec_… (default a random one)")
	return cmd
}

func newEndpointReplay(r *remoteFlags) *cobra.Command {
	var since string
	var missed bool
	cmd := &cobra.Command{
		Use:   "replay ID --since TIME",
		Short: "Send failed messages to an endpoint again",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := pastTime(since)
			if err != nil {
				return err
			}
			in := map[string]any{"since": at, "missed": missed}
			path := "/ops/endpoints/" + url.PathEscape(args[0]) + "/replay"
			return callAPI(cmd, r, http.MethodPost, path, in,
				func(w io.Writer, out api.OpsReplayed) { writeRow(w, "messages", out.Messages) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&since, "since", "",
		"messages created since a time, such as 2026-03-04T15:00:00Z, or since a duration ago, such as 24h")
	f.BoolVar(&missed, "missed", false,
		"also messages that were not sent to the endpoint because it was disabled or did not exist")
	requireFlag(cmd, "since")
	return cmd
}

// pastTime parses a time, or a duration before now.
func pastTime(text string) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return time.Now().Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("%q is neither a time such as 2026-03-04T15:00:00Z nor a duration such as 24h", text)
	}
	return at, nil
}

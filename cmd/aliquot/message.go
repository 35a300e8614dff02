package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
)

func newMessage() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "message", Short: "Webhook messages and their deliveries"}, &r)
	cmd.AddCommand(newMessageList(&r), newMessageShow(&r), newMessageResend(&r))
	return cmd
}

func newMessageList(r *remoteFlags) *cobra.Command {
	var team, order, endpoint, eventType, state, since, cursor string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List messages, newest first, one line for each endpoint",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			parameters := map[string]string{
				"team_id": team, "order_id": order, "endpoint_id": endpoint, "event_type": eventType, "state": state,
				"limit": strconv.Itoa(limit), "next_cursor": cursor,
			}
			if since != "" {
				at, err := pastTime(since)
				if err != nil {
					return err
				}
				parameters["since"] = at.UTC().Format(time.RFC3339Nano)
			}
			return callAPI(cmd, r, http.MethodGet, pathWithQuery("/ops/messages", parameters), nil, printMessages)
		},
	}
	f := cmd.Flags()
	f.StringVar(&team, "team", "", "only messages of this team")
	f.StringVar(&order, "order", "", "only messages of this order")
	f.StringVar(&endpoint, "endpoint", "", "only messages to this endpoint")
	f.StringVar(&eventType, "type", "", "only this event type")
	f.StringVar(&state, "state", "", "only with a delivery that is pending, delivered, exhausted or cancelled")
	f.StringVar(&since, "since", "", "only messages created since a time, or since a duration ago, such as 24h")
	f.IntVar(&limit, "limit", 20, "messages per page, 100 at most")
	f.StringVar(&cursor, "cursor", "", "cursor of the page, printed by the previous page")
	return cmd
}

func printMessages(w io.Writer, page api.OpsMessagesPage) {
	writeRow(w, "ID", "TYPE", "MADE", "ENDPOINT", "STATE", "ATTEMPTS", "LAST", "NEXT ATTEMPT")
	for _, m := range page.Messages {
		if len(m.Deliveries) == 0 {
			writeRow(w, m.ID, m.EventType, formatTime(m.CreatedAt), "none", "", "", "", "")
		}
		for _, d := range m.Deliveries {
			writeRow(w, m.ID, m.EventType, formatTime(m.CreatedAt), d.EndpointID, d.State, len(d.Attempts), lastAttempt(d),
				formatOptionalTime(d.NextAt))
		}
	}
	if page.NextCursor != nil {
		writeRow(w)
		writeRow(w, "more: --cursor "+*page.NextCursor)
	}
}

func lastAttempt(d api.OpsDelivery) string {
	if len(d.Attempts) == 0 {
		return ""
	}
	return attemptResult(d.Attempts[len(d.Attempts)-1])
}

func attemptResult(a api.OpsAttempt) string {
	if a.StatusCode == 0 {
		return a.Failure
	}
	return firstNonEmpty(textIf(a.Failure != "" && a.Failure != "status", a.Failure+", "), "") + "answered " +
		strconv.Itoa(a.StatusCode)
}

func newMessageShow(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a message with every attempt and its body, which has patient data (recorded in the audit)",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return callAPI(cmd, r, http.MethodGet, "/ops/messages/"+url.PathEscape(args[0]), nil, printMessage)
		},
	}
}

func printMessage(w io.Writer, m api.OpsMessageItem) {
	writeRow(w, "id", m.ID)
	writeRow(w, "type", m.EventType)
	writeRow(w, "order", firstNonEmpty(m.OrderID, "none"))
	writeRow(w, "made", formatTime(m.CreatedAt))
	for _, d := range m.Deliveries {
		writeRow(w)
		writeRow(w, "endpoint", d.EndpointID)
		writeRow(w, "state", d.State)
		writeRow(w, "next attempt", formatOptionalTime(d.NextAt))
		for _, a := range d.Attempts {
			writeRow(w, fmt.Sprintf("attempt %d.%d", a.Round, a.Number),
				fmt.Sprintf("%s: %s after %d ms%s", formatTime(a.At), attemptResult(a), a.DurationMS,
					textIf(a.Response != "", ": "+strconv.Quote(a.Response))))
		}
	}
	writeRow(w)
	writeRow(w, m.Body)
}

func newMessageResend(r *remoteFlags) *cobra.Command {
	var endpoint string
	cmd := &cobra.Command{
		Use:   "resend ID",
		Short: "Send a message again, with a new schedule of attempts",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]any{}
			if endpoint != "" {
				in["endpoint_id"] = endpoint
			}
			path := "/ops/messages/" + url.PathEscape(args[0]) + "/resend"
			return callAPI(cmd, r, http.MethodPost, path, in, func(w io.Writer, out api.OpsResent) {
				for _, id := range out.EndpointIDs {
					writeRow(w, "endpoint", id)
				}
				writeRow(w, "endpoints", len(out.EndpointIDs))
			})
		},
	}
	cmd.Flags().StringVar(&endpoint, "endpoint", "",
		"only to this endpoint (default all enabled endpoints that take its event type)")
	return cmd
}

package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/store"
)

func newAPIKeyList(r *remoteFlags) *cobra.Command {
	var team string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List API keys, without their secrets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := pathWithQuery("/ops/keys", map[string]string{"team_id": team})
			return callAPI(cmd, r, http.MethodGet, path, nil, func(w io.Writer, keys []api.OpsKey) {
				writeRow(w, "ID", "NAME", "ROLE", "TEAM", "STATE", "LAST USED")
				for _, k := range keys {
					writeRow(w, k.ID, k.Name, k.Role, k.TeamID, apiKeyState(k, time.Now()), formatOptionalTime(k.LastUsedAt))
				}
			})
		},
	}
	cmd.Flags().StringVar(&team, "team", "", "only API keys of the team with this id")
	return cmd
}

// apiKeyState describes the state of an API key.
func apiKeyState(k api.OpsKey, now time.Time) string {
	switch {
	case k.RevokedAt != nil:
		return "revoked " + formatTime(*k.RevokedAt)
	case k.ExpiresAt != nil && !k.ExpiresAt.After(now):
		return "expired " + formatTime(*k.ExpiresAt)
	case k.PreviousUntil != nil && k.PreviousUntil.After(now):
		return "good, old secret until " + formatTime(*k.PreviousUntil)
	case k.ExpiresAt != nil:
		return "good until " + formatTime(*k.ExpiresAt)
	}
	return "good"
}

func newAPIKeyCreate(r *remoteFlags) *cobra.Command {
	var team, name, role string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "create --name NAME",
		Short: "Create an API key and print its secret (printed only once)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := map[string]string{"name": name, "role": role}
			if lifetime < 0 {
				return fmt.Errorf("--expires-in is %s, which is in the past", lifetime)
			}
			if lifetime > 0 {
				in["expires_at"] = time.Now().Add(lifetime).UTC().Format(time.RFC3339)
			}
			return createForTeam(cmd, r, team, "keys", in, printAPIKey)
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "what it is for")
	f.StringVar(&role, "role", store.RoleClient, strings.Join(store.Roles(),
		", ")+"; docs/security.md says what each may do")
	f.DurationVar(&lifetime, "expires-in", 0, "how long it is valid, such as 2160h (default without end)")
	f.StringVar(&team, "team", "", "id of the team (default the only team, or that of the demonstration)")
	requireFlag(cmd, "name")
	return cmd
}

func newAPIKeyRotate(r *remoteFlags) *cobra.Command {
	var overlap time.Duration
	cmd := &cobra.Command{
		Use:   "renew ID",
		Short: "Create a new secret for an API key and print it; the old secret stays valid for a while",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]int{"overlap_seconds": int(overlap.Seconds())}
			return callAPI(cmd, r, http.MethodPost, "/ops/keys/"+args[0]+"/rotate", in, printAPIKey)
		},
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the old secret stays valid, up to 720h")
	return cmd
}

func newAPIKeyRevoke(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke an API key immediately and permanently",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return callAPI(cmd, r, http.MethodPost, "/ops/keys/"+args[0]+"/revoke", nil, printAPIKey)
		},
	}
}

func newBearerTokenCreate(r *remoteFlags) *cobra.Command {
	var team string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Create a bearer token of a team and print it (printed only once)",
		Long: `Creates a token for the client API of a team. It is sent in the header Authorization: Bearer instead of an
API key, has the rights of the role client, and is valid for a few minutes. Revoking the API key that
created it ends it immediately.`,
		Example: `  TOKEN=$(aliquot key token --lifetime 5m --output json | jq -r .token)
  curl -H "Authorization: Bearer $TOKEN" $ALIQUOT_URL/v3/orders`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in := map[string]int{"lifetime_seconds": int(lifetime.Seconds())}
			return createForTeam(cmd, r, team, "tokens", in, func(w io.Writer, t api.OpsToken) {
				writeRow(w, "id", t.ID)
				writeRow(w, "team", t.TeamID)
				writeRow(w, "good until", formatTime(t.ExpiresAt))
				writeRow(w, "token", t.Token)
			})
		},
	}
	cmd.Flags().DurationVar(&lifetime, "lifetime", 10*time.Minute, "how long it is valid, from 1m to 1h")
	cmd.Flags().StringVar(&team, "team", "", "id of the team (default the only team, or that of the demonstration)")
	return cmd
}

func printAPIKey(w io.Writer, k api.OpsKey) {
	writeRow(w, "id", k.ID)
	writeRow(w, "role", k.Role)
	writeRow(w, "state", apiKeyState(k, time.Now()))
	if k.Secret != "" {
		writeRow(w, "secret", k.Secret)
	}
}

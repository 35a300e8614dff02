package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apiclient"
)

func newLabAccount() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(
		&cobra.Command{Use: "lab-account", Short: "Accounts at labs and providers of appointments"}, &r)
	cmd.AddCommand(newLabAccountList(&r), newLabAccountPut(&r))
	return cmd
}

func newLabAccountList(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List accounts, without their credentials",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return callAPI(cmd, r, http.MethodGet, "/ops/lab-accounts", nil, func(w io.Writer, all []api.OpsLabAccount) {
				writeRow(w, "ID", "TEAM", "LAB", "PARTNER", "ENVIRONMENT", "STATUS", "BASE URL")
				for _, a := range all {
					writeRow(w, a.ID, firstNonEmpty(a.TeamID, "all"), a.LabSlug, a.Partner, a.Environment, a.Status, a.BaseURL)
				}
			})
		},
	}
}

// accountFlags are the flags of lab-account put that set one text field of the account.
var accountFlags = []struct{ flag, field, usage string }{
	{"team", "team_id", "id of the team (default all)"},
	{"lab", "lab_slug", "slug of the lab, as lab tests name it"},
	{"partner", "partner", "the partner's protocol: molecular, neutral"},
	{"environment", "environment", "production, or sandbox for the simulated lab"},
	{"base-url", "base_url", "base URL of the partner's API"},
	{"user", "user", "our user name at the partner"},
	{"status", "status", "active, pending, suspended, ready_to_launch"},
}

func newLabAccountPut(r *remoteFlags) *cobra.Command {
	values := map[string]*string{}
	var tokenFile, settings, policy, profile string
	var spacing int64
	var endRotation bool
	cmd := &cobra.Command{
		Use:   "put [ID]",
		Short: "Create an account, or change the one with ID",
		Long: `Creates an account, or changes the one with ID; settings without a flag stay as they are. A new token begins
a rotation: webhooks with the previous token are accepted until --end-rotation.`,
		Example: `  aliquot lab-account put --lab draws --partner neutral --environment production \
    --base-url https://partner.example/v1 --user our-clinic --token-file secret.txt \
    --settings '{"collection_methods":[],"schedule":true,"provider":"getlabs"}'`,
		Args: cobra.MatchAll(cobra.MaximumNArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := r.openClient()
			if err != nil {
				return err
			}
			defer c.Close()
			in, err := accountAsRequest(cmd.Context(), c, args)
			if err != nil {
				return err
			}
			changed := cmd.Flags().Changed
			for _, f := range accountFlags {
				if changed(f.flag) {
					in[f.field] = *values[f.flag]
				}
			}
			if changed("spacing-ms") {
				in["spacing_ms"] = spacing
			}
			if endRotation {
				in["end_rotation"] = true
			}
			if err := addJSONDocuments(in, map[string]string{"settings": settings, "policy": policy,
				"profile": profile}); err != nil {
				return err
			}
			if tokenFile != "" {
				if in["token"], err = readToken(cmd.InOrStdin(), tokenFile); err != nil {
					return err
				}
			}
			id := firstNonEmpty(append(args, uuid.NewString())...)
			return callAPIWith(cmd, r, c, http.MethodPut, "/ops/lab-accounts/"+id, in, printLabAccount)
		},
	}
	f := cmd.Flags()
	for _, flag := range accountFlags {
		values[flag.flag] = f.String(flag.flag, "", flag.usage)
	}
	f.StringVar(&tokenFile, "token-file", "", "file with our secret at the partner; - reads it from standard input")
	f.StringVar(&settings, "settings", "", "settings of the partner's adapter, a JSON object")
	f.StringVar(&policy, "policy", "", "the account's differences from the default policy, a JSON object")
	f.StringVar(&profile, "profile", "",
		"what clients see of the account and what it requires of orders, a JSON object (docs/operations.md)")
	f.Int64Var(&spacing, "spacing-ms", 0, "minimum milliseconds between the starts of two calls")
	f.BoolVar(&endRotation, "end-rotation", false, "stop accepting webhooks with the previous credentials")
	return cmd
}

// accountAsRequest returns the account with the id of args as a request, and an empty request if there is none.
func accountAsRequest(ctx context.Context, c *apiclient.Client, args []string) (map[string]any, error) {
	in := map[string]any{}
	if len(args) == 0 {
		return in, nil
	}
	var all []api.OpsLabAccount
	if err := c.Call(ctx, http.MethodGet, "/ops/lab-accounts", nil, &all); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(a api.OpsLabAccount) bool { return a.ID == args[0] })
	if i < 0 {
		return in, nil
	}
	a := all[i]
	for field, value := range map[string]any{
		"lab_slug": a.LabSlug, "partner": a.Partner, "environment": a.Environment, "base_url": a.BaseURL,
		"spacing_ms": a.SpacingMS, "settings": a.Settings, "policy": a.Policy, "profile": a.Profile, "status": a.Status,
	} {
		in[field] = value
	}
	if a.TeamID != "" {
		in["team_id"] = a.TeamID
	}
	return in, nil
}

func addJSONDocuments(in map[string]any, given map[string]string) error {
	for field, text := range given {
		if text == "" {
			continue
		}
		if !json.Valid([]byte(text)) {
			return fmt.Errorf("--%s is not JSON: quote it as one argument", field)
		}
		in[field] = json.RawMessage(text)
	}
	return nil
}

// readToken reads a secret from a file or from standard input. Other users of the machine could see an argument.
func readToken(in io.Reader, file string) (string, error) {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(in)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", errors.New("the token is empty")
	}
	return token, nil
}

func printLabAccount(w io.Writer, a api.OpsLabAccount) {
	writeRow(w, "id", a.ID)
	writeRow(w, "team", firstNonEmpty(a.TeamID, "all"))
	writeRow(w, "lab", a.LabSlug)
	writeRow(w, "partner", a.Partner)
	writeRow(w, "environment", a.Environment)
	writeRow(w, "base URL", a.BaseURL)
	writeRow(w, "status", a.Status)
	writeRow(w, "settings", string(a.Settings))
	writeRow(w, "policy", string(a.Policy))
	writeRow(w, "webhooks to", a.WebhookPath)
	writeRow(w, "rotating", a.Rotating)
}

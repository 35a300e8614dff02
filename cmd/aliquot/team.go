package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

func newTeam() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "team", Short: "Teams and their policies"}, &r)
	cmd.AddCommand(newTeamList(&r), newTeamAdd(&r), newTeamSet(&r))
	return cmd
}

func newTeamList(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List teams",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return callAPI(cmd, r, http.MethodGet, "/ops/teams", nil, func(w io.Writer, teams []api.OpsTeam) {
				writeRow(w, "ID", "NAME", "ENVIRONMENT", "TIME ZONE", "POLICY")
				for _, t := range teams {
					writeRow(w, t.ID, t.Name, t.Environment, t.TimeZone, string(t.Policy))
				}
			})
		},
	}
}

func newTeamAdd(r *remoteFlags) *cobra.Command {
	in := map[string]*string{"name": new(string), "environment": new(string), "time_zone": new(string)}
	cmd := &cobra.Command{
		Use:   "add --name NAME --environment production|sandbox",
		Short: "Create a team",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return callAPI(cmd, r, http.MethodPost, "/ops/teams", in, printTeam)
		},
	}
	f := cmd.Flags()
	f.StringVar(in["name"], "name", "", "name")
	f.StringVar(in["environment"], "environment", "", "production, or sandbox: its orders go to the simulated lab only")
	f.StringVar(in["time_zone"], "time-zone", "UTC", "IANA time zone")
	requireFlag(cmd, "name")
	requireFlag(cmd, "environment")
	return cmd
}

func newTeamSet(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "set ID POLICY",
		Short: "Change a team's policy for new orders",
		Long: `Merges POLICY, a JSON object, into the team's policy; null resets a value to its default. Existing orders
keep the policy that they were created with.`,
		Example: "  aliquot team set " + exampleID + ` '{"replacement":"auto","deadlines":{"shipment":"72h"}}'`,
		Args:    cobra.MatchAll(cobra.ExactArgs(2), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := bodytext.FromFile([]byte(args[1]))
			if err != nil {
				return fmt.Errorf("POLICY: %w", err)
			}
			if !json.Valid(policy) {
				return errors.New("POLICY is not JSON: quote it as one argument")
			}
			return callAPI(cmd, r, http.MethodPatch, "/ops/teams/"+args[0], map[string]any{"policy": json.RawMessage(policy)},
				printTeam)
		},
	}
}

func printTeam(w io.Writer, t api.OpsTeam) {
	writeRow(w, "id", t.ID)
	writeRow(w, "name", t.Name)
	writeRow(w, "environment", t.Environment)
	writeRow(w, "time zone", t.TimeZone)
	writeRow(w, "policy", string(t.Policy))
	writeRow(w, "as it works", string(t.Resolved))
}

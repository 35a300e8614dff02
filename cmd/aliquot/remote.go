package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apiclient"
	"github.com/aliquot-labs/aliquot/internal/devsystem"
	"github.com/aliquot-labs/aliquot/internal/settings"
)

// remoteFlags are the flags of commands that use the API of a running system.
type remoteFlags struct {
	api, key, data string
	output         outputFormat
	demoTeam       string // of a development system; otherwise empty
}

// addRemoteFlags adds the remote flags to a command and its subcommands.
func addRemoteFlags(cmd *cobra.Command, r *remoteFlags) *cobra.Command {
	makeGroup(cmd)
	f := cmd.PersistentFlags()
	f.StringVar(&r.api, "api", "", "base URL of the API (default ALIQUOT_URL, then the running aliquot dev)")
	f.StringVar(&r.key, "key", "",
		"API key with the role operations or administrator (default ALIQUOT_OPS_KEY, then the running aliquot dev)")
	f.StringVar(&r.data, "data", "", "data folder of a running aliquot dev (default "+devsystem.DefaultData+")")
	r.output.addFlag(f)
	return cmd
}

var errNoSystem = errors.New("no running system is named: start aliquot dev here, give its data folder with --data, " +
	"or give --api and --key (ALIQUOT_URL and ALIQUOT_OPS_KEY)")

// openClient makes a client of the API. Flags win over a data folder that --data names, that over environment
// variables, and those over the default data folder.
func (r *remoteFlags) openClient() (*apiclient.Client, error) {
	if err := r.output.validate(); err != nil {
		return nil, err
	}
	environ := os.Environ()
	local, err := devsystem.ReadEnvFile(firstNonEmpty(r.data, devsystem.DefaultData))
	if r.data != "" {
		if err != nil {
			return nil, fmt.Errorf("%w: is aliquot dev running there, and ready?", err)
		}
		environ = local
	}
	set, err := settings.LoadClient(environ)
	if err != nil {
		return nil, err
	}
	fallback, err := settings.LoadClient(local)
	if err != nil {
		return nil, err
	}
	base, key := firstNonEmpty(r.api, set.URL, fallback.URL),
		firstNonEmpty(r.key, set.APIKey.Reveal(), fallback.APIKey.Reveal())
	if base == "" || key == "" {
		return nil, errNoSystem
	}
	if base == fallback.URL {
		r.demoTeam = environValue(local, "ALIQUOT_DEMO_TEAM")
	}
	return apiclient.New(base, key), nil
}

func firstNonEmpty(values ...string) string {
	i := slices.IndexFunc(values, func(v string) bool { return v != "" })
	if i < 0 {
		return ""
	}
	return values[i]
}

func environValue(environ []string, name string) string {
	for _, entry := range environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			return v
		}
	}
	return ""
}

// callAPI makes one request and prints the answer: as JSON, or by show as a table.
func callAPI[T any](cmd *cobra.Command, r *remoteFlags, method, path string, in any, show func(io.Writer, T)) error {
	c, err := r.openClient()
	if err != nil {
		return err
	}
	defer c.Close()
	return callAPIWith(cmd, r, c, method, path, in, show)
}

func callAPIWith[T any](cmd *cobra.Command, r *remoteFlags, c *apiclient.Client, method, path string, in any,
	show func(io.Writer, T)) error {
	var answer json.RawMessage
	if err := c.Call(cmd.Context(), method, path, in, &answer); err != nil {
		return err
	}
	return printRawAnswer(cmd, r, answer, show)
}

// printAnswer prints an answer that the command has read itself.
func printAnswer[T any](cmd *cobra.Command, r *remoteFlags, out T, show func(io.Writer, T)) error {
	answer, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("encoding an answer: %w", err)
	}
	return printRawAnswer(cmd, r, answer, show)
}

func printRawAnswer[T any](cmd *cobra.Command, r *remoteFlags, answer json.RawMessage, show func(io.Writer, T)) error {
	if r.output == outputJSON {
		var indented bytes.Buffer
		if err := json.Indent(&indented, answer, "", "  "); err != nil {
			return fmt.Errorf("reading the answer: %w", err)
		}
		_, err := fmt.Fprintln(cmd.OutOrStdout(), indented.String())
		return err
	}
	var out T
	if err := json.Unmarshal(answer, &out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	show(table, out)
	return table.Flush()
}

// createForTeam creates something that belongs to a team: the named one, or the one that resolveTeamID finds.
func createForTeam[T any](cmd *cobra.Command, r *remoteFlags, team, what string, in any,
	show func(io.Writer, T)) error {
	c, err := r.openClient()
	if err != nil {
		return err
	}
	defer c.Close()
	id, err := r.resolveTeamID(cmd.Context(), c, team)
	if err != nil {
		return err
	}
	return callAPIWith(cmd, r, c, http.MethodPost, "/ops/teams/"+id+"/"+what, in, show)
}

// writeRow writes one row of a table.
func writeRow(w io.Writer, cells ...any) {
	text := make([]string, len(cells))
	for i, cell := range cells {
		text[i] = fmt.Sprint(cell)
	}
	fmt.Fprintln(w, strings.Join(text, "\t"))
}

// resolveTeamID returns the id of the team of a command: the named one, or that of the demonstration, or the only one.
func (r *remoteFlags) resolveTeamID(ctx context.Context, c *apiclient.Client, named string) (string, error) {
	if id := firstNonEmpty(named, r.demoTeam); id != "" {
		return parseID(id)
	}
	var teams []api.OpsTeam
	if err := c.Call(ctx, http.MethodGet, "/ops/teams", nil, &teams); err != nil {
		return "", err
	}
	if len(teams) != 1 {
		return "", fmt.Errorf("there are %d teams: say which with --team (aliquot team list shows them)", len(teams))
	}
	return teams[0].ID, nil
}

// pathWithQuery returns a path with the parameters that are neither empty nor 0.
func pathWithQuery(path string, parameters map[string]string) string {
	values := url.Values{}
	for name, v := range parameters {
		if v != "" && v != "0" {
			values.Set(name, v)
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apiclient"
	"github.com/aliquot-labs/aliquot/internal/bodytext"
	"github.com/aliquot-labs/aliquot/store"
)

func newCatalogue() *cobra.Command {
	var r remoteFlags
	cmd := addRemoteFlags(&cobra.Command{Use: "catalogue", Short: "Labs, markers, lab tests and collection sites"}, &r)
	cmd.AddCommand(newCatalogueImport(&r), newCatalogueExport(&r), newCatalogueApprove(&r))
	return cmd
}

func newCatalogueImport(r *remoteFlags) *cobra.Command {
	var in api.CatalogueRequest
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Import labs, markers, lab tests and sites from JSON files",
		Long: `Imports JSON files (docs/catalogue.md) as one catalogue. If anything is wrong, nothing is imported and every
problem is listed. Importing the same files again changes nothing. Entries that the files do not have stay,
unless --retire is given. Existing orders keep their lab test as it was.`,
		Example: `  aliquot catalogue import --dry-run labs.json quest.json
  aliquot catalogue import labs.json quest.json sites.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := readCatalogueFiles(cmd.InOrStdin(), args)
			if err != nil {
				return err
			}
			in.Files = files
			return explainCatalogueError(callAPI(cmd, r, http.MethodPost, "/ops/catalogue", in, printImportResult))
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.TeamID, "team", "", "id of the team that can order the lab tests (default all teams)")
	f.BoolVar(&in.Retire, "retire", false,
		"retire imported entries of the files' labs that the files do not have")
	f.BoolVar(&in.DryRun, "dry-run", false, "only check, and print what would change")
	return cmd
}

// readCatalogueFiles reads the files of a catalogue. The path - is standard input. A file's name is its whole path,
// because files in different folders may have the same base name.
func readCatalogueFiles(stdin io.Reader, paths []string) ([]api.CatalogueFile, error) {
	files := make([]api.CatalogueFile, len(paths))
	for i, path := range paths {
		var text []byte
		var err error
		if path == "-" {
			text, err = io.ReadAll(stdin)
		} else {
			text, err = os.ReadFile(filepath.Clean(path))
		}
		if err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
		if text, err = bodytext.FromFile(text); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if err := checkJSON(text); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		files[i] = api.CatalogueFile{Name: path, Content: text}
	}
	return files, nil
}

// checkJSON returns an error with the line of the first syntax error.
func checkJSON(text []byte) error {
	var value any
	err := json.Unmarshal(text, &value)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line := 1 + strings.Count(string(text[:min(int(syntax.Offset), len(text))]), "\n")
		return fmt.Errorf("line %d: not JSON: %w", line, err)
	}
	return err
}

// explainCatalogueError converts a 422 answer to a list of problems, one per line, each with the file and the JSON
// path. Other errors stay as they are.
func explainCatalogueError(err error) error {
	var refused *apiclient.APIError
	if !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity {
		return err
	}
	var problems []struct {
		Loc []any  `json:"loc"`
		Msg string `json:"msg"`
	}
	if json.Unmarshal(refused.Detail, &problems) != nil {
		return err
	}
	lines := []string{fmt.Sprintf("nothing was imported: %d problems", len(problems))}
	if len(problems) == 1 {
		lines[0] = "nothing was imported: 1 problem"
	}
	for _, p := range problems {
		lines = append(lines, "  "+filePath(p.Loc)+p.Msg)
	}
	return errors.New(strings.Join(lines, "\n"))
}

// filePath converts ["body","files","quest.json","markers",12,"loinc"] to "quest.json: markers[12].loinc: ".
func filePath(loc []any) string {
	if len(loc) < 3 || loc[1] != "files" {
		return strings.TrimPrefix(elementPath(loc), "body.") + ": "
	}
	file := fmt.Sprint(loc[2])
	if len(loc) == 3 {
		return file + ": "
	}
	return file + ": " + elementPath(loc[3:]) + ": "
}

func elementPath(loc []any) string {
	var b strings.Builder
	for _, part := range loc {
		switch part := part.(type) {
		case float64:
			b.WriteString("[" + strconv.Itoa(int(part)) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, part)
		}
	}
	return b.String()
}

func printImportResult(w io.Writer, done api.CatalogueImported) {
	writeRow(w, "", "ADDED", "CHANGED", "UNCHANGED", "RETIRED")
	for _, kind := range []struct {
		name  string
		tally store.Tally
	}{
		{"labs", done.Done.Labs}, {"markers", done.Done.Markers}, {"lab tests", done.Done.LabTests},
		{"sites", done.Done.Sites}, {"phlebotomy areas", done.Done.Coverage}, {"zips", done.Done.Zips},
	} {
		writeRow(w, kind.name, kind.tally.Added, kind.tally.Changed, kind.tally.Unchanged, kind.tally.Retired)
	}
	switch {
	case !done.Changed:
		writeRow(w, "nothing changed: the catalogue has all of it")
	case done.DryRun:
		writeRow(w, "nothing was imported: it was a dry run")
	}
}

func newCatalogueExport(r *remoteFlags) *cobra.Command {
	var team string
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Print the catalogue as a file that can be imported",
		Example: `  aliquot catalogue export > catalogue.json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON := *r
			asJSON.output = outputJSON
			return callAPI[any](cmd, &asJSON, http.MethodGet,
				pathWithQuery("/ops/catalogue", map[string]string{"team_id": team}), nil, nil)
		},
	}
	cmd.Flags().StringVar(&team, "team", "",
		"id of the team whose lab tests are printed (default the lab tests of all teams)")
	return cmd
}

func newCatalogueApprove(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "approve LAB-TEST",
		Short: "Approve a lab test that a team has created, so that it can be ordered",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return callAPI(cmd, r, http.MethodPost, "/ops/lab-tests/"+args[0]+"/approve", nil, func(w io.Writer, t struct {
				ID     string `json:"id"`
				Name   string `json:"name"`
				Status string `json:"status"`
			}) {
				writeRow(w, "id", t.ID)
				writeRow(w, "name", t.Name)
				writeRow(w, "status", t.Status)
			})
		},
	}
}

package policy

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// change inserts text behind every occurrence of another text in a file.
type change struct{ behind, text string }

// endOfProblems is the last line of the row of problem_in_transit_lab.
const endOfProblems = `extension(FailureToDeliverToLab, transitActors, "the problem on the way was not resolved"),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
`

// heldAtCustoms follows the recipe "A status" of CONTRIBUTING.md for the status of a kit that customs hold on its way
// to the lab.
var heldAtCustoms = map[string][]change{
	"lifecycle/status.go": {
		{"ProblemInTransitLab        LowStatus = \"problem_in_transit_lab\"\n",
			"	HeldAtCustoms LowStatus = \"held_at_customs\"\n"},
		{"{ProblemInTransitLab, TopCollectingSample, noTopStatus, noTopStatus, noTopStatus, StageInbound},\n",
			"	{HeldAtCustoms, TopCollectingSample, noTopStatus, noTopStatus, noTopStatus, StageInbound},\n"},
	},
	"lifecycle/edges_testkit.go": {
		{"documented(FailureToDeliverToLab, transitActors),\n",
			"			extension(HeldAtCustoms, transitActors, whyProblem),\n"},
		{endOfProblems, `		edgesFrom(HeldAtCustoms,
			extension(TransitLab, transitActors, whyResumed),
			extension(DeliveredToLab, receiptActors, whyResumed),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
`},
	},
	"couriers/status.go": {
		{"var statusRules = []statusRule{\n", `	{
		statuses: []string{"in_transit"},
		details:  []string{"held_by_customs"},
		outbound: lifecycle.ProblemInTransitCustomer, inbound: lifecycle.HeldAtCustoms,
	},
`},
		{"var typical = map[lifecycle.LowStatus]Words{\n",
			"	lifecycle.HeldAtCustoms: {\"in_transit\", \"held_by_customs\"},\n"},
	},
}

// heldAtCustomsInTests adds the status to the hand-written tables in the tests of package lifecycle.
var heldAtCustomsInTests = map[string][]change{
	"lifecycle/contract_test.go": {
		{"transit_lab: D delivered_to_lab failure_to_deliver_to_lab X", " held_at_customs"},
		{"problem_in_transit_lab: X transit_lab delivered_to_lab failure_to_deliver_to_lab lost do_not_process\n",
			"held_at_customs: X transit_lab delivered_to_lab lost do_not_process\n"},
		{"var allLowStatuses = strings.Fields(`", "held_at_customs "},
	},
	"lifecycle/status_test.go": {
		{"collecting_sample testkit:", " held_at_customs"},
	},
	"lifecycle/stage_test.go": {
		{"inbound, inbound: transit_lab problem_in_transit_lab", " held_at_customs"},
	},
	"lifecycle/actors_test.go": {
		{"lab transit_customer out_for_delivery with_customer transit_lab", " held_at_customs"},
		{"courier transit_customer out_for_delivery with_customer transit_lab", " held_at_customs"},
		{"with_customer transit_lab problem_in_transit_lab", " held_at_customs"},
		{"problem_in_transit_customer transit_lab problem_in_transit_lab", " held_at_customs"},
	},
}

// statusCounts replaces the numbers of statuses in the tests of package lifecycle.
var statusCounts = strings.NewReplacer(", 54)", ", 55)", "got[53]", "got[54]", "Equal(t, 54,", "Equal(t, 55,")

// applyChanges applies the changes to copies of the files.
func applyChanges(t *testing.T, changes map[string][]change) map[string]string {
	t.Helper()
	changed := map[string]string{}
	for name, all := range changes {
		text := string(readFile(t, name))
		for _, c := range all {
			if !strings.Contains(text, c.behind) {
				require.Failf(t, "follow the recipe again", "%s has changed: it lacks %q", name, c.behind)
			}
			text = strings.ReplaceAll(text, c.behind, c.behind+c.text)
		}
		changed[name] = text
	}
	return changed
}

// overlay writes the files to a folder and returns the flag with which the go command uses them instead of the
// repository's.
func overlay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	absolute, err := filepath.Abs(root)
	require.NoError(t, err)
	replace := map[string]string{}
	for name, text := range files {
		copied := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		require.NoError(t, os.WriteFile(copied, []byte(text), 0o600))
		replace[filepath.Join(absolute, name)] = copied
	}
	encoded, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	listed := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(listed, encoded, 0o600))
	return "-overlay=" + listed
}

func runGo(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), out)
}

// section returns the text below a heading of CONTRIBUTING.md, up to the next heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(string(readFile(t, "CONTRIBUTING.md")), "\n"+heading+"\n")
	require.True(t, found, heading)
	text, _, _ := strings.Cut(after, "\n#")
	return text
}

// TestTheRecipeNamesItsFiles checks that the recipe in CONTRIBUTING.md names the files that the changes below need. The
// steps of a recipe are numbered.
func TestTheRecipeNamesItsFiles(t *testing.T) {
	t.Parallel()
	step := regexp.MustCompile("(?m)^\\d+\\. `([^`]+\\.go)`")
	var named []string
	for _, found := range step.FindAllStringSubmatch(section(t, "### A status"), -1) {
		named = append(named, found[1])
	}
	slices.Sort(named)
	require.Equal(t, slices.Sorted(maps.Keys(heldAtCustoms)), named)
	require.Len(t, named, statusFiles)
}

// TestAStatusIsAddedByTheRecipe adds an invented status to copies of the three files. The copies build, the tests of
// package lifecycle pass when their tables have the status, and the document, deadlines, attention marks and simulation
// work with it.
func TestAStatusIsAddedByTheRecipe(t *testing.T) {
	t.Parallel()
	files := applyChanges(t, heldAtCustoms)
	for name, text := range applyChanges(t, heldAtCustomsInTests) {
		files[name] = statusCounts.Replace(text)
	}
	files["lifecycle/machine_test.go"] = statusCounts.Replace(string(readFile(t, "lifecycle/machine_test.go")))
	files["internal/simulation/held_at_customs_test.go"] = string(readFile(t,
		"internal/policy/testdata/recipe/held_at_customs_test.go.txt"))
	flag := overlay(t, files)
	// Other importers of these packages have no list of statuses (TestAStatusStandsInThreeFiles) and take a minute to
	// build.
	runGo(t, "build", flag, "./lifecycle/...", "./order", "./couriers/...", "./internal/simulation", "./internal/junction",
		"./store", "./workflows", "./labs/...")
	// TestDocumentIsCurrent would compare the document with the repository's statuses.
	runGo(t, "test", "-vet=off", flag, "-skip=^TestDocumentIsCurrent$", "./lifecycle")
	runGo(t, "test", "-vet=off", flag, "-run=^TestHeldAtCustoms$", "./internal/simulation")
}

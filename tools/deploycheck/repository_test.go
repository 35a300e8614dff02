package deploycheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// repositoryRoot is the root of the repository, relative to this package.
const repositoryRoot = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repositoryRoot, name))
	require.NoError(t, err)
	return string(content)
}

// repositoryFiles lists the files below a directory that git tracks, and new ones that it does not ignore.
func repositoryFiles(t *testing.T, dir string) []string {
	t.Helper()
	git := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
		"--deduplicate", dir)
	git.Dir = repositoryRoot
	out, err := git.Output()
	require.NoError(t, err)
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	require.NotEmpty(t, names)
	return names
}

// setting is a row of docs/settings.md, which is generated from the code.
type setting struct{ secret bool }

var settingRow = regexp.MustCompile("(?m)^\\| `(ALIQUOT_[A-Z0-9_]+)` \\| .* \\| (.*) \\|$")

// readSettings returns the settings of all processes.
func readSettings(t *testing.T) map[string]setting {
	t.Helper()
	all := map[string]setting{}
	for _, row := range settingRow.FindAllStringSubmatch(read(t, "docs/settings.md"), -1) {
		all[row[1]] = setting{secret: strings.HasSuffix(row[2], " Secret.")}
	}
	require.Greater(t, len(all), 40)
	return all
}

// isSetting reports whether a variable is a setting, or names the file of a secret.
func isSetting(all map[string]setting, variable string) bool {
	if _, ok := all[variable]; ok {
		return true
	}
	plain, isFile := strings.CutSuffix(variable, "_FILE")
	return isFile && all[plain].secret
}

// composeVariables are variables of docker/.env that only docker/compose.yaml reads.
var composeVariables = []string{"ALIQUOT_IMAGE", "ALIQUOT_VERSION", "ALIQUOT_PORT", "ALIQUOT_NETWORK"}

// settingsNotDeployed are the settings that docker/ does not set, and the reason.
var settingsNotDeployed = map[string]string{
	"ALIQUOT_CHECK_INTERVAL": "the default suits", "ALIQUOT_DATABASE_INSECURE": "the database has a certificate",
	"ALIQUOT_MAX_BODY": "the default suits", "ALIQUOT_PARTNER_TIMEOUT": "the default suits deployments",
	"ALIQUOT_WEBHOOK_TIMEOUT": "the default suits", "ALIQUOT_WEBHOOK_CONCURRENCY": "the default suits deployments",
	"ALIQUOT_WEBHOOK_RETENTION": "the default suits", "ALIQUOT_RESULT_RETENTION": "decided by the deployment",
	"ALIQUOT_INBOX_RETENTION": "decided by the deployment",
	"ALIQUOT_AUDIT_RETENTION": "decided by the deployment",
	"ALIQUOT_LAB_MODE":        "for tests", "ALIQUOT_LAB_CANCEL_CALL": "for tests", "ALIQUOT_LAB_SPACING": "for tests",
	"ALIQUOT_LAB_NEUTRAL_URL": "for tests", "ALIQUOT_LAB_NEUTRAL_ACCOUNT": "for tests",
	"ALIQUOT_LAB_NEUTRAL_SECRETS": "for tests",
	"ALIQUOT_HELD_CHANGES":        "for one rollout at a time", "ALIQUOT_BILLING_REFERENCE": "the default suits",
	"ALIQUOT_URL": "of the command line", "ALIQUOT_OPS_KEY": "of the command line",
}

var variablePattern = regexp.MustCompile(`\bALIQUOT_[A-Z0-9_]+\b`)

// variablesIn lists the variables that a text names.
func variablesIn(text string) []string {
	found := variablePattern.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func unknownVariables(all map[string]setting, text string) (names []string) {
	for _, name := range variablesIn(text) {
		if !isSetting(all, name) && !slices.Contains(composeVariables, name) {
			names = append(names, name)
		}
	}
	return names
}

func TestEveryVariableIsASetting(t *testing.T) {
	t.Parallel()
	all := readSettings(t)
	set := map[string]bool{}
	for _, name := range repositoryFiles(t, "docker") {
		text := read(t, name)
		require.Empty(t, unknownVariables(all, text), "%s names variables that are not settings", name)
		for _, v := range variablesIn(text) {
			set[v], set[strings.TrimSuffix(v, "_FILE")] = true, true
		}
	}
	example := read(t, "docker/.env.example")
	for _, v := range composeVariables {
		require.Contains(t, example, "\n"+v+"=", "docker/.env.example")
	}
	for v := range all {
		why, left := settingsNotDeployed[v]
		require.NotEqual(t, set[v], left, "%s has to be set in docker/ or listed as not deployed (%q)", v, why)
	}
	for v := range settingsNotDeployed {
		require.Contains(t, all, v, "there is no such setting")
	}

	// The control.
	require.Equal(t, []string{"ALIQUOT_LOG_LEVEL_FILE", "ALIQUOT_MADE_UP"},
		unknownVariables(all,
			"ALIQUOT_LOG_LEVEL=x ALIQUOT_LOG_LEVEL_FILE=y ALIQUOT_MADE_UP=z ALIQUOT_ENCRYPTION_KEYS_FILE=/k ALIQUOT_PORT=1"))
}

// TestTheExampleOfTheEnvironmentIsWhole checks that docker/.env.example sets exactly the variables that the compose
// file reads.
func TestTheExampleOfTheEnvironmentIsWhole(t *testing.T) {
	t.Parallel()
	compose, example := read(t, "docker/compose.yaml"), read(t, "docker/.env.example")
	var read, set []string
	for _, m := range regexp.MustCompile(`\$\{([A-Z0-9_]+)`).FindAllStringSubmatch(compose, -1) {
		read = append(read, m[1])
	}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z0-9_]+)=`).FindAllStringSubmatch(example, -1) {
		set = append(set, m[1])
	}
	slices.Sort(read)
	slices.Sort(set)
	require.Equal(t, slices.Compact(read), set)
}

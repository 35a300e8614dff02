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

// root is the repository's, seen from here.
const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(content)
}

// files lists the repository's files below a directory, as git knows them or would.
func files(t *testing.T, dir string) []string {
	t.Helper()
	git := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard",
		"--deduplicate", dir)
	git.Dir = root
	out, err := git.Output()
	require.NoError(t, err)
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	require.NotEmpty(t, names)
	return names
}

// setting is a row of docs/settings.md, which is generated from the code.
type setting struct{ secret bool }

var settingRow = regexp.MustCompile("(?m)^\\| `(ALIQUOT_[A-Z0-9_]+)` \\| .* \\| (.*) \\|$")

// settings are all settings of all processes.
func settings(t *testing.T) map[string]setting {
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

// ofCompose are variables of docker/.env that only docker/compose.yaml reads.
var ofCompose = []string{"ALIQUOT_IMAGE", "ALIQUOT_VERSION", "ALIQUOT_PORT", "ALIQUOT_NETWORK"}

// leftAlone are the settings that nothing in docker/ sets: their defaults are good for a deployment, or they are for other places.
var leftAlone = map[string]string{
	"ALIQUOT_MAX_BODY": "the default is good", "ALIQUOT_PARTNER_TIMEOUT": "the default is good",
	"ALIQUOT_WEBHOOK_TIMEOUT": "the default is good", "ALIQUOT_WEBHOOK_CONCURRENCY": "the default is good",
	"ALIQUOT_WEBHOOK_RETENTION": "the default is good", "ALIQUOT_RESULT_RETENTION": "a decision of the deployment's",
	"ALIQUOT_INBOX_RETENTION": "a decision of the deployment's",
	"ALIQUOT_AUDIT_RETENTION": "a decision of the deployment's",
	"ALIQUOT_LAB_MODE":        "for tests", "ALIQUOT_LAB_CANCEL_CALL": "for tests", "ALIQUOT_LAB_SPACING": "for tests",
	"ALIQUOT_LAB_NEUTRAL_URL": "for tests", "ALIQUOT_LAB_NEUTRAL_ACCOUNT": "for tests",
	"ALIQUOT_LAB_NEUTRAL_SECRETS": "for tests",
	"ALIQUOT_HELD_CHANGES":        "for one rollout at a time", "ALIQUOT_BILLING_REFERENCE": "the default is good",
	"ALIQUOT_URL": "of the command line", "ALIQUOT_OPS_KEY": "of the command line",
}

var variable = regexp.MustCompile(`\bALIQUOT_[A-Z0-9_]+\b`)

// named are the variables that a text names, once each.
func named(text string) []string {
	found := variable.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func unknown(all map[string]setting, text string) (names []string) {
	for _, name := range named(text) {
		if !isSetting(all, name) && !slices.Contains(ofCompose, name) {
			names = append(names, name)
		}
	}
	return names
}

func TestEveryVariableIsASetting(t *testing.T) {
	t.Parallel()
	all := settings(t)
	set := map[string]bool{}
	for _, name := range files(t, "docker") {
		text := read(t, name)
		require.Empty(t, unknown(all, text), "%s names variables that are no settings", name)
		for _, v := range named(text) {
			set[v], set[strings.TrimSuffix(v, "_FILE")] = true, true
		}
	}
	example := read(t, "docker/.env.example")
	for _, v := range ofCompose {
		require.Contains(t, example, "\n"+v+"=", "docker/.env.example")
	}
	for v := range all {
		why, left := leftAlone[v]
		require.NotEqual(t, set[v], left, "%s is either set in docker/ or left alone (%q)", v, why)
	}
	for v := range leftAlone {
		require.Contains(t, all, v, "there is no such setting to be left alone")
	}

	// The control.
	require.Equal(t, []string{"ALIQUOT_LOG_LEVEL_FILE", "ALIQUOT_MADE_UP"},
		unknown(all,
			"ALIQUOT_LOG_LEVEL=x ALIQUOT_LOG_LEVEL_FILE=y ALIQUOT_MADE_UP=z ALIQUOT_ENCRYPTION_KEYS_FILE=/k ALIQUOT_PORT=1"))
}

// Everything that docker/.env.example sets is read by the compose file, and the other way round.
func TestTheExampleOfTheEnvironmentIsWhole(t *testing.T) {
	t.Parallel()
	compose, example := read(t, "docker/compose.yaml"), read(t, "docker/.env.example")
	var read, told []string
	for _, m := range regexp.MustCompile(`\$\{([A-Z0-9_]+)`).FindAllStringSubmatch(compose, -1) {
		read = append(read, m[1])
	}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z0-9_]+)=`).FindAllStringSubmatch(example, -1) {
		told = append(told, m[1])
	}
	slices.Sort(read)
	slices.Sort(told)
	require.Equal(t, slices.Compact(read), told)
}

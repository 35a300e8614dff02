package devsystem

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Variable is one line of dev.env.
type Variable struct{ Name, Value string }

// envVariables returns the variables of dev.env, for scripts.
func (s *system) envVariables() []Variable {
	return []Variable{
		{"ALIQUOT_URL", urlOfAddress(s.addresses.api)},
		{"ALIQUOT_API_KEY", s.secrets.ClientKey},
		{"ALIQUOT_OPS_KEY", s.secrets.OperationsKey},
		{"ALIQUOT_LAB_URL", urlOfAddress(s.addresses.lab)},
		{"ALIQUOT_LAB_USER", s.secrets.LabUser},
		{"ALIQUOT_LAB_TOKEN", s.secrets.LabToken},
		{"ALIQUOT_COURIER_SECRET", s.secrets.CourierSecret},
		{"ALIQUOT_TEMPORAL", s.addresses.temporal},
		{"ALIQUOT_TEMPORAL_NAMESPACE", namespace},
		{"ALIQUOT_TEMPORAL_UI", urlOfAddress(s.addresses.temporalUI)},
		{"ALIQUOT_DATABASE_URL", s.databaseURL()},
		{"ALIQUOT_ENCRYPTION_KEYS", s.secrets.EncryptionKeys},
		{"ALIQUOT_WORKER_METRICS", strings.Join(s.addresses.metrics[:], ",")},
		{"ALIQUOT_DEMO_TEAM", TeamID},
		{"ALIQUOT_DEMO_USER", UserID},
		{"ALIQUOT_DEMO_LAB_TEST", LipidsTestID},
		{"ALIQUOT_DEMO_REGISTRABLE", RegistrableTestID},
		{"ALIQUOT_DEMO_WALK_IN", WalkInTestID},
		{"ALIQUOT_DEMO_PHLEBOTOMY", PhlebotomyTestID},
		{"ALIQUOT_DEMO_ON_SITE", OnSiteTestID},
	}
}

var plainValue = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]*$`)

// formatEnvFile returns the variables as a file that a shell can source. A value with special characters is put in
// single quotes.
func formatEnvFile(variables []Variable) []byte {
	var b strings.Builder
	for _, v := range variables {
		fmt.Fprintf(&b, "%s=%s\n", v.Name, quoteWord(v.Value))
	}
	return []byte(b.String())
}

// quoteWord puts a word with special characters in single quotes, for a shell.
func quoteWord(word string) string {
	if plainValue.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// ReadEnvFile reads the dev.env of a running system from its data folder, as a list like os.Environ. The error is
// os.ErrNotExist if no system runs there.
func ReadEnvFile(data string) ([]string, error) {
	file, err := os.Open(filepath.Join(data, EnvFile))
	if err != nil {
		return nil, fmt.Errorf("no system runs on %s: %w", data, err)
	}
	defer file.Close()
	var environ []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, found := strings.Cut(lines.Text(), "=")
		if !found {
			continue
		}
		if quoted, ok := strings.CutPrefix(value, "'"); ok {
			value = strings.ReplaceAll(strings.TrimSuffix(quoted, "'"), `'\''`, "'")
		}
		environ = append(environ, name+"="+value)
	}
	return environ, nil
}

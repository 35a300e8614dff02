package dev

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

// environment is what scripts are told of a running system.
func (s *system) environment() []Variable {
	return []Variable{
		{"ALIQUOT_URL", urlOf(s.at.api)},
		{"ALIQUOT_API_KEY", s.secrets.ClientKey},
		{"ALIQUOT_OPS_KEY", s.secrets.OperationsKey},
		{"ALIQUOT_LAB_URL", urlOf(s.at.lab)},
		{"ALIQUOT_LAB_USER", s.secrets.LabUser},
		{"ALIQUOT_LAB_TOKEN", s.secrets.LabToken},
		{"ALIQUOT_COURIER_SECRET", s.secrets.CourierSecret},
		{"ALIQUOT_TEMPORAL", s.at.temporal},
		{"ALIQUOT_TEMPORAL_NAMESPACE", namespace},
		{"ALIQUOT_TEMPORAL_UI", urlOf(s.at.ui)},
		{"ALIQUOT_DATABASE_URL", s.databaseURL()},
		{"ALIQUOT_ENCRYPTION_KEYS", s.secrets.EncryptionKeys},
		{"ALIQUOT_WORKER_METRICS", strings.Join(s.at.metrics[:], ",")},
		{"ALIQUOT_DEMO_TEAM", TeamID},
		{"ALIQUOT_DEMO_USER", UserID},
		{"ALIQUOT_DEMO_LAB_TEST", LipidsID},
		{"ALIQUOT_DEMO_REGISTRABLE", RegistrableID},
		{"ALIQUOT_DEMO_WALK_IN", WalkInID},
		{"ALIQUOT_DEMO_PHLEBOTOMY", PhlebotomyID},
		{"ALIQUOT_DEMO_ON_SITE", OnSiteID},
	}
}

var plainValue = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]*$`)

// formatEnv writes variables so that a shell can source them. A value that a shell would read otherwise stands in single quotes.
func formatEnv(variables []Variable) []byte {
	var b strings.Builder
	for _, v := range variables {
		value := v.Value
		if !plainValue.MatchString(value) {
			value = "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
		}
		fmt.Fprintf(&b, "%s=%s\n", v.Name, value)
	}
	return []byte(b.String())
}

// ReadEnv reads the dev.env of a running system from its data folder, as a list like os.Environ. The error is os.ErrNotExist when
// none runs there.
func ReadEnv(data string) ([]string, error) {
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

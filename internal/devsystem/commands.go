package devsystem

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// The names of the processes.
const (
	temporalName = "temporal"
	apiName      = "api"
	labName      = "lab"
)

func workerName(i int) string { return fmt.Sprintf("worker-%d", i+1) }

// How long the processes may take to stop. A worker's activities get less time than the worker.
const (
	stopGrace   = 15 * time.Second
	stopTimeout = "10s"
)

// newCommands returns the processes of the system in the sequence in which they start.
func (s *system) newCommands() []command {
	parts := []command{
		s.temporalCommand(),
		s.newPart(labName, "sandbox", map[string]string{
			"ALIQUOT_LAB_ADDR":            s.addresses.lab,
			"ALIQUOT_LAB_USER":            s.secrets.LabUser,
			"ALIQUOT_LAB_TOKEN":           s.secrets.LabToken,
			"ALIQUOT_LAB_WEBHOOK_URL":     urlOfAddress(s.addresses.api) + "/webhooks/labs/molecular",
			"ALIQUOT_LAB_NEUTRAL_URL":     urlOfAddress(s.addresses.api) + "/webhooks/labs/neutral",
			"ALIQUOT_LAB_NEUTRAL_ACCOUNT": s.secrets.LabUser,
			"ALIQUOT_LAB_NEUTRAL_SECRETS": s.secrets.NeutralSecret,
			"ALIQUOT_LAB_COURIER_URL":     urlOfAddress(s.addresses.api) + "/webhooks/couriers/easypost",
			"ALIQUOT_COURIER_SECRET":      s.secrets.CourierSecret,
			"ALIQUOT_COURIER_KEY":         s.secrets.CourierKey,
			"ALIQUOT_LAB_SPEED":           s.options.Speed,
			"ALIQUOT_LAB_MODE":            s.options.Lab,
		}),
		s.newPart(apiName, "api", s.commonSettings(), map[string]string{
			"ALIQUOT_API_ADDR":        s.addresses.api,
			"ALIQUOT_DRAIN_DELAY":     "0s",
			"ALIQUOT_STOP_TIMEOUT":    stopTimeout,
			"ALIQUOT_COURIER_SECRETS": s.secrets.CourierSecret,
		}),
	}
	for i, metrics := range s.addresses.metrics {
		parts = append(parts, s.newPart(workerName(i), "worker", s.commonSettings(), map[string]string{
			"ALIQUOT_METRICS":      metrics,
			"ALIQUOT_COURIER_URL":  urlOfAddress(s.addresses.lab),
			"ALIQUOT_COURIER_KEY":  s.secrets.CourierKey,
			"ALIQUOT_STOP_TIMEOUT": stopTimeout,
		}))
	}
	return parts
}

// commonSettings returns the settings that the API and the workers share. Webhooks may be delivered to this machine,
// and labs may be on it.
func (s *system) commonSettings() map[string]string {
	return map[string]string{
		"ALIQUOT_DATABASE_URL":       s.databaseURL(),
		"ALIQUOT_ENCRYPTION_KEYS":    s.secrets.EncryptionKeys,
		"ALIQUOT_PUBLIC_URL":         urlOfAddress(s.addresses.api),
		"ALIQUOT_TEMPORAL":           s.addresses.temporal,
		"ALIQUOT_TEMPORAL_NAMESPACE": namespace,
		"ALIQUOT_WEBHOOK_NETWORKS":   "127.0.0.0/8,::1/128",
		"ALIQUOT_PARTNER_NETWORKS":   "127.0.0.0/8,::1/128",
	}
}

func (s *system) newPart(name, subcommand string, settings ...map[string]string) command {
	c := command{name: name, path: s.options.Program, args: []string{subcommand}, env: withoutSettings(os.Environ()),
		grace: stopGrace}
	for _, some := range settings {
		for variable, value := range some {
			c.env = append(c.env, variable+"="+value)
		}
	}
	return c
}

// temporalCommand runs Temporal in the data folder, because Temporal takes "?", "#" and "%" of a path to its database
// for parts of a URI.
func (s *system) temporalCommand() command {
	return command{name: temporalName, path: s.temporalPath, env: withoutSettings(os.Environ()), grace: stopGrace,
		dir: s.folder.path,
		args: []string{
			"server", "start-dev", "--ip", loopback, "--port", portOf(s.addresses.temporal), "--ui-ip", loopback, "--ui-port",
			portOf(s.addresses.temporalUI), "--db-filename", temporalDB, "--log-level", "warn",
			"--disable-config-file", "--disable-config-env",
		}}
}

// withoutSettings removes settings of Aliquot from environment variables, except the log level and the time zone, which
// the system does not set.
func withoutSettings(environ []string) []string {
	var kept []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "ALIQUOT_") && name != "ALIQUOT_LOG_LEVEL" && name != "ALIQUOT_TIME_ZONE" {
			continue
		}
		kept = append(kept, entry)
	}
	return kept
}

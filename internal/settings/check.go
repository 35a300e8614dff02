package settings

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/aliquot-labs/aliquot/internal/billing"

	"github.com/aliquot-labs/aliquot/labs/simlab"

	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// The modes of the simulated lab. With LabModeManual it sends only what control endpoints ask for.
const (
	LabModeAuto   = "auto"
	LabModeManual = "manual"
)

// Level returns the log level. The settings have to be loaded before.
func (p Process) Level() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(p.LogLevel)) // load has checked it
	return level
}

func (p Process) check() problems {
	var found problems
	var level slog.Level
	if level.UnmarshalText([]byte(p.LogLevel)) != nil {
		found.add("ALIQUOT_LOG_LEVEL", errors.New("is not debug, info, warn or error"))
	}
	if p.MetricsAddr != "" {
		found.add("ALIQUOT_METRICS", checkAddress(p.MetricsAddr))
	}
	return found
}

func (c Common) check() problems {
	found := c.Process.check()
	found.add("ALIQUOT_DATABASE_URL", checkDatabase(c.DatabaseURL.Reveal(), c.DatabaseInsecure))
	if c.PublicURL != "" {
		found.add("ALIQUOT_PUBLIC_URL", checkURL(c.PublicURL))
	}
	found = append(found, c.Master.check()...)
	if len(c.Master.check()) == 0 {
		_, err := c.Keyring(context.Background())
		found.add("ALIQUOT_ENCRYPTION_KEYS", err)
	}
	return append(found, c.Temporal.check()...)
}

// Keyring returns the encryption keys; wrapped ones are unwrapped.
func (c Common) Keyring(ctx context.Context) (*keyring.Keyring, error) {
	kms, err := c.KMS()
	if err != nil {
		return nil, err
	}
	return keyring.Load(ctx, c.EncryptionKeys.Reveal(), kms)
}

// KMS returns what wraps and unwraps encryption keys with the master key; nil without a master key.
func (m Master) KMS() (keyring.KMS, error) {
	if m.MasterKey == "" {
		return nil, nil //nolint:nilnil // no master key is a configuration, not a failure
	}
	return keyring.NewLocalKMS(m.MasterKey.Reveal())
}

func (m Master) check() problems {
	var found problems
	_, err := m.KMS()
	found.add("ALIQUOT_MASTER_KEY", err)
	return found
}

func (s Shutdown) check() problems {
	var found problems
	found.add("ALIQUOT_STOP_TIMEOUT", checkPositive(s.StopTimeout))
	return found
}

func (w WebhookNetworks) check() problems {
	var found problems
	_, err := webhooks.NewAddressGuard(w.AllowedNetworks...)
	found.add("ALIQUOT_WEBHOOK_NETWORKS", err)
	return found
}

func (t Traces) check() problems {
	var found problems
	if t.TraceURL != "" {
		found.add("ALIQUOT_TRACE_URL", checkURL(t.TraceURL))
	}
	if !(t.TraceSample >= 0 && t.TraceSample <= 1) { // this form is also true for NaN
		found.add("ALIQUOT_TRACE_SAMPLE", errors.New("is not between 0 and 1"))
	}
	if _, err := t.Headers(); err != nil {
		found.add("ALIQUOT_TRACE_HEADERS", err)
	}
	return found
}

// Headers returns the headers of requests to the collector of traces.
func (t Traces) Headers() (map[string]string, error) {
	headers := map[string]string{}
	for _, h := range t.TraceHeaders {
		name, value, ok := strings.Cut(h.Reveal(), "=")
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, errors.New("holds something that is not name=value")
		}
		headers[name] = value
	}
	return headers, nil
}

// check checks the replica of a database.
func (r Replica) check(database Secret, insecure bool) problems {
	var found problems
	if r.ReplicaLag < time.Second || r.ReplicaLag > 5*time.Minute {
		found.add("ALIQUOT_DATABASE_REPLICA_LAG", errors.New("is not between 1s and 5m"))
	}
	switch {
	case r.ReplicaURL == "":
	case strings.HasPrefix(database.Reveal(), "sqlite:"):
		found.add("ALIQUOT_DATABASE_REPLICA_URL", errors.New("is set, but only a PostgreSQL database has replicas"))
	case r.ReplicaURL == database:
		found.add("ALIQUOT_DATABASE_REPLICA_URL", errors.New("is the same as ALIQUOT_DATABASE_URL"))
	default:
		found.add("ALIQUOT_DATABASE_REPLICA_URL", checkPostgres(r.ReplicaURL.Reveal(), "is not postgres://…", insecure))
	}
	return found
}

func (a API) check() problems {
	found := slices.Concat(a.Common.check(), a.Replica.check(a.DatabaseURL, a.DatabaseInsecure),
		a.WebhookNetworks.check(), a.Traces.check())
	found = append(found, a.Shutdown.check()...)
	if a.DrainDelay < 0 {
		found.add("ALIQUOT_DRAIN_DELAY", errors.New("is negative"))
	}
	found.add("ALIQUOT_API_ADDR", checkAddress(a.Addr))
	_, err := time.LoadLocation(a.TimeZone)
	found.add("ALIQUOT_TIME_ZONE", err)
	if a.MaxBody <= 0 {
		found.add("ALIQUOT_MAX_BODY", errors.New("is not positive"))
	}
	if slices.Contains(a.CourierSecrets, "") {
		found.add("ALIQUOT_COURIER_SECRETS", errors.New("holds an empty secret: everybody could sign with it"))
	}
	found.add("ALIQUOT_KEY_RATE", checkRate(a.APIKeyRate))
	found.add("ALIQUOT_ADDRESS_RATE", checkRate(a.AddressRate))
	_, err = billing.Load(a.BillingFile)
	found.add("ALIQUOT_BILLING_REFERENCE", err)
	_, err = webhooks.NewAddressGuard(a.PartnerNetworks...)
	found.add("ALIQUOT_PARTNER_NETWORKS", err)
	for _, network := range a.TrustedProxies {
		if _, err := netip.ParsePrefix(network); err != nil {
			found.add("ALIQUOT_TRUSTED_PROXIES", errors.New("holds something that is not a network in CIDR form"))
		}
	}
	return found
}

func (w Worker) check() problems {
	found := slices.Concat(w.Common.check(), w.WebhookNetworks.check(), w.Traces.check(), w.Shutdown.check(),
		w.checkVersion())
	found.add("ALIQUOT_COURIER_URL", checkURL(w.CourierURL))
	found.add("ALIQUOT_PARTNER_TIMEOUT", checkPositive(w.PartnerTimeout))
	found.add("ALIQUOT_WEBHOOK_TIMEOUT", checkPositive(w.WebhookTimeout))
	if w.CheckInterval != 0 && w.CheckInterval < 100*time.Millisecond {
		found.add("ALIQUOT_CHECK_INTERVAL", errors.New("is less than 100ms"))
	}
	if w.WebhookConcurrency < 1 {
		found.add("ALIQUOT_WEBHOOK_CONCURRENCY", errors.New("is not positive"))
	}
	const month = 720 * time.Hour
	found = append(found, w.PartitionRetention.check()...)
	return append(found, checkRetentions([]retentionSetting{
		{"ALIQUOT_RESULT_RETENTION", w.ResultRetention, month, "720h: clients need time to read results"},
		{"ALIQUOT_INBOX_RETENTION", w.InboxRetention, month, "720h, in which reports are still being made sense of"},
	})...)
}

func (r PartitionRetention) check() problems {
	return checkRetentions([]retentionSetting{
		{"ALIQUOT_WEBHOOK_RETENTION", r.WebhookRetention, 72 * time.Hour, "72h, in which all attempts of a message fall"},
		{"ALIQUOT_AUDIT_RETENTION", r.AuditRetention, 6 * 365 * 24 * time.Hour, "52560h, six years (45 CFR 164.316)"},
	})
}

// retentionSetting is a setting of how long something is stored: without limit (0), or at least a minimum.
type retentionSetting struct {
	variable       string
	value, minimum time.Duration
	why            string
}

func checkRetentions(settings []retentionSetting) problems {
	var found problems
	for _, r := range settings {
		if r.value != 0 && r.value < r.minimum {
			found.add(r.variable, errors.New("is less than "+r.why))
		}
	}
	return found
}

func (s SimulatedLab) check() problems {
	found := s.Process.check()
	found.add("ALIQUOT_LAB_ADDR", checkAddress(s.Addr))
	found.add("ALIQUOT_LAB_WEBHOOK_URL", checkURL(s.WebhookURL))
	_, err := simlab.ParseSpeed(s.Speed)
	found.add("ALIQUOT_LAB_SPEED", err)
	if s.Mode != LabModeAuto && s.Mode != LabModeManual {
		found.add("ALIQUOT_LAB_MODE", errors.New("is not auto or manual"))
	}
	if s.Spacing < 0 {
		found.add("ALIQUOT_LAB_SPACING", errors.New("is negative"))
	}
	found = append(found, s.checkCourier()...)
	return append(found, s.checkNeutral()...)
}

func (s SimulatedLab) checkNeutral() problems {
	var found problems
	if s.NeutralURL == "" {
		return nil
	}
	found.add("ALIQUOT_LAB_NEUTRAL_URL", checkURL(s.NeutralURL))
	if s.NeutralName == "" || strings.Contains(s.NeutralName, ":") {
		found.add("ALIQUOT_LAB_NEUTRAL_ACCOUNT", errors.New("is required with ALIQUOT_LAB_NEUTRAL_URL, without a colon"))
	}
	if len(s.NeutralSecrets) == 0 {
		found.add("ALIQUOT_LAB_NEUTRAL_SECRETS", errors.New("is required with ALIQUOT_LAB_NEUTRAL_URL"))
	}
	for _, secret := range s.NeutralSecrets {
		_, err := webhooks.ParseSecret(secret.Reveal())
		found.add("ALIQUOT_LAB_NEUTRAL_SECRETS", err)
	}
	return found
}

func (s SimulatedLab) checkCourier() problems {
	var found problems
	if s.CourierURL == "" {
		return nil
	}
	found.add("ALIQUOT_LAB_COURIER_URL", checkURL(s.CourierURL))
	if s.CourierSecret == "" {
		found.add("ALIQUOT_COURIER_SECRET", errors.New("is required with ALIQUOT_LAB_COURIER_URL"))
	}
	if s.CourierAPIKey == "" {
		found.add("ALIQUOT_COURIER_KEY", errors.New("is required with ALIQUOT_LAB_COURIER_URL"))
	}
	return found
}

func (c Client) check() problems {
	var found problems
	if c.URL != "" {
		found.add("ALIQUOT_URL", checkURL(c.URL))
	}
	return found
}

func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return errors.New("is not host:port")
	}
	return nil
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("is not an http or https URL")
	}
	return nil
}

// checkRate limits rates to what the store can count in microseconds.
func checkRate(perSecond int) error {
	if perSecond < 0 || perSecond > 1_000_000 {
		return errors.New("is not between 0 and 1000000")
	}
	return nil
}

func checkPositive(d time.Duration) error {
	if d <= 0 {
		return errors.New("is not positive")
	}
	return nil
}

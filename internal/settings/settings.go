// Package settings reads the settings of each process from environment variables. Each kind of process has a struct
// with its settings and their defaults; meanings describes them. A process reads its settings once, when it starts, and
// its error lists everything that is wrong with them. Secrets never appear in errors or logs.
package settings

import "time"

//go:generate go run ./settingsdoc -out ../../docs/settings.md

// Common are the settings of the API, the workers and the administrative commands that work on the database.
type Common struct {
	DatabaseURL      Secret `env:"ALIQUOT_DATABASE_URL" envDefault:"sqlite:.aliquot/aliquot.db"`
	DatabaseInsecure bool   `env:"ALIQUOT_DATABASE_INSECURE" envDefault:"false"`
	PublicURL        string `env:"ALIQUOT_PUBLIC_URL"`
	EncryptionKeys   Secret `env:"ALIQUOT_ENCRYPTION_KEYS,required,notEmpty"`
	Temporal
	Master
	Process
}

// Migrate are the settings of aliquot migrate.
type Migrate struct {
	Common
	PartitionRetention
	MigrationURL    Secret `env:"ALIQUOT_MIGRATION_DATABASE_URL"`
	ApplicationRole string `env:"ALIQUOT_DATABASE_APP_ROLE"`
	ReadRole        string `env:"ALIQUOT_DATABASE_READ_ROLE"`
}

// Master is the setting of the master key, which wraps encryption keys.
type Master struct {
	MasterKey Secret `env:"ALIQUOT_MASTER_KEY"`
}

// Process are the settings that every process has.
type Process struct {
	LogLevel    string `env:"ALIQUOT_LOG_LEVEL" envDefault:"info"`
	MetricsAddr string `env:"ALIQUOT_METRICS"`
}

// WebhookNetworks restricts where webhooks may be delivered. The API refuses other endpoints, and the workers refuse
// other connections.
type WebhookNetworks struct {
	AllowedNetworks []string `env:"ALIQUOT_WEBHOOK_NETWORKS"`
}

// Traces are the settings of traces of requests, workflows and calls.
type Traces struct {
	TraceURL     string   `env:"ALIQUOT_TRACE_URL"`
	TraceSample  float64  `env:"ALIQUOT_TRACE_SAMPLE" envDefault:"0.1"`
	TraceHeaders []Secret `env:"ALIQUOT_TRACE_HEADERS"`
}

// Replica are the settings of a replica of the database, which answers reads of the API.
type Replica struct {
	ReplicaURL Secret        `env:"ALIQUOT_DATABASE_REPLICA_URL"`
	ReplicaLag time.Duration `env:"ALIQUOT_DATABASE_REPLICA_LAG" envDefault:"5s"`
}

// API are the settings of aliquot api.
type API struct {
	Common
	Replica
	WebhookNetworks
	Traces
	Shutdown
	DrainDelay      time.Duration `env:"ALIQUOT_DRAIN_DELAY" envDefault:"5s"`
	Addr            string        `env:"ALIQUOT_API_ADDR" envDefault:"127.0.0.1:8080"`
	TimeZone        string        `env:"ALIQUOT_TIME_ZONE" envDefault:"UTC"`
	MaxBody         int64         `env:"ALIQUOT_MAX_BODY" envDefault:"4194304"`
	APIKeyRate      int           `env:"ALIQUOT_KEY_RATE" envDefault:"1000"`
	AddressRate     int           `env:"ALIQUOT_ADDRESS_RATE" envDefault:"2000"`
	TrustedProxies  []string      `env:"ALIQUOT_TRUSTED_PROXIES"`
	PartnerNetworks []string      `env:"ALIQUOT_PARTNER_NETWORKS"`
	BillingFile     string        `env:"ALIQUOT_BILLING_REFERENCE"`
	CourierSecrets  []Secret      `env:"ALIQUOT_COURIER_SECRETS"`
}

// Worker are the settings of aliquot worker.
type Worker struct {
	Common
	WebhookNetworks
	Shutdown
	Traces
	Deployment
	PartitionRetention
	BuildID            string        `env:"ALIQUOT_BUILD_ID"`
	HeldChanges        []string      `env:"ALIQUOT_HELD_CHANGES"`
	Queues             []string      `env:"ALIQUOT_QUEUES" envDefault:"orders,labs,deliveries"`
	CheckInterval      time.Duration `env:"ALIQUOT_CHECK_INTERVAL" envDefault:"2s"`
	CourierAPIKey      Secret        `env:"ALIQUOT_COURIER_KEY"`
	CourierURL         string        `env:"ALIQUOT_COURIER_URL" envDefault:"https://api.easypost.com"`
	PartnerTimeout     time.Duration `env:"ALIQUOT_PARTNER_TIMEOUT" envDefault:"30s"`
	WebhookTimeout     time.Duration `env:"ALIQUOT_WEBHOOK_TIMEOUT" envDefault:"15s"`
	WebhookConcurrency int           `env:"ALIQUOT_WEBHOOK_CONCURRENCY" envDefault:"16"`
	ResultRetention    time.Duration `env:"ALIQUOT_RESULT_RETENTION" envDefault:"0s"`
	InboxRetention     time.Duration `env:"ALIQUOT_INBOX_RETENTION" envDefault:"8760h"`
}

// PartitionRetention are the settings of how long webhook messages and the audit are stored, which PostgreSQL stores in
// partitions of time.
type PartitionRetention struct {
	WebhookRetention time.Duration `env:"ALIQUOT_WEBHOOK_RETENTION" envDefault:"2160h"`
	AuditRetention   time.Duration `env:"ALIQUOT_AUDIT_RETENTION" envDefault:"0s"`
}

// Shutdown is the setting of how a process ends after SIGTERM.
type Shutdown struct {
	StopTimeout time.Duration `env:"ALIQUOT_STOP_TIMEOUT" envDefault:"20s"`
}

// Deployment names the workers that are rolled out together.
type Deployment struct {
	Name string `env:"ALIQUOT_DEPLOYMENT" envDefault:"aliquot"`
}

// Rollout are the settings of aliquot rollout.
type Rollout struct {
	Temporal
	Deployment
	Process
}

// SimulatedLab are the settings of the simulated lab, aliquot sandbox.
type SimulatedLab struct {
	Process
	Addr  string `env:"ALIQUOT_LAB_ADDR" envDefault:"127.0.0.1:8090"`
	User  string `env:"ALIQUOT_LAB_USER,required,notEmpty"`
	Token Secret `env:"ALIQUOT_LAB_TOKEN,required,notEmpty"`

	WebhookURL string `env:"ALIQUOT_LAB_WEBHOOK_URL" envDefault:"http://127.0.0.1:8080/webhooks/labs/molecular"`

	CourierURL       string        `env:"ALIQUOT_LAB_COURIER_URL"`
	CourierSecret    Secret        `env:"ALIQUOT_COURIER_SECRET"`
	CourierAPIKey    Secret        `env:"ALIQUOT_COURIER_KEY"`
	NeutralURL       string        `env:"ALIQUOT_LAB_NEUTRAL_URL"`
	NeutralName      string        `env:"ALIQUOT_LAB_NEUTRAL_ACCOUNT"`
	NeutralSecrets   []Secret      `env:"ALIQUOT_LAB_NEUTRAL_SECRETS"`
	Speed            string        `env:"ALIQUOT_LAB_SPEED" envDefault:"86400"`
	Mode             string        `env:"ALIQUOT_LAB_MODE" envDefault:"auto"`
	OffersCancelCall bool          `env:"ALIQUOT_LAB_CANCEL_CALL" envDefault:"false"`
	Spacing          time.Duration `env:"ALIQUOT_LAB_SPACING" envDefault:"0s"`
}

// Client are the settings of the administrative commands that call a running API. Flags override them. Without both,
// the values come from the file dev.env in the data folder of a running aliquot dev.
type Client struct {
	URL    string `env:"ALIQUOT_URL"`
	APIKey Secret `env:"ALIQUOT_OPS_KEY"`
}

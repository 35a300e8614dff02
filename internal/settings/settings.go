// Package settings holds what each process of Aliquot can be told, all of it by environment variables: one struct per kind of
// process, every setting with its default and its meaning. A process reads its settings once, at start, and reports everything that
// is wrong with them at once. Secrets never appear in those reports, nor in logs.
package settings

import "time"

//go:generate go run ./settingsdoc -out ../../docs/settings.md

// Common is what the API, the workers and the administrative commands that work on the database share.
type Common struct {
	DatabaseURL    Secret `env:"ALIQUOT_DATABASE_URL" envDefault:"sqlite:.aliquot/aliquot.db" desc:"Where the store is: postgres://… or sqlite:PATH. A PostgreSQL that is reached over a network wants sslmode=verify-full, and sslrootcert, sslcert and sslkey where they are needed (docs/security.md)."`
	PublicURL      string `env:"ALIQUOT_PUBLIC_URL" desc:"Where clients reach the API, such as https://lab.example: orders name their requisition there, to be read without a key for a week (requisition_form_url). Workers need it too, which write webhooks. Empty: they do not."`
	EncryptionKeys Secret `env:"ALIQUOT_ENCRYPTION_KEYS,required,notEmpty" desc:"What seals patient data: comma-separated keys, each <id>:<base64 of 32 bytes> or, wrapped by the master key, <id>:wrapped:<base64>. The first seals, all open. Make one with aliquot key new-encryption; docs/security.md says how to change it."`
	Temporal
	Master
	Process
}

// Master is what the encryption keys are wrapped by.
type Master struct {
	MasterKey Secret `env:"ALIQUOT_MASTER_KEY" desc:"Key, or comma-separated keys, that unwraps wrapped encryption keys, in their form; best read from a file (ALIQUOT_MASTER_KEY_FILE) that is kept apart from the database. The first wraps, all unwrap. Empty: no key is wrapped."`
}

// Process is what every process has.
type Process struct {
	LogLevel    string `env:"ALIQUOT_LOG_LEVEL" envDefault:"info" desc:"debug, info, warn or error. Logs are JSON lines on standard error."`
	MetricsAddr string `env:"ALIQUOT_METRICS" desc:"Address, host:port, of /metrics (Prometheus), /healthz and /readyz. Empty: not served."`
}

// WebhookNetworks says where webhooks may be delivered. The API refuses endpoints elsewhere, and the workers connections.
type WebhookNetworks struct {
	AllowedNetworks []string `env:"ALIQUOT_WEBHOOK_NETWORKS" desc:"Networks, comma-separated in CIDR form, that webhooks may be delivered to although they are not public. Empty: public addresses only."`
}

// Traces say whether requests, workflows and calls are traced.
type Traces struct {
	TraceURL     string   `env:"ALIQUOT_TRACE_URL" desc:"Where traces are sent, OTLP over HTTP, such as http://collector:4318/v1/traces. Empty: nothing is traced."`
	TraceSample  float64  `env:"ALIQUOT_TRACE_SAMPLE" envDefault:"0.1" desc:"Part of the traces that is kept, from 0 to 1. All spans of an order's trace are kept or none is."`
	TraceHeaders []Secret `env:"ALIQUOT_TRACE_HEADERS" desc:"Headers of what is sent there, comma-separated, each name=value, such as a vendor's key."`
}

// API is what aliquot api can be told.
type API struct {
	Common
	WebhookNetworks
	Traces
	Shutdown
	DrainDelay     time.Duration `env:"ALIQUOT_DRAIN_DELAY" envDefault:"5s" desc:"How long after SIGTERM requests are still taken, while /readyz says no, so that load balancers notice."`
	Addr           string        `env:"ALIQUOT_API_ADDR" envDefault:"127.0.0.1:8080" desc:"Address that the API listens on, host:port."`
	TimeZone       string        `env:"ALIQUOT_TIME_ZONE" envDefault:"UTC" desc:"IANA time zone that says which day it is, for activate_by and for ages."`
	MaxBody        int64         `env:"ALIQUOT_MAX_BODY" envDefault:"4194304" desc:"Largest request body of the client and operations API, in bytes."`
	APIKeyRate     int           `env:"ALIQUOT_KEY_RATE" envDefault:"1000" desc:"Requests a second that one API key may make, over all processes; ten times as many at once after a rest. 0: no limit."`
	AddressRate    int           `env:"ALIQUOT_ADDRESS_RATE" envDefault:"2000" desc:"The same for one network address (IPv6: one /64), whatever it shows. Health is exempt. 0: no limit."`
	TrustedProxies []string      `env:"ALIQUOT_TRUSTED_PROXIES" desc:"Networks, comma-separated in CIDR form, of the proxies in front of the API: what they say in X-Forwarded-For is the caller's address, for limits and the audit. Empty: the address of the connection."`
	BillingFile    string        `env:"ALIQUOT_BILLING_REFERENCE" desc:"File with the payors and the ICD-10-CM diagnoses that bills name, in the form of docs/billing.md. Empty: a small set that is built in."`
	CourierSecrets []Secret      `env:"ALIQUOT_COURIER_SECRETS" desc:"Secrets, comma-separated, that sign the courier's webhooks; several during a rotation. Empty: the courier webhook answers 503."`
}

// Worker is what aliquot worker can be told.
type Worker struct {
	Common
	WebhookNetworks
	Shutdown
	Traces
	Deployment
	BuildID            string        `env:"ALIQUOT_BUILD_ID" desc:"Which build of its deployment this worker is, such as a release's tag; it gets work once aliquot rollout has made it current. Empty: unversioned. The same as --build-id."`
	HeldChanges        []string      `env:"ALIQUOT_HELD_CHANGES" desc:"Changes of workflow code, comma-separated by their ids, or all, that this worker understands and does not begin (docs/rollouts.md)."`
	Queues             []string      `env:"ALIQUOT_QUEUES" envDefault:"orders,labs,deliveries" desc:"Task queues, comma-separated, that this worker serves: orders (workflows of orders), labs (calls to labs, couriers and providers), deliveries (webhooks, reconciler). Somebody must serve each of them. The same as --queues."`
	CourierAPIKey      Secret        `env:"ALIQUOT_COURIER_KEY" desc:"Key of the tracking service's API (EasyPost). Empty: shipments are not tracked."`
	CourierURL         string        `env:"ALIQUOT_COURIER_URL" envDefault:"https://api.easypost.com" desc:"Base URL of the tracking service's API."`
	PartnerTimeout     time.Duration `env:"ALIQUOT_PARTNER_TIMEOUT" envDefault:"30s" desc:"Longest exchange with a lab or a courier."`
	WebhookTimeout     time.Duration `env:"ALIQUOT_WEBHOOK_TIMEOUT" envDefault:"15s" desc:"Longest attempt to deliver a webhook."`
	WebhookConcurrency int           `env:"ALIQUOT_WEBHOOK_CONCURRENCY" envDefault:"16" desc:"Most webhooks under way to one endpoint at once."`
	WebhookRetention   time.Duration `env:"ALIQUOT_WEBHOOK_RETENTION" envDefault:"2160h" desc:"How long webhook messages and the log of their deliveries are kept, at least 72h. 0s: for good."`
	ResultRetention    time.Duration `env:"ALIQUOT_RESULT_RETENTION" envDefault:"0s" desc:"How long results of ended orders are kept after they came, at least 720h. 0s: for good."`
	InboxRetention     time.Duration `env:"ALIQUOT_INBOX_RETENTION" envDefault:"8760h" desc:"How long what partners sent is kept verbatim, at least 720h; what became of it is kept for good. 0s: for good."`
	AuditRetention     time.Duration `env:"ALIQUOT_AUDIT_RETENTION" envDefault:"0s" desc:"How long the audit is kept, at least 52560h, the six years of HIPAA. 0s: for good."`
}

// Shutdown is how a process ends after SIGTERM.
type Shutdown struct {
	StopTimeout time.Duration `env:"ALIQUOT_STOP_TIMEOUT" envDefault:"20s" desc:"How long requests and activities that are running may take to finish after SIGTERM. What kills the process must wait for longer, ALIQUOT_DRAIN_DELAY included."`
}

// Deployment is which workers are rolled out together.
type Deployment struct {
	Name string `env:"ALIQUOT_DEPLOYMENT" envDefault:"aliquot" desc:"Name of the worker deployment: all workers of one namespace that are rolled out together. The same as --deployment."`
}

// Rollout is what aliquot rollout can be told.
type Rollout struct {
	Temporal
	Deployment
	Process
}

// SimulatedLab is what aliquot sandbox, the simulated lab, can be told.
type SimulatedLab struct {
	Process
	Addr             string        `env:"ALIQUOT_LAB_ADDR" envDefault:"127.0.0.1:8090" desc:"Address that the simulated lab listens on, host:port."`
	User             string        `env:"ALIQUOT_LAB_USER,required,notEmpty" desc:"The lab's user, as the lab account has it."`
	Token            Secret        `env:"ALIQUOT_LAB_TOKEN,required,notEmpty" desc:"The lab's token, as the lab account has it."`
	WebhookURL       string        `env:"ALIQUOT_LAB_WEBHOOK_URL" envDefault:"http://127.0.0.1:8080/webhooks/labs/molecular" desc:"Where lab webhooks are posted."`
	CourierURL       string        `env:"ALIQUOT_LAB_COURIER_URL" desc:"Where courier events are posted. Empty: there is no courier."`
	CourierSecret    Secret        `env:"ALIQUOT_COURIER_SECRET" desc:"What signs courier events. Required with a courier."`
	CourierAPIKey    Secret        `env:"ALIQUOT_COURIER_KEY" desc:"What the tracker API expects as its key. Required with a courier."`
	NeutralURL       string        `env:"ALIQUOT_LAB_NEUTRAL_URL" desc:"Where facts of the neutral partner protocol are posted. Empty: the protocol is not offered."`
	NeutralName      string        `env:"ALIQUOT_LAB_NEUTRAL_ACCOUNT" desc:"The account's name in the neutral protocol, as the lab account has it. Required with its URL."`
	NeutralSecrets   []Secret      `env:"ALIQUOT_LAB_NEUTRAL_SECRETS" desc:"Secrets, comma-separated, each whsec_ and base64, that sign and verify the neutral protocol; several during a rotation. Required with its URL."`
	Speed            string        `env:"ALIQUOT_LAB_SPEED" envDefault:"86400" desc:"Simulated seconds in a real one: 1 is real life, 86400 makes a day a second, max waits for nothing."`
	Mode             string        `env:"ALIQUOT_LAB_MODE" envDefault:"auto" desc:"auto plays each order's script; manual sends nothing by itself."`
	OffersCancelCall bool          `env:"ALIQUOT_LAB_CANCEL_CALL" envDefault:"false" desc:"Offers POST /CancelOrder, which the real lab has not confirmed."`
	Spacing          time.Duration `env:"ALIQUOT_LAB_SPACING" envDefault:"0s" desc:"Least time between two calls; calls that come sooner are marked in the account."`
}

// Client is what the administrative commands that speak to a running API can be told. Flags win; what is set nowhere is taken from
// the file dev.env that a running aliquot dev keeps in its data folder.
type Client struct {
	URL    string `env:"ALIQUOT_URL" desc:"Base URL of the API."`
	APIKey Secret `env:"ALIQUOT_OPS_KEY" desc:"API key with the role administrator, operations or operations_read."`
}

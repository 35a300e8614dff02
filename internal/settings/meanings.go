package settings

// meanings says what each setting means, for docs/settings.md. The keys are the Go names of the struct and its field.
var meanings = map[string]string{ //nolint:gosec // texts about secrets, not secrets
	"Common.DatabaseURL": "URL of the store: postgres://… or sqlite:PATH. A PATH is taken as it is, without escapes, " +
		"and its folder has to exist; files are for their owner only. A PostgreSQL server on another " +
		"machine needs sslmode=verify-full and, depending on the server, sslrootcert, sslcert and sslkey " +
		"(docs/security.md). Its user is the application's role.",
	"Common.DatabaseInsecure": "Whether a PostgreSQL server on another machine may be reached without " +
		"sslmode=verify-full. Only for a private network whose machines are all trusted.",
	"Common.PublicURL": "URL at which clients reach the API, such as https://lab.example. With it, " +
		"orders have a link to their requisition (requisition_form_url) that works without an API key for a week. The " +
		"workers need it for webhooks. Empty: orders have no such link.",
	"Common.EncryptionKeys": "Keys that seal patient data, comma-separated, each <id>:<base64 of 32 " +
		"bytes> or, wrapped by the master key, <id>:wrapped:<base64>. The first key seals; every key opens what it " +
		"sealed. aliquot key new-encryption creates a key; docs/security.md has the steps of a change of keys.",

	"Migrate.MigrationURL": "URL of the store with the role that owns the schema. Only aliquot migrate and aliquot " +
		"backfill use it. Empty: ALIQUOT_DATABASE_URL.",
	"Migrate.ApplicationRole": "PostgreSQL role of the API and the workers, which aliquot migrate grants what " +
		"they need, and nothing else (docs/deploy.md). Empty: nothing is granted; the owner is the only role.",
	"Migrate.ReadRole": "PostgreSQL role for reports, which aliquot migrate grants reading without secrets and " +
		"sealed columns (docs/security.md). Empty: nothing is granted.",
	"Replica.ReplicaURL": "URL of a replica of the database, a hot standby of PostgreSQL: " +
		"postgres://…, by the rules of ALIQUOT_DATABASE_URL. It answers reads of clients and operations " +
		"(docs/deploy.md). While it is away or too old, the database answers them. Empty: there is none.",
	"Replica.ReplicaLag": "How old an answer of the replica may be, from 1s to 5m. Orders, their results and " +
		"documents are never old; lists, searches and logs may be.",

	"Master.MasterKey": "Key, or comma-separated keys, that unwrap wrapped encryption keys, in the " +
		"form of encryption keys. Read it from a file (ALIQUOT_MASTER_KEY_FILE) that is stored apart from the " +
		"database. The first key wraps; every key unwraps. Empty: encryption keys are not wrapped.",

	"Process.LogLevel": "debug, info, warn or error. Logs are JSON lines on standard error.",
	"Process.MetricsAddr": "Address, host:port, of /metrics (Prometheus), /healthz and /readyz. " +
		"Empty: they are not served.",

	"WebhookNetworks.AllowedNetworks": "Networks that are not public and to which webhooks may be delivered, " +
		"comma-separated in CIDR form. Empty: public addresses only.",

	"Traces.TraceURL": "URL to which traces are sent, OTLP over HTTP, such as " +
		"http://collector:4318/v1/traces. Empty: there are no traces.",
	"Traces.TraceSample": "Fraction of the traces that are sent, from 0 to 1. Of an order's trace, " +
		"all spans are sent or none.",
	"Traces.TraceHeaders": "Headers of the requests to ALIQUOT_TRACE_URL, comma-separated, each " +
		"name=value, such as an API key of a vendor.",

	"API.DrainDelay": "How long requests are still accepted after SIGTERM, while /readyz reports " +
		"that the process stops, so that load balancers notice.",
	"API.Addr":     "Address that the API listens on, host:port.",
	"API.TimeZone": "IANA time zone that determines the current day, for activate_by and for ages.",
	"API.MaxBody":  "Largest request body of the client and operations API, in bytes.",
	"API.APIKeyRate": "Requests per second of one API key, over all processes. After a pause, " +
		"ten times as many at once are allowed. 0: no limit.",
	"API.AddressRate": "Requests per second of one network address (IPv6: one /64), with any " +
		"credentials. Health checks are exempt. 0: no limit.",
	"API.TrustedProxies": "Networks of the proxies in front of the API, comma-separated in CIDR " +
		"form. From them, X-Forwarded-For is the caller's address, for limits and the audit. Empty: the caller's " +
		"address is that of the connection.",
	"API.PartnerNetworks": "Networks that are not public and in which the base URLs of lab accounts may be, " +
		"comma-separated in CIDR form. A host name may stand for any address. Empty: public addresses only.",
	"API.BillingFile": "File with the payors and ICD-10-CM diagnoses for bills, in the form of " +
		"docs/billing.md. Empty: a small built-in set.",
	"API.CourierSecrets": "Secrets, comma-separated, that sign the courier's webhooks; several " +
		"during a rotation. Empty: the courier webhook answers 503.",

	"Worker.BuildID": "Build of this worker in its deployment, such as the tag of a release. The " +
		"worker gets work when aliquot rollout has made the build current. Empty: unversioned. The same as " +
		"--build-id.",
	"Worker.HeldChanges": "Changes of workflow code, comma-separated by their ids, or all, that this " +
		"worker supports but does not start to use (docs/rollouts.md).",
	"Worker.Queues": "Task queues that this worker serves, comma-separated: orders (workflows " +
		"of orders), labs (calls to labs, couriers and providers), deliveries (webhooks, reconciler). Each queue " +
		"needs at least one worker. The same as --queues.",
	"Worker.CheckInterval": "Time between two checks that the database can be written to and that the " +
		"encryption keys are the right ones, at least 100ms. A worker stops polling after two failures in a row, until " +
		"a check succeeds. 0s: no checks; a worker then takes tasks that it cannot do.",
	"Worker.CourierAPIKey":      "API key of the tracking service (EasyPost). Empty: shipments are not tracked.",
	"Worker.CourierURL":         "Base URL of the tracking service's API.",
	"Worker.PartnerTimeout":     "Longest time of one call to a lab or a courier.",
	"Worker.WebhookTimeout":     "Longest time of one attempt to deliver a webhook.",
	"Worker.WebhookConcurrency": "Greatest number of attempts to one endpoint at the same time.",
	"Worker.ResultRetention": "How long results of ended orders are stored after they arrived, at least " +
		"720h. 0s: without limit.",
	"Worker.InboxRetention": "How long the verbatim bodies of inbox items are stored, at least 720h; " +
		"their outcomes are stored without limit. 0s: without limit.",
	"PartitionRetention.WebhookRetention": "How long webhook messages and the log of their deliveries are stored, at " +
		"least 72h. 0s: without limit. On PostgreSQL the value that aliquot migrate last had counts, and a message stays " +
		"up to a week longer.",
	"PartitionRetention.AuditRetention": "How long the audit is stored, at least 52560h, the six years of HIPAA. " +
		"0s: without limit. On PostgreSQL the value that aliquot migrate last had counts, and a row stays up to a month " +
		"longer.",

	"Shutdown.StopTimeout": "How long running requests and activities may take to finish after " +
		"SIGTERM. A supervisor that kills the process has to wait longer than this and ALIQUOT_DRAIN_DELAY together.",

	"Deployment.Name": "Name of the worker deployment: the workers of one namespace that are " +
		"rolled out together. The same as --deployment.",

	"SimulatedLab.Addr":          "Address that the simulated lab listens on, host:port.",
	"SimulatedLab.User":          "User of the lab account.",
	"SimulatedLab.Token":         "Token of the lab account.",
	"SimulatedLab.WebhookURL":    "URL to which lab webhooks are posted.",
	"SimulatedLab.CourierURL":    "URL to which courier events are posted. Empty: there is no courier.",
	"SimulatedLab.CourierSecret": "Secret that signs courier events. Required with ALIQUOT_LAB_COURIER_URL.",
	"SimulatedLab.CourierAPIKey": "API key that the tracker API expects. Required with ALIQUOT_LAB_COURIER_URL.",
	"SimulatedLab.NeutralURL": "URL to which webhooks of the neutral protocol are posted. Empty: the " +
		"neutral protocol is not offered.",
	"SimulatedLab.NeutralName": "User of the lab account in the neutral protocol. Required with " +
		"ALIQUOT_LAB_NEUTRAL_URL.",
	"SimulatedLab.NeutralSecrets": "Secrets, comma-separated, each whsec_ and base64, that sign and verify " +
		"the neutral protocol; several during a rotation. Required with ALIQUOT_LAB_NEUTRAL_URL.",
	"SimulatedLab.Speed": "Simulated seconds per real second: 1 is real time, 86400 makes a day a " +
		"second, with max nothing waits.",
	"SimulatedLab.Mode": "auto runs each order's script; manual sends only what control endpoints " +
		"ask for.",
	"SimulatedLab.OffersCancelCall": "Offers POST /CancelOrder, which the real lab has not confirmed.",
	"SimulatedLab.Spacing":          "Minimum time between two calls; earlier calls are marked in the traffic log.",

	"Client.URL":    "Base URL of the API.",
	"Client.APIKey": "API key with the role administrator, operations or operations_read.",

	"Temporal.HostPort":  "Address of Temporal's frontend, host:port.",
	"Temporal.Namespace": "Temporal namespace.",
	"Temporal.UseTLS": "Whether to connect to Temporal by TLS. Each of the next five settings " +
		"implies it.",
	"Temporal.CAFile": "File with the CA certificates, PEM, that verify Temporal's certificate. " +
		"Empty: those of the system.",
	"Temporal.CertFile": "File with our client certificate, PEM, for mutual TLS. Empty: no client " +
		"certificate.",
	"Temporal.KeyFile": "File with the private key of the client certificate, PEM.",
	"Temporal.ServerName": "Name that Temporal's certificate must have. Empty: the host of " +
		"ALIQUOT_TEMPORAL.",
	"Temporal.APIKey": "API key of every call to Temporal; requires TLS. A key from a file " +
		"(ALIQUOT_TEMPORAL_API_KEY_FILE) is read again for each call, so that it can be rotated without a restart. " +
		"Empty: none.",
}

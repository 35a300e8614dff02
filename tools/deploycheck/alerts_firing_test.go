package deploycheck

import (
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/require"
)

// alertCase holds series, one sample a minute for two hours, with which an alert fires and with which it does not.
type alertCase struct{ firing, quiet string }

// alertCases has an entry for every alert.
var alertCases = map[string]alertCase{
	"ProcessDown": {`up{job="aliquot-worker",instance="a"} 0x120`, `up{job="aliquot-worker",instance="a"} 1x120`},
	"NoProcess": {
		"up{job=\"aliquot-api\"} 1x120\nup{job=\"aliquot-worker\"} 0x120",
		"up{job=\"aliquot-api\",instance=\"a\"} 0x120\n" +
			"up{job=\"aliquot-api\",instance=\"b\"} 1x120\n" +
			"up{job=\"aliquot-worker\"} 1x120",
	},
	"DependencyUnreachable": {
		"aliquot_dependency_up{dependency=\"store\",instance=\"a\"} 0x120\n" +
			"aliquot_dependency_up{dependency=\"store\",instance=\"b\"} 0x120",
		"aliquot_dependency_up{dependency=\"store\",instance=\"a\"} 0x120\n" +
			"aliquot_dependency_up{dependency=\"store\",instance=\"b\"} 1x120",
	},
	"DependencyFlaky": {
		"aliquot_dependency_up{dependency=\"store\",instance=\"a\"} 0x120\n" +
			"aliquot_dependency_up{dependency=\"store\",instance=\"b\"} 1x120",
		`aliquot_dependency_up{dependency="store",instance="a"} 1x120`,
	},
	"WorkerPaused": {
		"aliquot_worker_polling{queue=\"aliquot-orders\",instance=\"a\"} 0x120\n" +
			"aliquot_worker_polling{queue=\"aliquot-orders\",instance=\"b\"} 1x120",
		"aliquot_worker_polling{queue=\"aliquot-orders\",instance=\"a\"} 1x120\n" +
			"aliquot_worker_polling{queue=\"aliquot-orders\",instance=\"b\"} 1x120",
	},
	"ConnectionsUsedUp": {
		"go_sql_in_use_connections{db_name=\"store\",instance=\"a\"} 8x120\n" +
			"go_sql_max_open_connections{db_name=\"store\",instance=\"a\"} 8x120",
		"go_sql_in_use_connections{db_name=\"store\",instance=\"a\"} 2x120\n" +
			"go_sql_max_open_connections{db_name=\"store\",instance=\"a\"} 8x120",
	},
	"ReplicaNotUsed": {
		"aliquot_database_replica_reads_total{outcome=\"answered\"} 0+10x120\n" +
			"aliquot_database_replica_reads_total{outcome=\"unavailable\"} 0+90x120",
		"aliquot_database_replica_reads_total{outcome=\"answered\"} 0+90x120\n" +
			"aliquot_database_replica_reads_total{outcome=\"behind\"} 0+10x120",
	},
	"RequestsFailing": {
		"aliquot_http_request_duration_seconds_count{status=\"200\"} 0+100x120\n" +
			"aliquot_http_request_duration_seconds_count{status=\"503\"} 0+5x120",
		"aliquot_http_request_duration_seconds_count{status=\"404\"} 0+100x120\n" +
			"aliquot_http_request_duration_seconds_count{status=\"503\"} 0+0x120",
	},
	"RequestsSlow": {
		"aliquot_http_request_duration_seconds_bucket{method=\"GET\",le=\"1\"} 0+90x120\n" +
			"aliquot_http_request_duration_seconds_bucket{method=\"GET\",le=\"5\"} 0+100x120\n" +
			"aliquot_http_request_duration_seconds_bucket{method=\"GET\",le=\"+Inf\"} 0+100x120",
		"aliquot_http_request_duration_seconds_bucket{method=\"GET\",le=\"1\"} 0+100x120\n" +
			"aliquot_http_request_duration_seconds_bucket{method=\"GET\",le=\"5\"} 0+100x120\n" +
			"aliquot_http_request_duration_seconds_bucket{method=\"GET\",le=\"+Inf\"} 0+100x120",
	},
	"OrdersNotPlaced": {`aliquot_orders_attention{reason="placement_unanswered"} 3x120`,
		`aliquot_orders_attention{reason="kit_unused"} 3x120`},
	"OrdersNeedAttention": {
		`aliquot_orders_attention{reason="kit_unused"} 3x120`, `aliquot_orders_attention{reason="kit_unused"} 0x120`,
	},
	"LabCallsFailing": {
		"aliquot_partner_calls_total{kind=\"place\",outcome=\"done\"} 0+1x120\n" +
			"aliquot_partner_calls_total{kind=\"place\",outcome=\"unanswered\"} 0+5x120",
		"aliquot_partner_calls_total{kind=\"place\",outcome=\"refused\"} 0+5x120\n" +
			"aliquot_partner_calls_total{kind=\"place\",outcome=\"unanswered\"} 0+1x120",
	},
	"CourierAccountRefused": {`aliquot_courier_account_refused_seconds 0+60x120`,
		`aliquot_courier_account_refused_seconds 0x120`},
	"InboxWaiting": {`aliquot_inbox_waiting_seconds 0+60x120`, `aliquot_inbox_waiting_seconds 30x120`},
	"ReportsUnmatched": {`aliquot_inbox_waiting{state="unmatched"} 30x120`,
		`aliquot_inbox_waiting{state="received"} 30x120`},
	"QuarantineFull": {`aliquot_partner_reports_total{partner="neutral",outcome="quarantine_full"} 0+1x120`,
		`aliquot_partner_reports_total{partner="neutral",outcome="quarantined"} 0+1x120`},
	"DeliveriesBehind": {`aliquot_deliveries_behind_seconds 0+60x120`, `aliquot_deliveries_behind_seconds 5x120`},
	"DeliveriesFailing": {
		"aliquot_delivery_attempts_total{failure=\"\"} 0+1x120\naliquot_delivery_attempts_total{failure=\"timeout\"} 0+3x120",
		"aliquot_delivery_attempts_total{failure=\"\"} 0+9x120\naliquot_delivery_attempts_total{failure=\"timeout\"} 0+1x120",
	},
	"DeliveriesGivenUp": {
		"aliquot_deliveries_exhausted_total 0x120\naliquot_endpoints_disabled_total{reason=\"gone\"} 0x100 1x20",
		"aliquot_deliveries_exhausted_total 5x120\naliquot_endpoints_disabled_total{reason=\"gone\"} 0x120",
	},
	"ReconcilerHealing": {
		`aliquot_reconciler_healed_total{kind="fact"} 0+1x120`,
		"aliquot_reconciler_healed_total{kind=\"fact\"} 7x120\naliquot_reconciler_healed_total{kind=\"silence\"} 0+1x120\n" +
			"aliquot_reconciler_healed_total{kind=\"behind\"} 0+1x120",
	},
	"ReconcilerStopped": {
		"aliquot_reconciler_last_success_timestamp_seconds{instance=\"a\"} 60x120\n" +
			"aliquot_reconciler_last_success_timestamp_seconds{instance=\"b\"} 0x120",
		"aliquot_reconciler_last_success_timestamp_seconds{instance=\"a\"} 0+60x120\n" +
			"aliquot_reconciler_last_success_timestamp_seconds{instance=\"b\"} 0x120",
	},
	"SweepStepFailing": {
		`aliquot_sweep_step_failures_total{step="seal_audit"} 0+3x120`,
		"aliquot_sweep_step_failures_total{step=\"seal_audit\"} 3x120\n" +
			"aliquot_sweep_step_failures_total{step=\"open_orders\"} 0+1x120",
	},
	"OpenOrdersSweepFailing": {
		`aliquot_sweep_step_failures_total{step="open_orders"} 0x30 1x60 2x30`,
		"aliquot_sweep_step_failures_total{step=\"open_orders\"} 3x120\n" +
			"aliquot_sweep_step_failures_total{step=\"prune\"} 0+1x120",
	},
	"OrdersBehind": {
		`aliquot_reconciler_healed_total{kind="behind"} 0x10 1x11 2x11 3x11 4x11 5x11 6x11 7x11 8x11 9x11 10x11`,
		"aliquot_reconciler_healed_total{kind=\"behind\"} 0x60 5000x60\n" +
			"aliquot_reconciler_healed_total{kind=\"fact\"} 0+1x120",
	},
	"TemporalIncomplete": {
		"aliquot_temporal_missing{kind=\"schedule\",instance=\"a\"} 3x120\n" +
			"aliquot_temporal_missing{kind=\"schedule\",instance=\"b\"} 0x120",
		`aliquot_temporal_missing{kind="schedule",instance="a"} 0x120`,
	},
	"QueueWithoutWorkers": {
		`aliquot_task_queue_pollers{queue="aliquot-labs",tasks="activity"} 0x120`,
		`aliquot_task_queue_pollers{queue="aliquot-labs",tasks="activity"} 2x120`,
	},
	"QueueBacklog": {
		`aliquot_task_queue_backlog_age_seconds{queue="aliquot-labs",tasks="activity"} 0+60x120`,
		`aliquot_task_queue_backlog_age_seconds{queue="aliquot-labs",tasks="activity"} 2x120`,
	},
	"WorkflowTasksFailing": {
		`temporal_workflow_task_execution_failed_total{workflow_type="Order",failure_reason="NonDeterminismError"} 0+1x120`,
		`temporal_workflow_task_execution_failed_total{workflow_type="Order",failure_reason="WorkflowError"} 4x120`,
	},
	"AuditTampered":  {`aliquot_audit_tampered 1x120`, `aliquot_audit_tampered 0x120`},
	"AuditNotSealed": {`aliquot_audit_unsealed_seconds 0+60x120`, `aliquot_audit_unsealed_seconds 60x120`},
	"PartitionsMissing": {
		"aliquot_partitions_ahead 1x120\naliquot_partition_stray_rows 0x120",
		"aliquot_partitions_ahead 4x120\naliquot_partition_stray_rows 0x60 3x10 0x50",
	},
	"CertificateExpires": {
		`aliquot_certificate_expiry_timestamp_seconds{certificate="temporal"} 500000x120`,
		`aliquot_certificate_expiry_timestamp_seconds{certificate="temporal"} 5000000x120`,
	},
}

// evaluateAlert returns the value of an expression after two hours of the series. Each element of it is an alert.
func evaluateAlert(t *testing.T, expression, series string) promql.Vector {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 1m\n  "+indentSeries(series))
	engine := promqltest.NewTestEngine(t, false, 0, 1_000_000)
	query, err := engine.NewInstantQuery(t.Context(), storage, nil, expression, time.Unix(0, 0).Add(2*time.Hour))
	require.NoError(t, err)
	defer query.Close()
	result := query.Exec(t.Context())
	require.NoError(t, result.Err)
	vector, err := result.Vector()
	require.NoError(t, err)
	return vector
}

var labelPattern = regexp.MustCompile(`\$labels\.(\w+)`)

// missingLabels lists the labels that the texts of an alert use and that one of its series lacks. The text would be
// incomplete there.
func missingLabels(a rulefmt.Rule, series promql.Vector) (missing []string) {
	for _, text := range a.Annotations {
		for _, m := range labelPattern.FindAllStringSubmatch(text, -1) {
			for _, s := range series {
				if s.Metric.Get(m[1]) == "" {
					missing = append(missing, m[1])
				}
			}
		}
	}
	return missing
}

func indentSeries(series string) string {
	var out []byte
	for _, c := range []byte(series) {
		if out = append(out, c); c == '\n' {
			out = append(out, "  "...)
		}
	}
	return string(out)
}

// TestAlertsFireOnlyWhenTheyShould checks every alert with both series of its case.
func TestAlertsFireOnlyWhenTheyShould(t *testing.T) {
	t.Parallel()
	all := shippedAlerts(t)
	require.Len(t, alertCases, len(all))
	for _, a := range all {
		t.Run(a.Alert, func(t *testing.T) {
			t.Parallel()
			w, ok := alertCases[a.Alert]
			require.True(t, ok, "it has no case")
			series := evaluateAlert(t, a.Expr, w.firing)
			require.NotEmpty(t, series, "it does not fire")
			require.Empty(t, missingLabels(a, series), "its text uses labels that its series lack")
			require.Empty(t, evaluateAlert(t, a.Expr, w.quiet), "it fires with the quiet series")
		})
	}

	// The control: the result of absent() has no labels of the missing series.
	text := rulefmt.Rule{Annotations: map[string]string{"summary": "no {{ $labels.job }}"}}
	require.Equal(t, []string{"job"}, missingLabels(text, evaluateAlert(t, `absent(up{job="a"} == 1)`, "up 1x120")))
}

// TestEachMissingProcessKindIsAnAlert shows that each kind of missing process has its own alert.
func TestEachMissingProcessKindIsAnAlert(t *testing.T) {
	t.Parallel()
	for _, a := range shippedAlerts(t) {
		if a.Alert == "NoProcess" {
			require.Len(t, evaluateAlert(t, a.Expr, "up{job=\"aliquot-api\"} 0x120\nup{job=\"aliquot-worker\"} 0x120"), 2)
		}
	}
}

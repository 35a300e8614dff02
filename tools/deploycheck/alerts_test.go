package deploycheck

import (
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

var promQL = parser.NewParser(parser.Options{})

// alerts parses rules as Prometheus does, which also checks expressions and templates.
func alerts(t *testing.T, text string) (all []rulefmt.Rule) {
	t.Helper()
	groups, errs := rulefmt.Parse([]byte(text), false, model.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
	require.Empty(t, errs)
	for _, g := range groups.Groups {
		all = append(all, g.Rules...)
	}
	require.NotEmpty(t, all)
	return all
}

func shippedAlerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	return alerts(t, read(t, "docker/prometheus/alerts.yaml"))
}

// metricsIn lists the metrics that an expression reads.
func metricsIn(t *testing.T, expression string) (names []string) {
	t.Helper()
	parsed, err := promQL.ParseExpr(expression)
	require.NoError(t, err, expression)
	parser.Inspect(parsed, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			require.NotEmpty(t, v.Name, "%s selects without a name", expression)
			names = append(names, v.Name)
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// headingAnchors returns the anchors of a document's headings by GitHub's rules.
func headingAnchors(document string) map[string]bool {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(document, -1) {
		kept := regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(strings.ToLower(m[1]), "")
		found[strings.ReplaceAll(kept, " ", "-")] = true
	}
	return found
}

func TestEveryAlertHasARunbook(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, a := range shippedAlerts(t) {
		require.False(t, seen[a.Alert], "%s occurs twice", a.Alert)
		seen[a.Alert] = true
		require.Contains(t, []string{"page", "ticket"}, a.Labels["severity"], a.Alert)
		require.NotEmpty(t, a.Annotations["summary"], a.Alert)
		file, anchor, ok := strings.Cut(a.Annotations["runbook"], "#")
		require.True(t, ok, a.Alert)
		require.True(t, headingAnchors(read(t, file))[anchor], "%s: %s has no section %s", a.Alert, file, anchor)
		require.Equal(t, strings.ToLower(a.Alert), anchor)
	}
	require.False(t, headingAnchors("# A title\n\ntext\n")["nowhere"], "the control")
	require.True(t, headingAnchors("### A: title!\n")["a-title"])
}

// TestABadRuleIsRefused is the control of the parser.
func TestABadRuleIsRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"groups: [{name: g, rules: [{alert: A, expr: 'rate(x) > 1'}]}]",
		"groups: [{name: g, rules: [{alert: A, expr: 'x > ', for: 5m}]}]",
		"groups: [{name: g, rules: [{alert: A, expr: x, for: soon}]}]",
		"groups: [{name: g, rules: [{alert: A, expr: x, annotations: {summary: '{{ $value | humanise }}'}}]}]",
		"groups: [{name: g, rules: [{alert: A, expr: x, sevrity: page}]}]",
	} {
		_, errs := rulefmt.Parse([]byte(bad), false, model.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
		require.NotEmpty(t, errs, bad)
	}
	require.Equal(t, []string{"a", "b_total"},
		metricsIn(t, `sum(rate(b_total{x="y"}[5m])) / on (z) max_over_time(a[1h:1m]) > 1`))
}

// TestTheJobsAreScraped checks that Prometheus scrapes the jobs that alerts and dashboard use.
func TestTheJobsAreScraped(t *testing.T) {
	t.Parallel()
	var config struct {
		RuleFiles     []string `json:"rule_files"`
		ScrapeConfigs []struct {
			Name string `json:"job_name"`
			DNS  []struct {
				Names []string `json:"names"`
				Type  string   `json:"type"`
				Port  int      `json:"port"`
			} `json:"dns_sd_configs"`
		} `json:"scrape_configs"`
		Global map[string]string `json:"global"`
	}
	require.NoError(t,
		yaml.UnmarshalStrict([]byte(strings.ReplaceAll(read(t, "docker/prometheus/prometheus.yaml"),
			"        refresh_interval: 15s\n", "")), &config))
	require.Equal(t, []string{"alerts.yaml"}, config.RuleFiles)
	services := loadProject(t).Services
	jobs := map[string]bool{}
	for _, s := range config.ScrapeConfigs {
		jobs[s.Name] = true
		require.Contains(t, services, s.DNS[0].Names[0], "replicas are found by their service's name")
		require.Equal(t, 9090, s.DNS[0].Port)
	}
	for _, job := range regexp.MustCompile(`job="([^"]+)"`).FindAllStringSubmatch(read(t, "docker/prometheus/alerts.yaml"),
		-1) {
		require.True(t, jobs[job[1]], "%s is not scraped", job[1])
	}
}

// prometheusMetrics are metrics that Prometheus itself creates.
var prometheusMetrics = []string{"up"}

// conditionalMetrics are metrics that a healthy system does not serve, or only with mutual TLS. Each has the source
// that must contain its name.
var conditionalMetrics = map[string]func(*testing.T) string{
	"temporal_workflow_task_execution_failed_total": sdkMetrics,
	"aliquot_certificate_expiry_timestamp_seconds": func(t *testing.T) string {
		return read(t,
			"cmd/aliquot/metrics.go")
	},
}

// usedMetrics returns the metrics that alerts and the dashboard read, each with one alert or panel that reads it.
func usedMetrics(t *testing.T) map[string]string {
	t.Helper()
	where := map[string]string{}
	for _, a := range shippedAlerts(t) {
		for _, name := range metricsIn(t, a.Expr) {
			where[name] = "alert " + a.Alert
		}
	}
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			for _, name := range metricsIn(t, target.Expr) {
				where[name] = "panel " + p.Title
			}
		}
	}
	return where
}

// unservedMetrics lists the used metrics that no process serves.
func unservedMetrics(used map[string]string, served map[string]bool) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(used)) {
		if _, late := conditionalMetrics[name]; !served[name] && !late && !slices.Contains(prometheusMetrics, name) {
			names = append(names, name+" of "+used[name])
		}
	}
	return names
}

// TestEveryMetricIsServed scrapes a running system after an order has its results: Temporal, the API, two workers and a
// simulated lab, each in its own process.
func TestEveryMetricIsServed(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	wanted := usedMetrics(t)
	require.Greater(t, len(wanted), 30)
	var missing []string
	require.Eventually(t, func() bool {
		missing = unservedMetrics(wanted, s.scrape(t))
		return len(missing) == 0
	}, timeout, pollInterval, "not served: %v", &missing)
	for name, source := range conditionalMetrics {
		require.Contains(t, source(t), `"`+strings.TrimSuffix(name, "_total")+`"`)
	}

	// The control: a metric that no process serves is reported.
	wanted["aliquot_made_up_total"] = "no reader"
	require.Equal(t, []string{"aliquot_made_up_total of no reader"}, unservedMetrics(wanted, s.scrape(t)))
}

// sdkMetrics returns the source of Temporal's SDK that names its metrics, in the product's version of the SDK.
func sdkMetrics(t *testing.T) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "go.temporal.io/sdk")
	list.Dir = repositoryRoot
	out, err := list.Output()
	require.NoError(t, err)
	content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "internal/common/metrics/constants.go"))
	require.NoError(t, err)
	return strings.ReplaceAll(string(content), `TemporalMetricsPrefix + "`, `"temporal_`)
}

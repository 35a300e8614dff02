package deploycheck

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const chartDir = repositoryRoot + "/docker/helm"

// allFeaturesValues turns on what the chart's values turn off.
const allFeaturesValues = `
database: {ca: {name: database-ca}}
secrets:
  masterKey: {name: aliquot-master}
  courierSecrets: {name: aliquot}
  courierKey: {name: aliquot}
  traceHeaders: {name: aliquot}
  temporalApiKey: {name: aliquot}
temporal:
  tls: {enabled: true, ca: {name: temporal-ca}, certificate: {name: aliquot-temporal}, serverName: temporal.example.org}
versioning: {enabled: true}
settings: {ALIQUOT_TRACE_URL: "http://collector:4318/v1/traces", ALIQUOT_TRACE_SAMPLE: "0.1"}
api:
  settings: {ALIQUOT_TRUSTED_PROXIES: 10.0.0.0/8}
  autoscaling: {enabled: true}
  ingress: {enabled: true, className: nginx, host: aliquot.example.org, tlsSecret: aliquot-tls}
workers:
  all: {queues: [orders, deliveries]}
  labs:
    queues: [labs]
    replicas: 2
    settings: {ALIQUOT_COURIER_URL: https://api.easypost.com}
    terminationGracePeriodSeconds: 60
    resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 256Mi}}
    podDisruptionBudget: {minAvailable: 1}
    autoscaling: {enabled: true, minReplicas: 2, maxReplicas: 4, targetCPUUtilizationPercentage: 70}
networkPolicy:
  apiFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}]
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
monitoring: {serviceMonitor: true, prometheusRule: true, dashboard: true, labels: {release: prometheus}}
imagePullSecrets: [{name: registry}]
nodeSelector: {pool: work}
tolerations: [{key: work, operator: Exists}]
podAnnotations: {example.org/team: orders}
`

var chartOnce = sync.OnceValues(func() (*chart.Chart, error) { return loader.LoadDir(chartDir) })

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := chartOnce()
	require.NoError(t, err)
	return c
}

// tryRender renders the chart's templates as `helm template` does.
func tryRender(t *testing.T, values string) (map[string]string, error) {
	t.Helper()
	c := loadChart(t)
	given, err := chartutil.ReadValues([]byte(values))
	require.NoError(t, err)
	all, err := chartutil.ToRenderValues(c, given, chartutil.ReleaseOptions{Name: "aliquot", Namespace: "orders",
		IsInstall: true},
		chartutil.DefaultCapabilities)
	require.NoError(t, err)
	return engine.Render(c, all)
}

// render returns the rendered documents.
func render(t *testing.T, values string) (documents []string) {
	t.Helper()
	rendered, err := tryRender(t, values)
	require.NoError(t, err)
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for _, d := range strings.Split("\n"+rendered[name], "\n---") {
			if strings.TrimSpace(d) != "" {
				documents = append(documents, d)
			}
		}
	}
	return documents
}

// objectTypes are the types into which documents are decoded. Decoding fails for a field that does not exist, except in
// objects of other operators, whose rules other tests check.
var objectTypes = map[string]func() any{
	"apps/v1 Deployment":                      func() any { return new(appsv1.Deployment) },
	"autoscaling/v2 HorizontalPodAutoscaler":  func() any { return new(autoscalingv2.HorizontalPodAutoscaler) },
	"batch/v1 Job":                            func() any { return new(batchv1.Job) },
	"v1 ConfigMap":                            func() any { return new(corev1.ConfigMap) },
	"v1 Service":                              func() any { return new(corev1.Service) },
	"v1 ServiceAccount":                       func() any { return new(corev1.ServiceAccount) },
	"networking.k8s.io/v1 Ingress":            func() any { return new(networkingv1.Ingress) },
	"networking.k8s.io/v1 NetworkPolicy":      func() any { return new(networkingv1.NetworkPolicy) },
	"policy/v1 PodDisruptionBudget":           func() any { return new(policyv1.PodDisruptionBudget) },
	"monitoring.coreos.com/v1 PodMonitor":     func() any { return new(map[string]any) },
	"monitoring.coreos.com/v1 PrometheusRule": func() any { return new(map[string]any) },
}

func decode(document string) (any, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := yaml.Unmarshal([]byte(document), &head); err != nil {
		return nil, err
	}
	newObject, ok := objectTypes[head.APIVersion+" "+head.Kind]
	if !ok {
		return nil, fmt.Errorf("unknown kind %s %s", head.APIVersion, head.Kind)
	}
	object := newObject()
	return object, yaml.UnmarshalStrict([]byte(document), object)
}

// renderedObjects returns the chart's objects of a type.
func renderedObjects[T any](t *testing.T, values string) (found []T) {
	t.Helper()
	for _, d := range render(t, values) {
		object, err := decode(d)
		require.NoError(t, err, d)
		if o, ok := object.(T); ok {
			found = append(found, o)
		}
	}
	return found
}

func TestTheChartRendersToObjectsOfKubernetes(t *testing.T) {
	t.Parallel()
	require.Len(t, renderedObjects[*appsv1.Deployment](t, ""), 2)
	require.Len(t, renderedObjects[*batchv1.Job](t, ""), 1)
	require.Len(t, renderedObjects[*policyv1.PodDisruptionBudget](t, ""), 2)
	require.Len(t, renderedObjects[*networkingv1.NetworkPolicy](t, ""), 2)
	require.Empty(t, renderedObjects[*autoscalingv2.HorizontalPodAutoscaler](t, ""))

	require.Len(t, renderedObjects[*appsv1.Deployment](t, allFeaturesValues), 3)
	require.Len(t, renderedObjects[*batchv1.Job](t, allFeaturesValues), 2)
	require.Len(t, renderedObjects[*autoscalingv2.HorizontalPodAutoscaler](t, allFeaturesValues), 2)
	require.Len(t, renderedObjects[*networkingv1.Ingress](t, allFeaturesValues), 1)
	require.Len(t, renderedObjects[*map[string]any](t, allFeaturesValues), 2)
	require.Len(t, renderedObjects[*corev1.ConfigMap](t, allFeaturesValues), 1)

	for _, bad := range []string{
		"apiVersion: v1\nkind: Service\nspec: {prots: []}", "apiVersion: v1\nkind: Pod",
		"apiVersion: v1\nkind: Service\nspec: {ports: 80}",
	} {
		_, err := decode(bad)
		require.Error(t, err, "the control")
	}
}

func TestTheChartIsLinted(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"", allFeaturesValues} {
		given, err := chartutil.ReadValues([]byte(values))
		require.NoError(t, err)
		for _, m := range lint.All(chartDir, given, "orders", true).Messages {
			require.Less(t, m.Severity, support.WarningSev, "%s: %v", m.Path, m.Err)
		}
	}
}

// podTemplates returns the templates of all pods by the name of their Deployment or Job.
func podTemplates(t *testing.T, values string) map[string]corev1.PodTemplateSpec {
	t.Helper()
	all := map[string]corev1.PodTemplateSpec{}
	for _, d := range renderedObjects[*appsv1.Deployment](t, values) {
		all[d.Name] = d.Spec.Template
	}
	for _, j := range renderedObjects[*batchv1.Job](t, values) {
		all[j.Name] = j.Spec.Template
	}
	return all
}

func TestPodsAreUnprivileged(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"", allFeaturesValues} {
		for name, pod := range podTemplates(t, values) {
			require.True(t, *pod.Spec.SecurityContext.RunAsNonRoot, name)
			require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.Spec.SecurityContext.SeccompProfile.Type, name)
			require.False(t, *pod.Spec.AutomountServiceAccountToken, name)
			for _, c := range pod.Spec.Containers {
				require.False(t, *c.SecurityContext.AllowPrivilegeEscalation, name)
				require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem, name)
				require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop, name)
				require.NotZero(t, c.Resources.Limits.Memory().Value(), name)
				require.NotZero(t, c.Resources.Requests.Cpu().MilliValue(), name)
				require.True(t, isPinned(c.Image), "%s: %s", name, c.Image)
			}
		}
	}
}

// TestPodSettingsExist checks that processes get only existing settings, and secrets as files of Secrets that the chart
// does not create.
func TestPodSettingsExist(t *testing.T) {
	t.Parallel()
	all := readSettings(t)
	for _, values := range []string{"", allFeaturesValues} {
		for name, pod := range podTemplates(t, values) {
			mounted := map[string]bool{}
			for _, v := range pod.Spec.Volumes {
				for _, s := range v.Projected.Sources {
					for _, item := range s.Secret.Items {
						mounted["/etc/aliquot/secrets/"+item.Path] = true
					}
				}
			}
			names := map[string]bool{}
			for _, e := range pod.Spec.Containers[0].Env {
				require.True(t, isSetting(all, e.Name), "%s: %s is no setting", name, e.Name)
				require.False(t, all[e.Name].secret, "%s: %s is a secret", name, e.Name)
				require.False(t, names[e.Name], "%s: %s twice", name, e.Name)
				names[e.Name] = true
				if strings.HasPrefix(e.Value, "/etc/aliquot/secrets/") {
					require.True(t, mounted[e.Value], "%s: %s is not mounted", name, e.Value)
				}
			}
			require.True(t, names["ALIQUOT_DATABASE_URL_FILE"] && names["ALIQUOT_ENCRYPTION_KEYS_FILE"], name)
		}
	}
	_, err := decode("apiVersion: v1\nkind: Secret")
	require.Error(t, err, "the chart creates no secrets")
}

// TestNoSettingIsASecret checks that the chart refuses a secret among its settings, where every release and `helm
// template` would show it.
func TestNoSettingIsASecret(t *testing.T) {
	t.Parallel()
	sandbox := []string{"ALIQUOT_LAB_TOKEN", "ALIQUOT_LAB_NEUTRAL_SECRETS", "ALIQUOT_COURIER_SECRET", "ALIQUOT_OPS_KEY"}
	for name, s := range readSettings(t) {
		for _, where := range []string{"settings: {%s: x}", "api: {settings: {%s: x}}",
			"workers: {all: {settings: {%s: x}}}"} {
			_, err := tryRender(t, fmt.Sprintf(where, name))
			if s.secret && !slices.Contains(sandbox, name) {
				require.ErrorContains(t, err, name+" is a secret")
			} else {
				require.NoError(t, err)
			}
		}
	}
}

// TestPodsAreProbedAndDrained checks that pods have probes, a disruption budget and enough time to stop.
func TestPodsAreProbedAndDrained(t *testing.T) {
	t.Parallel()
	for _, d := range renderedObjects[*appsv1.Deployment](t, allFeaturesValues) {
		c := d.Spec.Template.Spec.Containers[0]
		require.NotNil(t, c.StartupProbe, d.Name)
		require.NotNil(t, c.LivenessProbe, d.Name)
		require.NotNil(t, c.ReadinessProbe, d.Name)
		require.NotContains(t, c.LivenessProbe.HTTPGet.Path, "ready",
			"an unreachable dependency must not restart %s", d.Name)
		require.Zero(t, d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue(), d.Name)
		require.GreaterOrEqual(t, *d.Spec.Template.Spec.TerminationGracePeriodSeconds, int64(45), d.Name)
		require.Len(t, d.Spec.Template.Spec.TopologySpreadConstraints, 2, d.Name)
		covered := 0
		for _, b := range renderedObjects[*policyv1.PodDisruptionBudget](t, allFeaturesValues) {
			if selects(b.Spec.Selector.MatchLabels, d.Spec.Template.Labels) {
				covered++
			}
		}
		require.Equal(t, 1, covered, "%s has one disruption budget", d.Name)
		require.True(t, selects(d.Spec.Selector.MatchLabels, d.Spec.Template.Labels), d.Name)
	}
	for _, job := range renderedObjects[*batchv1.Job](t, allFeaturesValues) {
		require.NotEmpty(t, job.Annotations["helm.sh/hook"], job.Name)
		migrates := job.Spec.Template.Spec.Containers[0].Name == "migrate"
		require.Equal(t, migrates, job.Spec.ActiveDeadlineSeconds == nil, "%s: only a migration may take any time", job.Name)
	}
	job := renderedObjects[*batchv1.Job](t, "")[0]
	require.Equal(t, "pre-install,pre-upgrade", job.Annotations["helm.sh/hook"])
	service := renderedObjects[*corev1.Service](t, "")[0]
	selected := 0
	for _, pod := range podTemplates(t, allFeaturesValues) {
		if selects(service.Spec.Selector, pod.Labels) {
			selected++
		}
	}
	require.Equal(t, 1, selected, "only the API is behind the service")
}

func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// TestTheIngressLetsEveryRouteThrough checks that the ingress has every public route of the API and no internal one.
// The routes come from the access table in the API's tests, which is complete.
func TestTheIngressLetsEveryRouteThrough(t *testing.T) {
	t.Parallel()
	through := map[string]bool{}
	for _, p := range renderedObjects[*networkingv1.Ingress](t, allFeaturesValues)[0].Spec.Rules[0].HTTP.Paths {
		through[p.Path] = true
	}
	routes := regexp.MustCompile(`"[A-Z]+ (/[^/":]+)[^"]*"`).FindAllStringSubmatch(read(t,
		"api/http_scopes_table_test.go"), -1)
	require.Greater(t, len(routes), 100)
	for _, r := range routes {
		inside := r[1] == "/metrics" || r[1] == "/readyz"
		require.NotEqual(t, inside, through[r[1]], r[1])
	}
}

// TestTheChartHasTheSameAlertsAndDashboard checks that the chart has the alerts and the dashboard of the compose file.
// They are links, which packaging follows.
func TestTheChartHasTheSameAlertsAndDashboard(t *testing.T) {
	t.Parallel()
	c := loadChart(t)
	in := map[string][]byte{}
	for _, f := range c.Files {
		in[f.Name] = f.Data
	}
	require.True(t, bytes.Equal(in["files/alerts.yaml"], []byte(read(t, "docker/prometheus/alerts.yaml"))))
	require.True(t, bytes.Equal(in["files/aliquot.json"], []byte(read(t, "docker/grafana/dashboards/aliquot.json"))))
	for _, object := range renderedObjects[*map[string]any](t, allFeaturesValues) {
		if (*object)["kind"] != "PrometheusRule" {
			continue
		}
		spec, err := yaml.Marshal((*object)["spec"])
		require.NoError(t, err)
		require.Equal(t, alerts(t, read(t, "docker/prometheus/alerts.yaml")), alerts(t, string(spec)),
			"rendering does not change them")
	}
}

// TestAVersionedBuildIsMadeCurrent checks that with versioning, workers have the build id that the job makes current,
// and that together they serve every queue.
func TestAVersionedBuildIsMadeCurrent(t *testing.T) {
	t.Parallel()
	var queues []string
	for _, d := range renderedObjects[*appsv1.Deployment](t, allFeaturesValues) {
		for _, e := range d.Spec.Template.Spec.Containers[0].Env {
			switch e.Name {
			case "ALIQUOT_BUILD_ID":
				require.Equal(t, "v0.1.0", e.Value)
			case "ALIQUOT_QUEUES":
				queues = append(queues, strings.Split(e.Value, ",")...)
			}
		}
	}
	require.ElementsMatch(t, []string{"orders", "labs", "deliveries"}, queues)
	for _, j := range renderedObjects[*batchv1.Job](t, allFeaturesValues) {
		if c := j.Spec.Template.Spec.Containers[0]; c.Name == "rollout" {
			require.Equal(t, []string{"rollout", "set", "v0.1.0", "--wait", "10m"}, c.Args)
			return
		}
	}
	require.Fail(t, "there is no job that makes the build current")
}

package deploycheck

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
)

// compose loads a compose file as Docker does: interpolated by the example of the environment, validated by the schema.
func compose(t *testing.T, text string) (*types.Project, error) {
	t.Helper()
	env, err := dotenv.Parse(strings.NewReader(read(t, "docker/.env.example")))
	require.NoError(t, err)
	dir, err := filepath.Abs(filepath.Join(root, "docker"))
	require.NoError(t, err)
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: dir, Environment: env,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml"), Content: []byte(text)}},
	}, func(o *loader.Options) { o.Profiles = []string{"*"} })
}

func project(t *testing.T) *types.Project {
	t.Helper()
	p, err := compose(t, read(t, "docker/compose.yaml"))
	require.NoError(t, err)
	return p
}

// once are the services that do their work and end.
var once = []string{"migrate", "temporal-schema", "temporal-namespace"}

func TestTheComposeFileIsWhatDockerTakes(t *testing.T) {
	t.Parallel()
	p := project(t)
	names := slices.Sorted(maps.Keys(p.Services))
	require.Equal(t, []string{
		"api", "grafana", "lab", "migrate", "postgres", "prometheus", "proxy", "temporal", "temporal-namespace",
		"temporal-schema",
		"temporal-ui", "worker",
	}, names)
	for _, replicated := range []string{"api", "worker", "temporal"} {
		require.Equal(t, 2, *p.Services[replicated].Deploy.Replicas, replicated)
	}
	require.Equal(t, []string{"lab"}, p.Services["lab"].Profiles, "only for those who ask for it")
	for _, bad := range []string{"services: {a: {imagge: x}}",
		"services: {a: {image: x, depends_on: {b: {condition: service_healthy}}}}"} {
		_, err := compose(t, bad)
		require.Error(t, err, "the control")
	}
}

func TestServicesAreBoundedAndLookedAfter(t *testing.T) {
	t.Parallel()
	p := project(t)
	for name, s := range p.Services {
		require.True(t, isPinned(s.Image), "%s: image %s has no version", name, s.Image)
		require.NotNil(t, s.Deploy, name)
		require.NotNil(t, s.Deploy.Resources.Limits, "%s has no limits", name)
		require.NotZero(t, s.Deploy.Resources.Limits.MemoryBytes, name)
		require.NotZero(t, s.Deploy.Resources.Limits.NanoCPUs.Value(), name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		require.NotNil(t, s.Logging, "%s logs without bound", name)
		if slices.Contains(once, name) {
			require.Equal(t, "on-failure:5", s.Restart, name)
			continue
		}
		require.Equal(t, "unless-stopped", s.Restart, name)
		if name != "temporal-ui" { // its image has nothing to ask with
			require.NotNil(t, s.HealthCheck, "%s has no health check", name)
		}
	}
	for _, name := range []string{"api", "worker", "lab", "migrate"} {
		require.True(t, p.Services[name].ReadOnly, name)
	}
	for name, data := range map[string]string{"postgres": "/var/lib/postgresql/data", "proxy": "/data",
		"prometheus": "/prometheus", "grafana": "/var/lib/grafana"} {
		require.True(t, slices.ContainsFunc(p.Services[name].Volumes, func(v types.ServiceVolumeConfig) bool {
			return v.Type == types.VolumeTypeVolume && v.Target == data && v.Source != ""
		}), "what %s keeps is gone with its container", name)
	}
	for _, name := range []string{"api", "worker"} {
		stops := 10 * time.Second // what is left of traces, connections
		for _, setting := range []string{"ALIQUOT_DRAIN_DELAY", "ALIQUOT_STOP_TIMEOUT"} {
			if value := p.Services[name].Environment[setting]; value != nil {
				d, err := time.ParseDuration(*value)
				require.NoError(t, err)
				stops += d
			}
		}
		require.GreaterOrEqual(t, time.Duration(*p.Services[name].StopGracePeriod), stops,
			"%s is killed before it has stopped", name)
	}
}

// A service waits for what it stands on: for the healthy, and for those who end, to have ended well.
func TestServicesWaitForOneAnother(t *testing.T) {
	t.Parallel()
	p := project(t)
	for name, s := range p.Services {
		for on, d := range s.DependsOn {
			want := types.ServiceConditionHealthy
			if slices.Contains(once, on) {
				want = types.ServiceConditionCompletedSuccessfully
			}
			require.Equal(t, want, d.Condition, "%s on %s", name, on)
		}
	}
	for name, on := range map[string]string{
		"api": "migrate", "worker": "temporal-namespace", "temporal": "temporal-schema", "temporal-schema": "postgres",
		"proxy": "api",
	} {
		require.Contains(t, p.Services[name].DependsOn, on, name)
	}
}

// Secrets are files, and every file that is mounted is there.
func TestSecretsAndMountsAreFiles(t *testing.T) {
	t.Parallel()
	p, all := project(t), settings(t)
	made := read(t, "docker/secrets.sh")
	for name := range p.Secrets {
		require.Contains(t, made, "make "+name+" ", "docker/secrets.sh does not make it")
	}
	for name, s := range p.Services {
		granted := map[string]bool{}
		for _, secret := range s.Secrets {
			granted["/run/secrets/"+secret.Source] = true
		}
		for v, value := range s.Environment {
			require.False(t, all[v].secret, "%s: %s is a secret: use %s_FILE", name, v, v)
			if value != nil && strings.HasPrefix(*value, "/run/secrets/") {
				require.True(t, granted[*value], "%s: %s is not granted", name, *value)
			}
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				require.FileExists(t, existing(v.Source), "%s mounts %s", name, v.Source)
			}
		}
		for _, port := range s.Ports {
			if name != "proxy" {
				require.Equal(t, "127.0.0.1", port.HostIP, "%s is open to the network", name)
			}
		}
	}
}

// existing is a file, or one in a directory.
func existing(path string) string {
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
		return existing(filepath.Join(path, entries[0].Name()))
	}
	return path
}

// The proxy is the only one whose word on a caller's address the API takes: they share one network, and that one is trusted.
func TestTheProxyIsTrustedAndNobodyElse(t *testing.T) {
	t.Parallel()
	p := project(t)
	require.Equal(t, []string{"outside"}, slices.Sorted(maps.Keys(p.Services["proxy"].Networks)))
	require.Equal(t, *p.Services["api"].Environment["ALIQUOT_TRUSTED_PROXIES"],
		p.Networks["outside"].Ipam.Config[0].Subnet)
	require.True(t, p.Networks["inside"].Internal)
	require.Equal(t, []string{"inside"}, slices.Sorted(maps.Keys(p.Services["postgres"].Networks)))
}

// The variables of Temporal's server are those that its own template of a configuration reads, in the version that runs here.
func TestTemporalReadsWhatItIsTold(t *testing.T) {
	t.Parallel()
	version := moduleOf(t, "{{.Version}}")
	p := project(t)
	for _, name := range []string{"temporal", "temporal-schema", "temporal-namespace"} {
		require.Equal(t, strings.TrimPrefix(version, "v"), strings.Split(p.Services[name].Image, ":")[1],
			"%s is not the version that is tested", name)
	}
	template, err := os.ReadFile(filepath.Join(moduleOf(t, "{{.Dir}}"), "common/config/config_template_embedded.yaml"))
	require.NoError(t, err)
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`env "([A-Z0-9_]+)"`).FindAllStringSubmatch(string(template), -1) {
		known[m[1]] = true
	}
	for v := range p.Services["temporal"].Environment {
		require.True(t, known[v], "the server does not read %s", v)
	}
	require.False(t, known["POSTGRES_PASSWORD"], "the control")
}

// moduleOf tells something of the server's module, as the tests of the cluster use it.
func moduleOf(t *testing.T, format string) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", format, "go.temporal.io/server")
	list.Dir = filepath.Join(root, "tools", "cluster")
	out, err := list.Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

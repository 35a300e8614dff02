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

// parseCompose loads a compose file as Docker does. Its variables come from docker/.env.example, and the schema is
// checked.
func parseCompose(t *testing.T, text string) (*types.Project, error) {
	t.Helper()
	env, err := dotenv.Parse(strings.NewReader(read(t, "docker/.env.example")))
	require.NoError(t, err)
	dir, err := filepath.Abs(filepath.Join(repositoryRoot, "docker"))
	require.NoError(t, err)
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: dir, Environment: env,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "compose.yaml"), Content: []byte(text)}},
	}, func(o *loader.Options) { o.Profiles = []string{"*"} })
}

func loadProject(t *testing.T) *types.Project {
	t.Helper()
	p, err := parseCompose(t, read(t, "docker/compose.yaml"))
	require.NoError(t, err)
	return p
}

// oneShotServices are the services that do their work and end.
var oneShotServices = []string{"migrate", "temporal-schema", "temporal-namespace"}

func TestTheComposeFileIsWhatDockerTakes(t *testing.T) {
	t.Parallel()
	p := loadProject(t)
	names := slices.Sorted(maps.Keys(p.Services))
	require.Equal(t, []string{
		"api", "grafana", "lab", "migrate", "postgres", "prometheus", "proxy", "temporal", "temporal-namespace",
		"temporal-schema",
		"temporal-ui", "worker",
	}, names)
	for _, replicated := range []string{"api", "worker", "temporal"} {
		require.Equal(t, 2, *p.Services[replicated].Deploy.Replicas, replicated)
	}
	require.Equal(t, []string{"lab"}, p.Services["lab"].Profiles, "it starts only with its profile")
	for _, bad := range []string{"services: {a: {imagge: x}}",
		"services: {a: {image: x, depends_on: {b: {condition: service_healthy}}}}"} {
		_, err := parseCompose(t, bad)
		require.Error(t, err, "the control")
	}
}

func TestServicesAreBoundedAndLookedAfter(t *testing.T) {
	t.Parallel()
	p := loadProject(t)
	for name, s := range p.Services {
		require.True(t, isPinned(s.Image), "%s: image %s has no version", name, s.Image)
		require.NotNil(t, s.Deploy, name)
		require.NotNil(t, s.Deploy.Resources.Limits, "%s has no limits", name)
		require.NotZero(t, s.Deploy.Resources.Limits.MemoryBytes, name)
		require.NotZero(t, s.Deploy.Resources.Limits.NanoCPUs.Value(), name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		require.NotNil(t, s.Logging, "%s logs without bound", name)
		if slices.Contains(oneShotServices, name) {
			require.Equal(t, "on-failure:5", s.Restart, name)
			continue
		}
		require.Equal(t, "unless-stopped", s.Restart, name)
		if name != "temporal-ui" { // its image has no program for a health check
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
		}), "the data of %s is removed with its container", name)
	}
	for _, name := range []string{"api", "worker"} {
		stops := 10 * time.Second // for traces and connections
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

// TestServicesWaitForOneAnother checks that a service waits until the services that it depends on are healthy, or have
// ended successfully.
func TestServicesWaitForOneAnother(t *testing.T) {
	t.Parallel()
	p := loadProject(t)
	for name, s := range p.Services {
		for on, d := range s.DependsOn {
			want := types.ServiceConditionHealthy
			if slices.Contains(oneShotServices, on) {
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

// TestTheCourierIsOffByDefault checks that a new deployment does not call EasyPost with a key that EasyPost has not
// issued, and that the simulated lab has a key of its own.
func TestTheCourierIsOffByDefault(t *testing.T) {
	t.Parallel()
	p, made := loadProject(t), read(t, "docker/secrets.sh")
	require.Contains(t, made, "make courier_key \"\"")
	require.Contains(t, made, "make lab_courier_key \"$(random")
	require.Equal(t, "/run/secrets/courier_key", *p.Services["worker"].Environment["ALIQUOT_COURIER_KEY_FILE"])
	require.Equal(t, "/run/secrets/lab_courier_key", *p.Services["lab"].Environment["ALIQUOT_COURIER_KEY_FILE"])
}

// TestSecretsAndMountsAreFiles checks that secrets are files and that every mounted file exists.
func TestSecretsAndMountsAreFiles(t *testing.T) {
	t.Parallel()
	p, all := loadProject(t), readSettings(t)
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
				require.FileExists(t, existingFile(v.Source), "%s mounts %s", name, v.Source)
			}
		}
		for _, port := range s.Ports {
			if name != "proxy" {
				require.Equal(t, "127.0.0.1", port.HostIP, "%s is open to the network", name)
			}
		}
	}
}

// existingFile returns the path, or the first file in a directory.
func existingFile(path string) string {
	if entries, err := os.ReadDir(path); err == nil && len(entries) > 0 {
		return existingFile(filepath.Join(path, entries[0].Name()))
	}
	return path
}

// TestTheProxyIsTrustedAndNobodyElse checks that the API accepts a caller's address from the proxy only: they share a
// network, which is the trusted one.
func TestTheProxyIsTrustedAndNobodyElse(t *testing.T) {
	t.Parallel()
	p := loadProject(t)
	require.Equal(t, []string{"outside"}, slices.Sorted(maps.Keys(p.Services["proxy"].Networks)))
	require.Equal(t, *p.Services["api"].Environment["ALIQUOT_TRUSTED_PROXIES"],
		p.Networks["outside"].Ipam.Config[0].Subnet)
	require.True(t, p.Networks["inside"].Internal)
	require.Equal(t, []string{"inside"}, slices.Sorted(maps.Keys(p.Services["postgres"].Networks)))
}

// TestTemporalVariablesExist checks that Temporal's server, in the tested version, reads the variables that the compose
// file sets: its configuration template names them.
func TestTemporalVariablesExist(t *testing.T) {
	t.Parallel()
	version := temporalModule(t, "{{.Version}}")
	p := loadProject(t)
	for _, name := range []string{"temporal", "temporal-schema", "temporal-namespace"} {
		require.Equal(t, strings.TrimPrefix(version, "v"), strings.Split(p.Services[name].Image, ":")[1],
			"%s is not the version that is tested", name)
	}
	path := filepath.Join(temporalModule(t, "{{.Dir}}"), "common/config/config_template_embedded.yaml")
	template, err := os.ReadFile(path)
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

// temporalModule describes the module of Temporal's server that the tests of the cluster use, in the format of go list.
func temporalModule(t *testing.T, format string) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", format, "go.temporal.io/server")
	list.Dir = filepath.Join(repositoryRoot, "tools", "cluster")
	out, err := list.Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

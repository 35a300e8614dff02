package deploycheck

import (
	"debug/elf"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// sharedLibraries lists the shared libraries and the loader that a program needs. A static program needs none.
func sharedLibraries(t *testing.T, path string) []string {
	t.Helper()
	file, err := elf.Open(path)
	require.NoError(t, err)
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			libraries = append(libraries, "a loader")
		}
	}
	return libraries
}

// TestTheProgramOfTheImageIsStatic shows that the program runs in the image, which has no libraries and no loader.
func TestTheProgramOfTheImageIsStatic(t *testing.T) {
	t.Parallel()
	path, err := program()
	require.NoError(t, err)
	require.Empty(t, sharedLibraries(t, path))
	info, err := os.Stat(path)
	require.NoError(t, err)
	t.Logf("the image's program is %d bytes", info.Size())
	require.Less(t, info.Size(), int64(100<<20))

	version := exec.CommandContext(t.Context(), path, "version")
	version.Env = []string{} // the image sets none that it needs
	out, err := version.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "aliquot v0.0.0-check, go")

	health := exec.CommandContext(t.Context(), path, "health")
	health.Env = []string{"ALIQUOT_METRICS=127.0.0.1:1"}
	require.Error(t, health.Run(), "no process runs that could be healthy")

	shell, err := exec.LookPath("bash")
	require.NoError(t, err)
	require.NotEmpty(t, sharedLibraries(t, shell), "the control")
}

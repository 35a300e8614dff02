package labtest

import "testing"

// Names lists the checks of the suite.
func Names() []string {
	var names []string
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

// Run runs one check.
func Run(t testing.TB, name string, f Fixture) {
	t.Helper()
	for _, c := range checks() {
		if c.name == name {
			c.run(t, f)
			return
		}
	}
	t.Fatalf("there is no check %q", name)
}

package conformance

import "testing"

// CheckNames lists the checks of the suite.
func CheckNames() []string {
	var names []string
	for _, c := range allChecks() {
		names = append(names, c.name)
	}
	return names
}

// RunCheck runs one check.
func RunCheck(t testing.TB, name string, f Fixture) {
	t.Helper()
	for _, c := range allChecks() {
		if c.name == name {
			c.run(t, f)
			return
		}
	}
	t.Fatalf("there is no check %q", name)
}

package workflows_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain checks each property 40 times: each check is an order on a real store. -rapid.checks changes the number.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

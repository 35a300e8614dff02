package workflows_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain lets properties be checked 40 times: each is an order's life on a real store. -rapid.checks asks for more.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "40"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

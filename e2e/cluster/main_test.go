//go:build cluster

package cluster

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timeout is how long a condition may take to become true. Only failing tests take that long.
const timeout = 3 * time.Minute

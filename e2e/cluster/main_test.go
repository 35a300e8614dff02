//go:build cluster

package cluster

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timeout is how long a condition may take to come true: generous, because it costs nothing when it does.
const timeout = 3 * time.Minute

package labtest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/aliquot-labs/aliquot/labs/labtest"
)

// recorder notes that a check fails, where a test would fail with it.
type recorder struct {
	testing.TB

	said []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.FailNow()
}

func (r *recorder) FailNow() {
	r.said = append(r.said, "failed")
	runtime.Goexit()
}

// verdict runs a check and says what is wrong; empty: nothing.
func verdict(t *testing.T, check string, f labtest.Fixture) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		labtest.Run(r, check, f)
	}()
	<-done
	return strings.Join(r.said, "\n")
}

package neutral_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/labs/conformance"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	conformance.RunSuite(t, neutraltest.Fixture())
}

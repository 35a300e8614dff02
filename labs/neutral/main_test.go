package neutral_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/labs/labtest"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	labtest.RunSuite(t, neutraltest.Fixture())
}

package junction

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

func TestLongNamesOfTestedPatientsAreShownInPart(t *testing.T) {
	t.Parallel()
	fits := strings.Repeat("é", maxShownName)
	p := fromTestedPatient(&order.TestedPatient{FirstName: fits, LastName: strings.Repeat("é", 1_000_000)})
	require.Equal(t, fits, *p.FirstName)
	require.Equal(t, fits[:len(fits)-len("é")]+"…", *p.LastName)
	require.Nil(t, fromTestedPatient(&order.TestedPatient{}).LastName)
}

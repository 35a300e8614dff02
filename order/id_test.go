package order_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

func TestParseID(t *testing.T) {
	t.Parallel()
	const id = "0195d3c0-7e1a-7c3d-8f00-00a1b2c3d4e5"
	for given, want := range map[string]string{
		id:                                     id,
		strings.ToUpper(id):                    id,
		"00000000-0000-0000-0000-000000000000": "00000000-0000-0000-0000-000000000000",
		"":                                     "",
		"{" + id + "}":                         "",
		"urn:uuid:" + id:                       "",
		strings.ReplaceAll(id, "-", ""):        "",
		id + " ":                               "",
		id[:35]:                                "",
		id[:35] + "g":                          "",
		id[:35] + "\x00":                       "",
		strings.Repeat("a", 36):                "",
		strings.Repeat("0", 100_000):           "",
		"{0195d3c0-7e1a-7c3d-8f00-00a1b2c3d}":  "",
		"order-" + id:                          "",
	} {
		got, ok := order.ParseID(given)
		require.Equal(t, want, got, given)
		require.Equal(t, want != "", ok, given)
		require.Equal(t, given == want && ok, order.IsID(given), given)
	}
}

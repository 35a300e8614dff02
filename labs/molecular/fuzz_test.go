package molecular_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
)

var (
	hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	codePattern = regexp.MustCompile(`^[-0-9A-Za-z _./:#]{0,64}$`)
)

// FuzzDecode checks what holds for any bytes: a webhook is either a fact or has a problem, its identity depends on its
// content only, and all fields except Reason are codes.
func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, body []byte) {
		n := molecular.Decode(body, receivedAt)

		require.Equal(t, n.Problem == "", n.Fact != nil)
		require.Regexp(t, hashPattern, n.Key)
		require.Regexp(t, hashPattern, n.Hash)
		require.LessOrEqual(t, len(n.OrderNumber), 64)
		for _, r := range n.OrderNumber {
			require.False(t, unicode.IsControl(r))
		}
		require.Regexp(t, codePattern, n.Kind)
		require.Equal(t, n, molecular.Decode(body, receivedAt))
		if n.Problem == labs.Malformed {
			require.Equal(t, labs.InboundMessage{Key: n.Key, Hash: n.Hash, Problem: n.Problem}, n)
			return
		}
		var indented bytes.Buffer
		require.NoError(t, json.Indent(&indented, body, " ", "\t"))
		require.Equal(t, n, molecular.Decode(indented.Bytes(), receivedAt), "blanks mean nothing")
		if n.Fact == nil {
			return
		}
		_, err := json.Marshal(n.Fact)
		require.NoError(t, err, "a fact can be stored")
		require.NotEmpty(t, n.OrderNumber)
		require.Equal(t, n.Kind, string(n.Fact.Kind))
		require.Equal(t, n.Fact.SentAt, n.Fact.SentAt.UTC().Truncate(time.Microsecond))
		for _, c := range []string{n.Fact.OutboundNumber, n.Fact.InboundNumber, n.Fact.KitRegCode, n.Fact.OraQuickLot,
			n.Fact.Accession} {
			require.Regexp(t, codePattern, c)
		}
	})
}

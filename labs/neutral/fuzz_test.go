package neutral_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

var (
	receivedAt = time.Date(2026, 3, 2, 11, 0, 0, 987654321, time.UTC)

	hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	codePattern = regexp.MustCompile(`^[-0-9A-Za-z _./:#]{0,64}$`)
)

// FuzzDecode checks what holds for any id and any bytes: a webhook is either a fact or has a problem, its identity
// depends on its id and its content only, and all fields except Reason and Location are codes.
func FuzzDecode(f *testing.F) {
	for _, e := range neutraltest.Fixture().Webhooks.Facts {
		f.Add(e.ID, e.Body)
	}
	f.Fuzz(func(t *testing.T, id string, body []byte) {
		m := neutral.Decode(id, body, receivedAt)

		require.Equal(t, m.Problem == "", m.Fact != nil)
		require.Regexp(t, hashPattern, m.Key)
		require.Regexp(t, hashPattern, m.Hash)
		require.Regexp(t, codePattern, m.Kind)
		require.LessOrEqual(t, len(m.OrderNumber), 64)
		for _, r := range m.OrderNumber {
			require.False(t, unicode.IsControl(r))
		}
		require.Equal(t, m, neutral.Decode(id, body, receivedAt))
		if m.Problem == labs.Malformed {
			require.Equal(t, labs.InboundMessage{Key: m.Key, Hash: m.Hash, Problem: m.Problem}, m)
			return
		}
		var indented bytes.Buffer
		require.NoError(t, json.Indent(&indented, body, " ", "\t"))
		require.Equal(t, m, neutral.Decode(id, indented.Bytes(), receivedAt), "blanks mean nothing")
		other := neutral.Decode(id+"'", body, receivedAt)
		require.NotEqual(t, m.Key, other.Key, "another id, another thing")
		require.Equal(t, m.Hash, other.Hash)
		if m.Fact == nil {
			require.Nil(t, m.Location)
			require.Empty(t, m.Reason)
			return
		}
		requireCodesOnly(t, m)
	})
}

// requireCodesOnly checks that a fact can be stored, and consists of codes and times.
func requireCodesOnly(t *testing.T, m labs.InboundMessage) {
	t.Helper()
	f := m.Fact
	_, err := json.Marshal(f)
	require.NoError(t, err)
	require.NotEmpty(t, m.OrderNumber)
	require.Equal(t, f.SentAt, f.SentAt.UTC().Truncate(time.Microsecond))
	require.Equal(t, f.CollectedAt, f.CollectedAt.UTC().Truncate(time.Microsecond))
	if f.Detail != "" {
		require.Contains(t, lifecycle.Details(), f.Detail)
	}
	texts := []string{f.Accession, f.OutboundNumber, f.InboundNumber, f.KitRegCode, f.Leg, string(f.TargetStatus),
		f.AppointmentID}
	if a := f.Appointment; a != nil {
		texts = append(texts, a.Provider, a.Reference, a.Confirmation, a.Site)
		require.True(t, a.Status.Valid())
		_, err := time.LoadLocation(a.Zone)
		require.NoError(t, err)
		require.False(t, a.EndAt.Before(a.StartAt))
	}
	for _, text := range texts {
		require.Regexp(t, codePattern, text)
	}
}

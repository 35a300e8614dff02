package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestListedRowsAreRead(t *testing.T) {
	t.Parallel()
	events, err := parseEvents("2\x1freceived.testkit.requisition_created\x1f\x1f1\x1fcall:c1\x1f0\x1f1500000\x1f0" +
		"\x1e1\x1freceived.testkit.ordered\x1flate\x1f0\x1fapi:r1\x1f3\x1f1000000\x1f2000000")
	require.NoError(t, err)
	require.Equal(t, []order.Event{
		{
			Sequence: 1, Status: "received.testkit.ordered", Detail: "late", Cause: "api:r1", StepIndex: 3,
			OccurredAt: time.Unix(1, 0).UTC(), RecordedAt: time.Unix(2, 0).UTC(),
		},
		{Sequence: 2, Status: "received.testkit.requisition_created", Implied: true, Cause: "call:c1",
			OccurredAt: time.UnixMicro(1_500_000).UTC()},
	}, events)
	none, err := parseEvents("")
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestListedRowsOfAnotherFormAreRefused(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{
		"too few values": "1\x1fa\x1f\x1f0\x1fc\x1f0\x1f1", "too many": "1\x1fa\x1f\x1f0\x1fc\x1f0\x1f1\x1f2\x1f3",
		"no number": "one\x1fa\x1f\x1f0\x1fc\x1f0\x1f1\x1f2", "an empty row": "1\x1fa\x1f\x1f0\x1fc\x1f0\x1f1\x1f2\x1e\x1e",
	} {
		_, err := parseEvents(list)
		require.ErrorIs(t, err, sqldb.ErrMalformedTextRow, name)
	}
	_, err := parseOrderTransaction("t", "o1\x1fordered\x1f1")
	require.ErrorIs(t, err, sqldb.ErrMalformedTextRow)
}

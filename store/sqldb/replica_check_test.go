package sqldb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

func TestAReplicaHasToHaveReplayedWhatIsTooOldToMiss(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	const maxAge = 5 * time.Second
	var s replicaState
	position := func(seconds int) int64 {
		p, usable := s.requiredPosition(at(seconds), maxAge)
		require.Equal(t, usable, p != 0)
		return p
	}
	sample := func(seconds int, written, replayed int64) {
		s.addSample(logSample{at: at(seconds), position: written})
		s.noteReplayed(replayed, at(seconds), maxAge)
	}
	require.Zero(t, position(0), "nothing is known")
	sample(0, 100, 90)
	require.Zero(t, position(0), "it is behind the only sample")
	sample(1, 200, 150)
	require.EqualValues(t, 100, position(1), "it has everything from before second 0")
	require.Equal(t, at(0), s.freshAt)
	require.EqualValues(t, 100, position(5))
	require.Zero(t, position(6), "which is too long ago now")
	sample(6, 300, 300)
	require.EqualValues(t, 200, position(6), "another replica has to have what was written by second 1")
	require.Equal(t, at(6), s.freshAt)
	require.Len(t, s.samples, 2, "the sample of second 0 is of no more use")
	require.EqualValues(t, 300, position(7))
	require.EqualValues(t, 300, position(11))
	require.Zero(t, position(12), "no sample is recent enough")

	s.err = errNoReplica
	require.Zero(t, position(7))
	s.err = nil
	for i := range 2 * maxReplicaSamples {
		sample(20+i, 1000+int64(i), 300)
	}
	require.Len(t, s.samples, maxReplicaSamples)
}

func TestOnlyFailuresOfTheServerStopTheUseOfAReplica(t *testing.T) {
	t.Parallel()
	code := func(code string) error { return fmt.Errorf("reading: %w", &pgconn.PgError{Code: code}) }
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"shutdown":            {code("57P01"), true},
		"no table":            {code("42P01"), true},
		"no permission":       {code("42501"), true},
		"value":               {code("22P02"), false},
		"removed rows":        {code("40001"), false},
		"no answer in time":   {fmt.Errorf("reading: %w", context.DeadlineExceeded), true},
		"network":             {fmt.Errorf("reading: %w", &net.OpError{Op: "read", Err: errors.New("reset")}), true},
		"connection lost":     {driver.ErrBadConn, true},
		"a rule of the store": {errors.New("too many orders to be sorted by patient"), false},
	} {
		require.Equal(t, test.want, isServerFailure(test.err), name)
	}
}

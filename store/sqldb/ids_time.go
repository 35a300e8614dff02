package sqldb

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// LastID is the UUID after all others. No row has it.
const LastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// idsMade counts the ids of NewIDAt, from a random number on, so that those of one time are in the order in which they
// were made.
var idsMade = func() *atomic.Uint32 {
	var n atomic.Uint32
	n.Store(rand.Uint32()) //nolint:gosec // an id is not secret
	return &n
}()

// NewIDAt returns a new id of a row that is of the given time. Ids sort by these times, to the microsecond. Those of
// one microsecond and one process sort by when they were made.
func NewIDAt(at time.Time) string {
	micros := max(at.UnixMicro(), 0)
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], uint64(micros/1000)<<16|7<<12|uint64(micros%1000*4096/1000))
	const counterBits, randomBits = 24, 38
	count := uint64(idsMade.Add(1)) & (1<<counterBits - 1)
	random := rand.Uint64N(1 << randomBits) //nolint:gosec // an id is not secret
	binary.BigEndian.PutUint64(id[8:], 2<<62|count<<randomBits|random)
	return id.String()
}

// FirstIDAt returns the smallest id that NewID and NewIDAt make at a time, to the millisecond. No row has it.
func FirstIDAt(at time.Time) string {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:], uint64(max(at.UnixMilli(), 0))<<16)
	return id.String()
}

// TimeOfID returns the time of an id that NewID or NewIDAt made, to the millisecond.
func TimeOfID(id string) (at time.Time, ok bool) {
	parsed, ok := parseUUID(id)
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(parsed[:]) >> 16)).UTC(), true
}

package sqldb

import (
	"sync/atomic"
	"time"
)

// disk is what the connections of a database know of the room on its disk.
type disk struct{ refusedAt atomic.Int64 } // in nanoseconds since 1970: when it last had no room for a write; 0: never

// note notes an error that says that the disk has no room. It returns the error.
func (d *disk) note(err error) error {
	if err != nil && IsDiskFull(err) {
		d.refusedAt.Store(time.Now().UnixNano())
	}
	return err
}

// DiskRefusedAt returns when the disk last had no room for a write of this process; zero: never.
func (db *DB) DiskRefusedAt() time.Time {
	at := db.disk.refusedAt.Load()
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(0, at)
}

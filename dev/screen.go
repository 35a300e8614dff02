package dev

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// screen shows lines, from whichever goroutine.
type screen struct {
	mu  sync.Mutex
	out io.Writer
}

func (s *screen) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// event shows a line that has a time.
func (s *screen) event(at time.Time, format string, args ...any) {
	s.line("  "+at.Local().Format(time.TimeOnly)+"  "+format, args...)
}

// seconds is a duration as people read it.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

package devsystem

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// terminal shows lines, from whichever goroutine.
type terminal struct {
	mu  sync.Mutex
	out io.Writer
}

func (s *terminal) printLine(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// printTimedLine shows a line that has a time.
func (s *terminal) printTimedLine(at time.Time, format string, args ...any) {
	s.printLine("  "+at.Local().Format(time.TimeOnly)+"  "+format, args...)
}

// formatDuration is a duration as people read it.
func formatDuration(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

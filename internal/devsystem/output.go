package devsystem

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// overview returns the addresses of the system, and with an order, where to see that order.
func (s *system) overview(orderID string) string {
	api, ui := urlOfAddress(s.addresses.api), urlOfAddress(s.addresses.temporalUI)
	rows := [][2]string{
		{"API", api},
		{"its documentation", api + "/docs"},
		{"Temporal UI", ui},
		{"simulated lab", urlOfAddress(s.addresses.lab)},
	}
	if orderID != "" {
		rows = append(rows,
			[2]string{"the order's workflow", fmt.Sprintf("%s/namespaces/%s/workflows/order-%s", ui, namespace, orderID)},
			[2]string{"the order's story", fmt.Sprintf("bin/aliquot order story %s%s", orderID, s.dataFlag())},
			[2]string{"", fmt.Sprintf("%s/ops/orders/%s/story (x-vital-api-key: $ALIQUOT_OPS_KEY)", api, orderID)},
		)
	}
	rows = append(rows,
		[2]string{"for scripts",
			fmt.Sprintf(". %s   # addresses and keys", quoteWord(filepath.Join(s.options.Data, EnvFile)))})
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(table, "  %s\t%s\n", row[0], row[1])
	}
	_ = table.Flush() // a string builder accepts everything
	return "\n" + b.String() + "\nEverything stays up until Ctrl-C."
}

// dataFlag returns the flag --data that commands need to find this system; empty for the default folder.
func (s *system) dataFlag() string {
	if s.options.Data == DefaultData {
		return ""
	}
	return " --data " + s.options.Data
}

// terminal prints lines. It is safe for concurrent use.
type terminal struct {
	mu  sync.Mutex
	out io.Writer
}

func (s *terminal) printLine(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

// printTimedLine prints a line that begins with a time.
func (s *terminal) printTimedLine(at time.Time, format string, args ...any) {
	s.printLine("  "+at.Local().Format(time.TimeOnly)+"  "+format, args...)
}

// formatDuration formats a duration in seconds.
func formatDuration(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

package childprocess

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
)

// FreePort chooses ports from lowestPort up to, but not including, endOfPorts. No port is above 32767, because a
// Temporal server stores its ports in a signed 16-bit column.
const (
	lowestPort = 12_000
	endOfPorts = 32_000
)

// portRangeFile holds the first and the last port that Linux gives to outgoing connections.
const portRangeFile = "/proc/sys/net/ipv4/ip_local_port_range"

var errNoPort = errors.New("no port is free")

// usedPorts are the ports that FreePort has returned in this process.
var usedPorts = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// FreePort returns a TCP port of 127.0.0.1 that no process listens on. It returns a port only once per process.
// The system does not give the port to an outgoing connection, so that a server can be restarted on it, unless the
// system gives nearly every port to outgoing connections. A server of another process can take the port before the
// caller does, so the caller should try another port when its server fails to start.
func FreePort(ctx context.Context) (int, error) {
	const attempts = 1000
	end := endOfFreePorts()
	for range attempts {
		port := lowestPort + rand.IntN(end-lowestPort) //nolint:gosec // the port need not be secret
		if isFree(ctx, port) && reserve(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("finding a free port from %d to %d: %w", lowestPort, end-1, errors.Join(errNoPort, ctx.Err()))
}

// endOfFreePorts returns the end of the ports that FreePort chooses from: the first port of outgoing connections, or
// endOfPorts where that is lower or where fewer than 1,000 ports would be left.
func endOfFreePorts() int {
	const fewestPorts = 1000
	content, err := os.ReadFile(portRangeFile)
	if err != nil {
		return endOfPorts // not Linux: macOS and Windows use ports from 49152
	}
	var firstOutgoing int
	if _, err := fmt.Sscan(string(content), &firstOutgoing); err != nil || firstOutgoing < lowestPort+fewestPorts {
		return endOfPorts
	}
	return min(firstOutgoing, endOfPorts)
}

func isFree(ctx context.Context, port int) bool {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// reserve records that the port is used and reports whether it was unused.
func reserve(port int) bool {
	usedPorts.Lock()
	defer usedPorts.Unlock()
	if usedPorts.ports[port] {
		return false
	}
	usedPorts.ports[port] = true
	return true
}

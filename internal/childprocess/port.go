package childprocess

import (
	"context"
	"fmt"
	"net"
)

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on. Another
// process may take it before the caller does, so a server that fails to start is
// worth another try on another port.
func FreePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()

	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("finding a free port: %s is no TCP address", l.Addr())
	}
	return address.Port, nil
}

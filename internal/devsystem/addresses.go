package devsystem

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
)

const (
	loopback    = "127.0.0.1"
	namespace   = "default"
	workerCount = 2
)

// addresses are the addresses of the processes and the receiver, host:port.
type addresses struct {
	api, lab, temporal, temporalUI, receiver string
	metrics                                  [workerCount]string // of the workers
}

// resolveAddresses finds a free port for every address with port 0, and checks that the other addresses are free. The
// receiver gets its previous address, lastReceiver, again if possible, because its endpoint has that URL.
func (o Options) resolveAddresses(ctx context.Context, lastReceiver string) (addresses, error) {
	var a addresses
	var taken []net.Listener // all stay open until the end, so that no port is found twice
	defer func() {
		for _, l := range taken {
			l.Close()
		}
	}()
	find := func(flag, wanted string, into *string) error {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", wanted)
		if err != nil {
			return fmt.Errorf("%s: %w: stop what listens there, or choose another address (port 0: any free port)", flag, err)
		}
		taken = append(taken, l)
		*into = l.Addr().String()
		return nil
	}
	if lastReceiver != "" && o.Receiver == net.JoinHostPort(loopback, "0") && find("", lastReceiver, &a.receiver) == nil {
		o.Receiver = ""
	}
	for _, w := range []struct {
		flag, address string
		into          *string
	}{
		{"--api", o.API, &a.api},
		{"--lab-addr", o.LabAddr, &a.lab},
		{"--temporal-port", net.JoinHostPort(loopback, strconv.Itoa(o.TemporalPort)), &a.temporal},
		{"--ui-port", net.JoinHostPort(loopback, strconv.Itoa(o.UIPort)), &a.temporalUI},
		{"--receiver", o.Receiver, &a.receiver},
		{"worker-1", net.JoinHostPort(loopback, "0"), &a.metrics[0]},
		{"worker-2", net.JoinHostPort(loopback, "0"), &a.metrics[1]},
	} {
		if w.address == "" {
			continue
		}
		if err := find(w.flag, w.address, w.into); err != nil {
			return addresses{}, err
		}
	}
	return a, nil
}

// urlOfAddress returns the URL of a server on this machine that listens on the address.
func urlOfAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		address = net.JoinHostPort(loopback, port)
	}
	return "http://" + address
}

// hostOf returns the host and port of a URL; empty if there is none.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address) // a listener's address always has a port
	return port
}

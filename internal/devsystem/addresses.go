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

// addresses are where the parts listen, host:port.
type addresses struct {
	api, lab, temporal, temporalUI, receiver string
	metrics                                  [workerCount]string // of the workers
}

// resolveAddresses finds a free port wherever none was asked for, and makes sure that the others are free. lastReceiver is the address that
// the receiver had before: it is taken again if it can be, because the receiver's endpoint goes by it.
func (o Options) resolveAddresses(ctx context.Context, lastReceiver string) (addresses, error) {
	var a addresses
	var taken []net.Listener // all at once, so that no port is found twice
	defer func() {
		for _, l := range taken {
			l.Close()
		}
	}()
	find := func(flag, wanted string, into *string) error {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", wanted)
		if err != nil {
			return fmt.Errorf("%s: %w: stop what listens there, or choose another address (port 0: any that is free)", flag, err)
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

// urlOfAddress is where a server on this machine is reached that listens on the address.
func urlOfAddress(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		address = net.JoinHostPort(loopback, port)
	}
	return "http://" + address
}

// hostOf is the address that a URL names; empty when there is none.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address) // it was made by the listener
	return port
}

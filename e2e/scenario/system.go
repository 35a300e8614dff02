// Package scenario drives a running Aliquot over HTTP as its clients, operations and partners do. It needs only
// addresses and keys and imports no other package of Aliquot. Its tables of statuses and edges are written by hand
// after docs/spec/order-lifecycle.md#edges, so that they can prove the product's own tables.
package scenario

import (
	"net/http"
	"time"
)

// System is the access to a running system and to the simulated partner that its orders are placed at.
type System struct {
	URL, Key, OperationsKey string // the API, and the keys of a client and of operations

	// The control endpoints of the simulated partner, and the credentials for them.
	LabURL, LabUser, LabToken string
	// The neutral protocol's endpoint of the partner (docs/partners.md) and the credentials for it. The scenarios create
	// requisitions there that they import.
	PartnerURL, PartnerAccount, PartnerSecret string

	UserID string
	// LabTests are lab tests by collection method. "/" and the name of a policy may follow the collection method.
	LabTests map[string]string

	// Client calls the API and the simulated partner. Defaults to a client with a timeout.
	Client *http.Client

	slots slots
}

// The policies that lab tests need besides their team's.
const (
	// SilentPolicy ends a kit that has been silent, or was not recovered, for a few seconds.
	SilentPolicy = "silent"
	// ExpiringPolicy ends an unregistered kit after a few seconds.
	ExpiringPolicy = "expiring"
	// EarlyBookingPolicy allows bookings before the requisition exists.
	EarlyBookingPolicy = "early"
)

// The collection methods.
const (
	Testkit    = "testkit"
	WalkIn     = "walk_in_test"
	Phlebotomy = "at_home_phlebotomy"
	OnSite     = "on_site_collection"
)

// StatusTimeout is how long an order may take to reach a status. Only failing tests take that long.
const StatusTimeout = 90 * time.Second

// defaultClient is used where System has no Client.
var defaultClient = &http.Client{
	Timeout:   StatusTimeout,
	Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Second},
}

func (s *System) httpClient() *http.Client {
	if s.Client == nil {
		return defaultClient
	}
	return s.Client
}

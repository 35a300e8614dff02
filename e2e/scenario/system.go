// Package scenario drives a running Aliquot from outside, as its clients, operations and partners do: over HTTP, with nothing but
// addresses and keys. It imports nothing of Aliquot. What it knows of statuses and of what leads from one to the next is written
// down here by hand, after docs/spec/order-lifecycle.md#edges, so that it can prove the product's own tables.
package scenario

import (
	"net/http"
	"time"
)

// System is what a driver knows of a running system and of the simulated partner that its orders go to.
type System struct {
	URL, Key, OperationsKey string // the API, and the keys of a client and of operations

	// The simulated partner's control endpoints, and the credentials for them.
	LabURL, LabUser, LabToken string
	// Where the partner takes requisitions by the neutral protocol (docs/partners.md), and as whom: for those that are made
	// elsewhere and imported.
	PartnerURL, PartnerAccount, PartnerSecret string

	UserID string
	// LabTests are lab tests by collection method. A name may be followed by "/" and the Pace of its policy.
	LabTests map[string]string

	// Client calls the API and the simulated partner. Defaults to one with Patience.
	Client *http.Client

	slots slots
}

// The policies that lab tests are needed with, besides their team's.
const (
	// SilentPolicy gives a kit up that has been silent for a few seconds, or was not recovered in that time.
	SilentPolicy = "silent"
	// ExpiringPolicy gives an unregistered kit up after a few seconds.
	ExpiringPolicy = "expiring"
	// EarlyBookingPolicy lets appointments be booked before the requisition.
	EarlyBookingPolicy = "early"
)

// The collection methods.
const (
	Testkit    = "testkit"
	WalkIn     = "walk_in_test"
	Phlebotomy = "at_home_phlebotomy"
	OnSite     = "on_site_collection"
)

// StatusTimeout is how long an order may take to get to a status: generous, because it costs nothing when it does not take that long.
const StatusTimeout = 90 * time.Second

// defaultClient is the Client of those who have none.
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

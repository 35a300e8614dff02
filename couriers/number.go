package couriers

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// Courier is a carrier whose numbers we recognise. Its text is what clients get as
// outbound_courier and inbound_courier (client-api#clientfacingshipment). Empty means unknown.
type Courier string

// The couriers that carry kits.
const (
	USPS  Courier = "usps"
	FedEx Courier = "fedex"
)

// CheckDigit says what a number's check digit tells. A wrong one rejects a number only in the
// rules that say so: labels with a typing error still belong to the courier whose shape
// they have.
type CheckDigit string

// What a check digit can tell.
const (
	CheckDigitNone  CheckDigit = ""      // the shape has no check digit that we judge
	CheckDigitRight CheckDigit = "right" // the check digit fits
	CheckDigitWrong CheckDigit = "wrong" // the check digit does not fit
)

// Leg is one way of a kit: to the customer or back to the lab.
type Leg = lifecycle.Leg

// The legs of a kit.
const (
	Outbound = lifecycle.Outbound
	Inbound  = lifecycle.Inbound
)

// trackingPages holds each courier's public tracking page, to which the number is added.
var trackingPages = map[Courier]string{
	USPS:  "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
	FedEx: "https://www.fedex.com/apps/fedextrack/?tracknumbers=",
}

// NormalizeNumber gives the number as couriers know it: without blanks and hyphens, in upper case.
// The original is kept by whoever received it.
func NormalizeNumber(number string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, number)
}

// identify tells which courier a tracking number belongs to, by the first matching shape of
// molecular-api#couriers, and what its check digit tells. An unknown courier is
// empty, and no error: the number is stored and shown, only the link is missing.
func identify(number string) (Courier, CheckDigit) {
	n := NormalizeNumber(number)
	if isInternationalLabel(n) {
		return USPS, CheckDigitNone
	}
	if !allDigits(n) {
		return "", CheckDigitNone
	}
	if c, check := identifyUSPS(n); c != "" {
		return c, check
	}
	return identifyFedEx(n)
}

// trackingPage gives the public tracking page of a number. It is empty when the courier is unknown or
// the number is.
func trackingPage(c Courier, number string) string {
	page, n := trackingPages[c], NormalizeNumber(number)
	if page == "" || n == "" {
		return ""
	}
	return page + url.QueryEscape(n)
}

// fromShippingMethod gives the courier that a shipping_method of MTL
// (molecular-api#shipping-methods) implies, empty for a method that it does not list.
func fromShippingMethod(id int) Courier {
	switch id {
	case 7, 8, 9:
		return USPS
	case 10:
		return FedEx
	default:
		return ""
	}
}

// DescribeNumber gives all that is shown of a shipment's number: its courier (empty: unknown), the
// tracking page (empty: unknown courier) and the cleaned number. The shipping method that we
// asked for helps only outbound: the lab chose the return label. A number that is empty once
// cleaned is no shipment leg, and everything is empty.
func DescribeNumber(number string, leg Leg, shippingMethod int) (courier Courier, pageURL, cleaned string) {
	cleaned = NormalizeNumber(number)
	if cleaned == "" {
		return "", "", ""
	}
	courier, _ = identify(cleaned)
	if courier == "" && leg == Outbound {
		courier = fromShippingMethod(shippingMethod)
	}
	return courier, trackingPage(courier, cleaned), cleaned
}

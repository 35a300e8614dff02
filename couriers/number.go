package couriers

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// Courier is a carrier whose numbers we recognise. Clients get its text as outbound_courier and inbound_courier
// (client-api#clientfacingshipment). Empty means unknown.
type Courier string

// The couriers that carry kits.
const (
	USPS  Courier = "usps"
	FedEx Courier = "fedex"
)

// CheckDigit is the result of checking a number's check digit. A wrong digit rejects a number only in the rules that
// say so: a label with a typing error still belongs to the courier whose shape it has.
type CheckDigit string

// The results of a check.
const (
	CheckDigitNone  CheckDigit = ""      // the shape has no check digit that we check
	CheckDigitRight CheckDigit = "right" // the check digit fits
	CheckDigitWrong CheckDigit = "wrong" // the check digit does not fit
)

// Leg is one direction of a kit's transit: to the customer or back to the lab.
type Leg = lifecycle.Leg

// The legs of a kit.
const (
	Outbound = lifecycle.Outbound
	Inbound  = lifecycle.Inbound
)

// trackingPages has each courier's public tracking page, to which the number is appended.
var trackingPages = map[Courier]string{
	USPS:  "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
	FedEx: "https://www.fedex.com/apps/fedextrack/?tracknumbers=",
}

// NormalizeNumber returns the number as couriers use it: without blanks, hyphens and the brackets that are printed
// around the parts of a barcode, in upper case. The caller stores the original.
func NormalizeNumber(number string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '(' || r == ')' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, number)
}

// identify returns the courier of a tracking number, by the first matching shape of molecular-api#couriers, and the
// result of its check digit. An unknown courier is empty and no error: the number is stored and shown without a link.
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

// trackingPage returns the public tracking page of a number. It is empty if the courier is unknown or the number is
// empty.
func trackingPage(c Courier, number string) string {
	page, n := trackingPages[c], PrintedNumber(number)
	if page == "" || n == "" {
		return ""
	}
	return page + url.QueryEscape(n)
}

// fromShippingMethod returns the courier that an MTL shipping_method implies (molecular-api#shipping-methods); empty:
// the method is not listed.
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

// DescribeNumber returns what is shown of a shipment's number: its courier (empty: unknown), the tracking page (empty:
// unknown courier) and the printed number. The shipping method of the order is used for the outbound leg only,
// because the lab chooses the return label. If the number is empty, there is no leg, and everything is
// empty.
func DescribeNumber(number string, leg Leg, shippingMethod int) (courier Courier, pageURL, printed string) {
	printed = PrintedNumber(number)
	if printed == "" {
		return "", "", ""
	}
	if courier, _ = identify(number); courier == "" {
		courier, _ = identify(printed)
	}
	if courier == "" && leg == Outbound {
		courier = fromShippingMethod(shippingMethod)
	}
	return courier, trackingPage(courier, printed), printed
}

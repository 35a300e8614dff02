package couriers

import (
	"slices"
	"strings"
)

// fedExForms are the form ids that FedEx prints behind a number of 12 digits.
var fedExForms = []string{"0200", "0201", "0215", "0263", "0430"}

// PrintedNumber returns the normalized number in the form that stands on the label in clear, which people and carriers
// use. A scanned barcode has more: USPS puts 420 and the ZIP in front, FedEx the service and the destination. Numbers
// of which no such form is certain, because a check digit is wrong, are returned as NormalizeNumber returns them. Two
// forms of one parcel's number are equal after it (molecular-api#couriers).
func PrintedNumber(number string) string {
	n := NormalizeNumber(number)
	if !allDigits(n) {
		return n
	}
	if label := routedLabel(n); label != "" {
		return label
	}
	if printed := printedFedEx(n); printed != "" {
		return printed
	}
	return n
}

// printedFedEx returns the printed form of a FedEx barcode; empty: it is none, or its check digit is wrong.
func printedFedEx(n string) string {
	switch {
	case len(n) == 34 && (n[0] <= '8' || strings.HasPrefix(n, "96")):
		if n[20:22] == "00" && fedEx12Valid(n[22:]) {
			return n[22:]
		}
		if n[19] != '0' && mod10Valid(n[19:]) {
			return n[19:]
		}
	case len(n) == 32 && n[0] == '3' && fedEx12Valid(n[16:28]):
		return n[16:28]
	case len(n) == 22 && strings.HasPrefix(n, "96") && mod10Valid(n[7:]):
		return n[7:]
	case len(n) == 16 && fedEx12Valid(n[:12]) && slices.Contains(fedExForms, n[12:]):
		return n[:12]
	}
	return ""
}

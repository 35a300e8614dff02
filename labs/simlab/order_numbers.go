package simlab

import (
	"fmt"
	"math/rand/v2"
)

// The first digits of tracking numbers: USPS numbers have 22 digits and start with 94.
const (
	outboundPrefix = "9405511"
	inboundPrefix  = "9402109"
)

// newKitID returns an unused kit id: M and nine digits.
func newKitID(taken map[string]bool) string {
	for {
		id := fmt.Sprintf("M%09d", rand.IntN(1_000_000_000))
		if !taken[id] {
			return id
		}
	}
}

// newTrackingNumber returns an unused USPS number of 22 digits with a valid check digit.
func newTrackingNumber(prefix string, taken map[string]*tracker) string {
	for {
		digits := prefix + fmt.Sprintf("%014d", rand.Int64N(100_000_000_000_000))
		number := digits + string(checkDigit(digits))
		if taken[number] == nil {
			return number
		}
	}
}

// checkDigit returns the USPS check digit: the digits weighted 3, 1, 3, … from the right, subtracted from the next
// multiple of ten.
func checkDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		digit := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			digit *= 3
		}
		sum += digit
	}
	return byte('0' + (10-sum%10)%10)
}

// newAccession returns an accession number: A and nine digits. It need not be unique.
func newAccession() string { return fmt.Sprintf("A%09d", rand.IntN(1_000_000_000)) }

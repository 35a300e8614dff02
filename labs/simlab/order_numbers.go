package simlab

import (
	"fmt"
	"math/rand/v2"
)

// The first digits of the tracking numbers: USPS 22-digit numbers that start with 94.
const (
	outboundPrefix = "9405511"
	inboundPrefix  = "9402109"
)

// newKitID returns a kit id that is not taken: M and nine digits.
func newKitID(taken map[string]bool) string {
	for {
		id := fmt.Sprintf("M%09d", rand.IntN(1_000_000_000))
		if !taken[id] {
			return id
		}
	}
}

// newTrackingNumber returns a USPS number of 22 digits, with a right check digit, that no tracker has.
func newTrackingNumber(prefix string, taken map[string]*tracker) string {
	for {
		digits := prefix + fmt.Sprintf("%014d", rand.Int64N(100_000_000_000_000))
		number := digits + string(checkDigit(digits))
		if taken[number] == nil {
			return number
		}
	}
}

// checkDigit is the USPS check digit: weights 3, 1, 3, … from the right; what is missing to the next ten.
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

// newAccession returns the number under which the lab has an order: A and nine digits. It need not be unique at a simulated lab.
func newAccession() string { return fmt.Sprintf("A%09d", rand.IntN(1_000_000_000)) }

package catalogue

import "strings"

// validLOINC reports whether a code's check digit is that of the LOINC Users' Guide (Appendix C): Luhn's, over the digits before it.
func validLOINC(code string) bool {
	digits, check, found := strings.Cut(code, "-")
	if !found || len(check) != 1 || digits == "" {
		return false
	}
	sum := 0
	for i := range len(digits) {
		digit := int(digits[len(digits)-1-i] - '0')
		if digit < 0 || digit > 9 {
			return false
		}
		if i%2 == 0 {
			digit *= 2
		}
		sum += digit/10 + digit%10
	}
	return int(check[0]-'0') == (10-sum%10)%10
}

package couriers

import "strings"

// identifyUSPS applies rules 2 to 4 of molecular-api#couriers to a normalized number of digits only.
func identifyUSPS(n string) (Courier, CheckDigit) {
	if routedLabel(n) != "" {
		return USPS, CheckDigitRight
	}
	if isDomesticLabel(n) {
		return USPS, checkDigitOf(mod10Valid(n))
	}
	// The 20 digits are a number whose application identifier 91 is not printed.
	if len(n) == 20 && (mod10Valid(n) || mod10Valid("91"+n)) {
		return USPS, CheckDigitRight
	}
	return "", CheckDigitNone
}

// identifyFedEx applies rules 5 to 8 to a number that is not USPS's.
func identifyFedEx(n string) (Courier, CheckDigit) {
	switch {
	case strings.HasPrefix(n, "96") && (len(n) == 22 || len(n) == 34):
		return FedEx, CheckDigitNone
	case len(n) == 12:
		return FedEx, checkDigitOf(fedEx12Valid(n))
	case len(n) == 15:
		return FedEx, checkDigitOf(mod10Valid(n))
	case len(n) == 34 && n[0] <= '8',
		len(n) == 32 && n[0] == '3',
		len(n) == 18 && strings.HasPrefix(n, "00"):
		return FedEx, CheckDigitNone
	default:
		return "", CheckDigitNone
	}
}

// isInternationalLabel reports whether the number has the international shape: two letters, nine digits, US.
func isInternationalLabel(n string) bool {
	return len(n) == 13 && strings.HasSuffix(n, "US") &&
		isLetter(n[0]) && isLetter(n[1]) && allDigits(n[2:11])
}

// isDomesticLabel reports whether the number is a domestic label: service types 91 to 95, 22 or 26 digits.
func isDomesticLabel(n string) bool {
	return (len(n) == 22 || len(n) == 26) && n[0] == '9' && '1' <= n[1] && n[1] <= '5'
}

// routedLabel returns the label that follows a routing code (420 and a ZIP of 5 or 9 digits), if its check digit is
// right; empty: there is none. The digit must be right, because FedEx uses 34 digits too.
func routedLabel(n string) string {
	if !strings.HasPrefix(n, "420") {
		return ""
	}
	for _, zip := range []int{5, 9} {
		if start := len("420") + zip; len(n) > start && isDomesticLabel(n[start:]) && mod10Valid(n[start:]) {
			return n[start:]
		}
	}
	return ""
}

// mod10Valid checks the last digit of a USPS or a 15-digit FedEx number: weights 3, 1, 3, … from the right over the
// others.
func mod10Valid(n string) bool {
	last, sum := len(n)-1, 0
	for i := range last {
		weight := 3
		if (last-1-i)%2 == 1 {
			weight = 1
		}
		sum += weight * digitValue(n[i])
	}
	return (10-sum%10)%10 == digitValue(n[last])
}

// fedEx12Valid checks the last of 12 digits: weights 3, 1, 7, repeating from the left over the others, modulo 11, then
// 10.
func fedEx12Valid(n string) bool {
	weights, sum := [3]int{3, 1, 7}, 0
	for i := range 11 {
		sum += weights[i%3] * digitValue(n[i])
	}
	return sum%11%10 == digitValue(n[11])
}

func checkDigitOf(right bool) CheckDigit {
	if right {
		return CheckDigitRight
	}
	return CheckDigitWrong
}

func allDigits(n string) bool {
	return n != "" && strings.Trim(n, "0123456789") == ""
}

func isLetter(b byte) bool { return 'A' <= b && b <= 'Z' }

func digitValue(b byte) int { return int(b - '0') }

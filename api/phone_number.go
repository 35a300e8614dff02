package api

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"github.com/aliquot-labs/aliquot/order"
)

// This file reads the phone numbers of requests (client-api#open-8).

// phonePattern is lenient on purpose: the original API's own samples have numbers that no telephone network accepts.
var phonePattern = regexp.MustCompile(`^\+?[0-9(][0-9 ().-]{6,19}$`)

// extensionPattern separates the extension of a phone number, in the forms that people and RFC 3966 write.
var extensionPattern = regexp.MustCompile(`(?i)^(.*?\d.*?)[\s,;(]*(?:extension|extn?|x|#)[\s.:=]*(\d{1,7})\)?$`)

const (
	phoneScheme = "tel:"
	minusSign   = '\u2212' // U+2212, which is no dash in Unicode
)

// Numbers of digits of phone numbers.
const (
	minPhoneDigits   = 7
	maxPhoneDigits   = 15 // E.164
	usDigits         = 10
	minForeignDigits = 11 // of a number with a country code and without a plus sign: fewer may be a local number
)

// parsePhone returns a phone number in E.164, with its extension as order.JoinPhone writes it. 00 and 011 at the
// beginning mean a plus sign. A number without a country code is a US one. parsePhone refuses what is no number, and a
// number without a plus sign that is local or all zeros. A number with a plus sign that no network has is returned
// digit for digit. Typographic blanks, dashes and digits are read as the plain ones.
func parsePhone(text string) (string, bool) {
	base, extension := plainPhone(text), ""
	if found := extensionPattern.FindStringSubmatch(base); found != nil {
		base, extension = strings.TrimSpace(found[1]), found[2]
	}
	d := digits(base)
	if !phonePattern.MatchString(base) || len(d) < minPhoneDigits {
		return "", false
	}
	number, ok := "+"+d, len(d) <= maxPhoneDigits
	if strings.HasPrefix(base, "+") {
		if valid, isValid := validNumber(base); isValid {
			number, ok = valid, true
		}
	} else {
		number, ok = withCountryCode(d)
	}
	return order.JoinPhone(number, extension), ok
}

// plainPhone returns a number as it would be typed: with plain digits, blanks and dashes, and without characters that
// have no width, which are copied from documents and address books. It leaves out the scheme of a tel: URI.
func plainPhone(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Pd, r) || r == minusSign:
			return '-'
		}
		return r
	}, norm.NFKC.String(text))
	text = strings.TrimSpace(text)
	if len(text) > len(phoneScheme) && strings.EqualFold(text[:len(phoneScheme)], phoneScheme) {
		text = strings.TrimSpace(text[len(phoneScheme):])
	}
	return text
}

// withCountryCode returns the number with these digits, which were written without a plus sign.
func withCountryCode(d string) (string, bool) {
	for _, prefix := range []string{"00", "011"} {
		rest, found := strings.CutPrefix(d, prefix)
		if !found {
			continue
		}
		if len(rest) < minPhoneDigits || len(rest) > maxPhoneDigits || !canBeDialled("+"+rest) {
			return "", false
		}
		if valid, isValid := validNumber("+" + rest); isValid {
			return valid, true
		}
		return "+" + rest, true
	}
	switch {
	case len(d) == usDigits && d[0] != '0':
		return "+1" + d, true
	case len(d) == usDigits+1 && d[0] == '1' && canBeDialled("+"+d):
		return "+" + d, true
	case len(d) >= minForeignDigits:
		return validNumber("+" + d)
	}
	return "", false
}

// canBeDialled reports whether a number that begins with a plus sign has a country code and a national number of its
// length, not of zeros only. The country need not have assigned it.
func canBeDialled(text string) bool {
	n, err := phonenumbers.Parse(text, phonenumbers.UNKNOWN_REGION)
	return err == nil && n.GetNationalNumber() != 0 &&
		phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE
}

// validNumber returns a number that begins with a plus sign in E.164, if there can be such a number.
func validNumber(text string) (string, bool) {
	n, err := phonenumbers.Parse(text, phonenumbers.UNKNOWN_REGION)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", false
	}
	return phonenumbers.Format(n, phonenumbers.E164), true
}

func checkPhone(number, path string) []error {
	if _, ok := parsePhone(number); ok || number == "" {
		return nil
	}
	return []error{newProblem("value_error", "Value is not a phone number with its area code", path)}
}

// normalisePhone returns a checked phone number in the form in which it is stored.
func normalisePhone(text string) string {
	number, _ := parsePhone(text)
	return number
}

// digits returns the decimal digits of a text.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

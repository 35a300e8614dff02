package order

import "strings"

// phoneExtension separates a phone number from its extension, as in "+14155550100 ext. 12".
const phoneExtension = " ext. "

// JoinPhone returns a phone number with its extension. The extension may be empty.
func JoinPhone(number, extension string) string {
	if extension == "" {
		return number
	}
	return number + phoneExtension + extension
}

// PhoneWithoutExtension returns a phone number without its extension, for partners that take none.
func PhoneWithoutExtension(phone string) string {
	number, _, _ := strings.Cut(phone, phoneExtension)
	return number
}

package settings

import "log/slog"

// Secret is a text that prints as "(secret)" in every form of output.
type Secret string

const hiddenText = "(secret)"

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// String returns "(secret)".
func (s Secret) String() string { return hiddenText }

// GoString returns "(secret)", for %#v.
func (s Secret) GoString() string { return hiddenText }

// MarshalText returns "(secret)", for JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hiddenText), nil }

// LogValue returns "(secret)", for logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hiddenText) }

// RevealAll returns the texts of several secrets.
func RevealAll(secrets []Secret) []string {
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = s.Reveal()
	}
	return texts
}

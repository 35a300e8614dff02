package settings

import "log/slog"

// Secret is a text that must not be seen. It prints as "(secret)" wherever it ends up.
type Secret string

const hiddenText = "(secret)"

// Reveal gives the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string { return hiddenText }

// GoString hides the text from %#v.
func (s Secret) GoString() string { return hiddenText }

// MarshalText hides the text from JSON and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hiddenText), nil }

// LogValue hides the text from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hiddenText) }

// RevealAll gives the texts of several secrets.
func RevealAll(secrets []Secret) []string {
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = s.Reveal()
	}
	return texts
}

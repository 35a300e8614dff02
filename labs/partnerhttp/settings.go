package partnerhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// DecodeSettings reads an account's settings over the defaults that into holds. A setting that does not exist is an error: a
// misspelt one must not pass for a default. No settings at all are the defaults.
func DecodeSettings(document []byte, into any) error {
	if len(document) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("settings: more than one document")
	}
	return nil
}

package molecular

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

var errOtherOrder = errors.New("answer is about another order")

// successFields are the fields of MTL's answers that say whether the request succeeded. MTL documents them for
// RegisterKit only.
type successFields struct {
	Success *bool     `json:"success"`
	Message errorText `json:"error_msg"`
	// Keys that MTL does not use, and that gateways with a success field of their own do.
	ForeignErrors  json.RawMessage `json:"errors"`
	ForeignMessage json.RawMessage `json:"message"`
}

func (v successFields) isFailure() bool { return v.Success != nil && !*v.Success }

// isRefusal reports whether an answer with an error status is MTL's: it says that the request failed, or has a message
// and does not say that the request succeeded. A gateway has no error_msg.
func (v successFields) isRefusal() bool {
	if v.Message != "" {
		return v.Success == nil || !*v.Success
	}
	return v.isFailure() && v.ForeignErrors == nil && v.ForeignMessage == nil
}

// isNothingYet reports whether an answer with the status 404 is MTL's, so that there is nothing yet. It has no body or
// says that the request failed.
func isNothingYet(a partnerhttp.Answer, number string) bool {
	if a.Status != http.StatusNotFound {
		return false
	}
	if len(bytes.TrimSpace(a.Raw)) == 0 {
		return true
	}
	_, refused := errors.AsType[*labs.RefusedError](errorOf(a, number))
	return refused
}

// errorOf returns the error of an answer with an error status: a RefusedError if MTL refuses the request in it, and an
// UnansweredError otherwise (molecular-api#d25).
func errorOf(a partnerhttp.Answer, number string) error {
	answered, err := decodeOrderAnswer[cancelAnswer](a.Body, number)
	if err == nil && answered.isRefusal() {
		return &labs.RefusedError{Code: labs.CodeRefusedByLab, Raw: a.Raw}
	}
	return a.UnreadableError()
}

// decodeOrderAnswer decodes an answer about the order with this number: an object, or an array that contains one
// (molecular-api#d23). An answer without an order number is taken to be about this order.
func decodeOrderAnswer[T interface{ orderNumber() string }](body []byte, number string) (T, error) {
	var elements []T
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("[")) {
		if err := json.Unmarshal(body, &elements); err != nil {
			return *new(T), partnerhttp.ErrUnreadable // the decoder's own error quotes the body
		}
	} else {
		elements = make([]T, 1)
		if err := json.Unmarshal(body, &elements[0]); err != nil {
			return *new(T), partnerhttp.ErrUnreadable
		}
	}
	if len(elements) == 1 && elements[0].orderNumber() == "" {
		return elements[0], nil
	}
	i := slices.IndexFunc(elements, func(e T) bool { return e.orderNumber() == number })
	if i < 0 {
		return *new(T), errOtherOrder
	}
	return elements[i], nil
}

// identifier is a string that may be written as a whole number (molecular-api#d23).
type identifier string

// UnmarshalJSON accepts a string, a whole number or null.
func (id *identifier) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err == nil {
		*id = identifier(textOrEmpty(text))
		return nil
	}
	if len(data) == 0 || strings.Trim(string(data), "0123456789") != "" {
		return partnerhttp.ErrUnreadable
	}
	*id = identifier(data)
	return nil
}

// errorText is MTL's error_msg. It is empty if the message is one of the forms for nothing (see textOrEmpty).
type errorText string

// UnmarshalJSON accepts any JSON value. A value that is not a string becomes the message as it is written.
func (m *errorText) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		text = string(data)
	}
	*m = errorText(textOrEmpty(text))
	return nil
}

// textOrEmpty removes white space around a text. MTL writes " null ", "null" and "" for nothing (molecular-api#d23).
func textOrEmpty(text string) string {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "null") {
		return ""
	}
	return text
}

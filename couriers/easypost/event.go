package easypost

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

// Errors of DecodeEvent.
var (
	// ErrIgnored says that the body is an EasyPost event, but not a tracker event.
	ErrIgnored = errors.New("easypost: not a tracker event")
	// ErrMalformed says that the body is no EasyPost event, or that its tracker cannot be read.
	ErrMalformed = errors.New("easypost: malformed event")
)

// TrackerUpdate is what one tracker event says about a parcel. It holds codes and times only. The free text and the
// locations of a tracker are not read.
type TrackerUpdate struct {
	EventID      string
	TrackerID    string
	Number       string // the tracking number, as printed on the label
	Status       string // EasyPost's status, for couriers.StatusFor
	StatusDetail string // EasyPost's status_detail, may be empty
	// OccurredAt is the time of the newest tracking detail, else that of the tracker's last update; zero: the event has
	// neither.
	OccurredAt time.Time
	// Key is equal for events with the same content: EasyPost repeats events, and sends events in which only an estimate
	// has changed.
	Key string
}

type event struct {
	ID          string          `json:"id"`
	Description string          `json:"description"`
	Result      json.RawMessage `json:"result"`
}

type tracker struct {
	ID           string       `json:"id"`
	Object       string       `json:"object"`
	TrackingCode codeText     `json:"tracking_code"`
	Status       codeText     `json:"status"`
	StatusDetail codeText     `json:"status_detail"`
	UpdatedAt    optionalTime `json:"updated_at"`
	Details      []struct {
		DateTime optionalTime `json:"datetime"`
	} `json:"tracking_details"`
}

// DecodeEvent reads a webhook body whose signature has been verified. The error is ErrIgnored or wraps ErrMalformed.
// Neither quotes the body.
func DecodeEvent(body []byte) (TrackerUpdate, error) {
	var e event
	if json.Unmarshal(bodytext.Decode("", body).UTF8, &e) != nil {
		return TrackerUpdate{}, fmt.Errorf("%w: not a JSON event", ErrMalformed)
	}
	switch e.Description {
	case "tracker.created", "tracker.updated":
	case "":
		return TrackerUpdate{}, fmt.Errorf("%w: no description", ErrMalformed)
	default:
		return TrackerUpdate{}, ErrIgnored
	}
	var t tracker
	if json.Unmarshal(e.Result, &t) != nil || t.Object != "Tracker" {
		return TrackerUpdate{}, fmt.Errorf("%w: result is not a tracker", ErrMalformed)
	}
	return newTrackerUpdate(e.ID, t)
}

func newTrackerUpdate(eventID string, t tracker) (TrackerUpdate, error) {
	u := TrackerUpdate{
		EventID:      eventID,
		TrackerID:    t.ID,
		Number:       couriers.PrintedNumber(string(t.TrackingCode)),
		Status:       string(t.Status),
		StatusDetail: string(t.StatusDetail),
		OccurredAt:   t.occurredAt(),
	}
	if u.Number == "" || u.Status == "" {
		return TrackerUpdate{}, fmt.Errorf("%w: no tracking code or no status", ErrMalformed)
	}
	for _, s := range []string{u.EventID, u.TrackerID, u.Number, u.Status, u.StatusDetail} {
		if !isCode(s) {
			return TrackerUpdate{}, fmt.Errorf("%w: a value is not a code", ErrMalformed)
		}
	}
	u.Key = u.key()
	return u, nil
}

func (u TrackerUpdate) key() string {
	at := int64(0)
	if !u.OccurredAt.IsZero() {
		at = u.OccurredAt.UnixMicro()
	}
	return fmt.Sprintf("%s|%s|%s|%d", u.Number, u.Status, u.StatusDetail, at)
}

func (t tracker) occurredAt() time.Time {
	var newest time.Time
	for _, d := range t.Details {
		if d.DateTime.After(newest) {
			newest = d.DateTime.Time
		}
	}
	if newest.IsZero() {
		return t.UpdatedAt.Time
	}
	return newest
}

// optionalTime is a time that may be absent or unreadable, or outside the years that JSON can hold.
// Then it is zero, because an event without a time is still an
// event.
type optionalTime struct{ time.Time }

// UnmarshalJSON never fails.
func (i *optionalTime) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return nil //nolint:nilerr // a time that is not text counts as missing
	}
	at, err := time.Parse(time.RFC3339, text)
	if at = at.UTC().Truncate(time.Microsecond); err == nil && at.Year() >= 1 && at.Year() <= 9999 {
		i.Time = at
	}
	return nil
}

// codeText is a code that is cleaned, and may be written as a whole number. The word null is nothing.
type codeText string

// wholeNumber matches the JSON numbers whose digits are those of a code.
var wholeNumber = regexp.MustCompile(`^\d+$`)

// UnmarshalJSON accepts a string, a whole number or null.
func (c *codeText) UnmarshalJSON(b []byte) error {
	var text string
	if wholeNumber.Match(b) {
		text = string(b)
	} else if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("a code is neither a string nor a whole number")
	}
	if text = bodytext.CleanCode(text); bodytext.IsNullWord(text) {
		text = ""
	}
	*c = codeText(text)
	return nil
}

// codePattern is the form of identifiers and statuses. Values of any other form do not leave this package, so no free
// text gets into logs or histories.
var codePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{0,64}$`)

func isCode(s string) bool { return codePattern.MatchString(s) }

package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// slots hands out the bookable times of each kind of appointment, each time once. It begins with the last one, because
// the provider moves appointments to the earliest.
type slots struct {
	mu   sync.Mutex
	free map[string][]string // booking keys, by collection method
}

var errNoSlot = errors.New("no slot is left")

// NextSlot returns the booking key of a free slot. It returns each key once.
func (s *System) NextSlot(ctx context.Context, method string) (string, error) {
	s.slots.mu.Lock()
	defer s.slots.mu.Unlock()
	keys, asked := s.slots.free[method]
	if !asked {
		var err error
		if keys, err = s.availability(ctx, method); err != nil {
			return "", err
		}
		if s.slots.free == nil {
			s.slots.free = map[string][]string{}
		}
	}
	if len(keys) == 0 {
		return "", errNoSlot
	}
	last := len(keys) - 1
	s.slots.free[method] = keys[:last]
	return keys[last], nil
}

// availability lists booking keys from the day after tomorrow, earliest first.
func (s *System) availability(ctx context.Context, method string) ([]string, error) {
	query := url.Values{"start_date": {time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly)}}
	path, body := "/v3/order/phlebotomy/appointment/availability?", any(homeAddress(readyZip))
	if method == WalkIn {
		query.Set("lab", "quest")
		query.Set("zip_code", readyZip)
		path, body = "/v3/order/psc/appointment/availability?", nil
	}
	var answered Availability
	if err := s.callAsClient(ctx, http.MethodPost, path+query.Encode(), body, &answered); err != nil {
		return nil, err
	}
	return answered.Keys(), nil
}

// Availability is the part of an availability response that booking needs.
type Availability struct {
	Slots []struct {
		Slots []struct {
			Key *string `json:"booking_key"`
		} `json:"slots"`
	} `json:"slots"`
}

// Keys lists the booking keys, earliest first.
func (a Availability) Keys() (keys []string) {
	for _, day := range a.Slots {
		for _, slot := range day.Slots {
			if slot.Key != nil {
				keys = append(keys, *slot.Key)
			}
		}
	}
	return keys
}

// The area where clients choose the times of at-home visits, and the area where phlebotomists set them
// (client-api#11-appointments).
const (
	readyZip   = "85004"
	requestZip = "54650"
)

func homeAddress(zip string) map[string]any {
	to := map[string]any{"first_line": "77 West Lincoln Street", "second_line": "Unit 4", "city": "Phoenix", "state": "AZ",
		"zip_code": zip}
	if zip == requestZip {
		to["city"], to["state"] = "Onalaska", "WI"
	}
	return to
}

// appointmentKind returns the part of the path that names the order's kind of appointment.
func (o *Order) appointmentKind() string {
	if o.Method == WalkIn {
		return "psc"
	}
	return "phlebotomy"
}

func (o *Order) appointmentPath(what string) string {
	path := "/v3/order/" + o.ID + "/" + o.appointmentKind() + "/appointment"
	if what != "" {
		path += "/" + what
	}
	return path
}

// Book books a free slot, which the provider confirms immediately.
func (o *Order) Book(ctx context.Context) error {
	if err := o.setBookingBehaviour(ctx, "", map[string]any{"unconfirmed": true}); err != nil {
		return err
	}
	return o.book(ctx, nil)
}

// BookPending books a slot that the provider does not confirm immediately.
func (o *Order) BookPending(ctx context.Context) error {
	if err := o.setBookingBehaviour(ctx, "pending", map[string]any{"pending": true, "unconfirmed": true}); err != nil {
		return err
	}
	return o.book(ctx, map[string]any{"async_confirmation": true})
}

// BookUnanswered books a slot at a provider that does not respond. The caller waits one second and the provider has one
// minute, which are the shortest times that the API accepts (client-api#11-appointments).
func (o *Order) BookUnanswered(ctx context.Context) error {
	if err := o.setBookingBehaviour(ctx, "unanswered", map[string]any{"unavailable": 1000}); err != nil {
		return err
	}
	return o.book(ctx, map[string]any{
		"async_confirmation": true, "sync_confirmation_timeout_millisecond": 1000,
		"async_confirmation_timeout_millisecond": 60000,
	})
}

// setBookingBehaviour sets how the provider responds to bookings, unless it is set already.
func (o *Order) setBookingBehaviour(ctx context.Context, name string, how map[string]any) error {
	if o.bookingBehaviour == name {
		return nil
	}
	o.bookingBehaviour = name
	return o.SetCallBehaviour(ctx, map[string]any{"book": how})
}

func (o *Order) book(ctx context.Context, more map[string]any) error {
	key, err := o.system.NextSlot(ctx, o.Method)
	if err != nil {
		return err
	}
	body := map[string]any{"booking_key": key}
	maps.Copy(body, more)
	return o.system.callAsClient(ctx, http.MethodPost, o.appointmentPath("book"), body, nil)
}

// Request requests an at-home appointment whose time the phlebotomist sets.
func (o *Order) Request(ctx context.Context) error {
	return o.system.callAsClient(ctx, http.MethodPost, o.appointmentPath("request"),
		map[string]any{"address": homeAddress(requestZip), "provider": "phlebfinders"}, nil)
}

// Reschedule moves the appointment to another free slot.
func (o *Order) Reschedule(ctx context.Context) error {
	key, err := o.system.NextSlot(ctx, o.Method)
	if err != nil {
		return err
	}
	return o.system.callAsClient(ctx, http.MethodPatch, o.appointmentPath("reschedule"),
		map[string]any{"booking_key": key}, nil)
}

// CancelAppointment cancels the appointment with the first of the documented reasons.
func (o *Order) CancelAppointment(ctx context.Context) error {
	var reasons []struct {
		ID string `json:"id"`
	}
	err := o.system.callAsClient(ctx, http.MethodGet, "/v3/order/"+o.appointmentKind()+"/appointment/cancellation-reasons",
		nil, &reasons)
	if err != nil {
		return err
	}
	if len(reasons) == 0 {
		return errors.New("there is no reason to cancel an appointment for")
	}
	name := "cancellation_reason_id"
	if o.Method == WalkIn {
		name = "cancellationReasonId"
	}
	return o.system.callAsClient(ctx, http.MethodPatch, o.appointmentPath("cancel"), map[string]any{name: reasons[0].ID},
		nil)
}

// awaitAppointment waits until the order's appointment has had that many events and has the status.
func (o *Order) awaitAppointment(ctx context.Context, events int, status string) error {
	var seen struct {
		Status string `json:"status"`
		Events []any  `json:"events"`
	}
	err := poll(ctx, func() (bool, error) {
		err := o.system.callAsClient(ctx, http.MethodGet, o.appointmentPath(""), nil, &seen)
		return len(seen.Events) >= events && seen.Status == status, err
	})
	if err != nil {
		return fmt.Errorf("order %s: waiting for its appointment to become %s, it is %s: %w", o.ID, status, seen.Status, err)
	}
	return nil
}

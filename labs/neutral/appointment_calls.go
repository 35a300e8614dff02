package neutral

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// slotKeyPattern matches the slot keys that are accepted. It is strict because keys are stored outside the encrypted
// store.
var slotKeyPattern = regexp.MustCompile(`^[!-~]{1,256}$`)

type availabilityQuery struct {
	Type        order.AppointmentType `json:"type"`
	Address     *address              `json:"address,omitempty"`
	Sites       []string              `json:"sites,omitempty"`
	Zip         string                `json:"zip,omitempty"`
	RadiusMiles int                   `json:"radius_miles,omitempty"`
	From        order.Date            `json:"from"`
	Days        int                   `json:"days"`
}

type availability struct {
	Timezone string `json:"timezone"`
	Days     []struct {
		Date  string `json:"date"`
		Site  *site  `json:"site"`
		Slots []slot `json:"slots"`
	} `json:"days"`
}

type slot struct {
	Key       string `json:"key"`
	Start     string `json:"start"`
	End       string `json:"end"`
	ExpiresAt string `json:"expires_at"`
	Price     int    `json:"price_cents"`
	Priority  bool   `json:"priority"`
	Available *int   `json:"available"`
}

type booking struct {
	Type    order.AppointmentType `json:"type"`
	Slot    string                `json:"slot,omitempty"`
	Notes   *string               `json:"notes,omitempty"`
	Contact *contact              `json:"contact,omitempty"`
	Address *address              `json:"address,omitempty"`
}

type contact struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Phone     string `json:"phone_number"`
	Email     string `json:"email"`
}

// Availability implements labs.Scheduler. Slots without times, without capacity or with an invalid key are left out.
func (c *Client) Availability(ctx context.Context, q labs.AvailabilityQuery) (labs.Availability, error) {
	if !c.settings.Schedule {
		return labs.Availability{}, labs.ErrNotSupported
	}
	if q.Type != providers[c.settings.Provider] {
		return labs.Availability{}, invalidField("type")
	}
	body := availabilityQuery{
		Type: q.Type, Address: addressOfLocation(q.Address), Sites: q.Sites, Zip: q.Zip, RadiusMiles: q.RadiusMiles,
		From: q.From, Days: q.Days,
	}
	a, err := c.caller.Exchange(ctx, partnerhttp.Call{Method: http.MethodPost, Path: "/availability", Body: body,
		MaxAnswerBytes: partnerhttp.MaxReportBytes})
	if err != nil {
		return labs.Availability{}, err
	}
	if !a.OK() {
		return labs.Availability{}, answerError(a)
	}
	var answered availability
	if err := json.Unmarshal(partnerhttp.WithoutNullWords(a.Body), &answered); err != nil {
		return labs.Availability{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	return answered.toAvailability(), nil
}

func (a availability) toAvailability() labs.Availability {
	out := labs.Availability{Zone: validZone(a.Timezone)}
	for _, d := range a.Days {
		date, err := order.ParseDate(d.Date)
		if err != nil {
			continue
		}
		day := labs.DaySlots{Date: date}
		if d.Site != nil {
			day.Site = d.Site.toSite()
		}
		for _, s := range d.Slots {
			if free, ok := s.toFreeSlot(); ok {
				day.Slots = append(day.Slots, free)
			}
		}
		if len(day.Slots) > 0 {
			out.Days = append(out.Days, day)
		}
	}
	slices.SortStableFunc(out.Days,
		func(a, b labs.DaySlots) int { return strings.Compare(a.Date.String(), b.Date.String()) })
	return out
}

func (s slot) toFreeSlot() (labs.FreeSlot, bool) {
	free := labs.FreeSlot{Key: s.Key, Price: s.Price, Priority: s.Priority, Available: 1}
	var starts, ends bool
	free.StartAt, starts = partnerhttp.ParseInstant(s.Start)
	free.EndAt, ends = partnerhttp.ParseInstant(s.End)
	free.ExpiresAt, _ = partnerhttp.ParseInstant(s.ExpiresAt)
	if s.Available != nil {
		free.Available = *s.Available
	}
	return free, starts && ends && free.Available > 0 && slotKeyPattern.MatchString(s.Key)
}

// Book implements labs.Scheduler.
func (c *Client) Book(ctx context.Context, b labs.Booking) (labs.AppointmentAnswer, error) {
	tier := labs.AppointmentReady
	if b.Slot == "" {
		tier = labs.AppointmentRequest
	}
	if c.settings.Schedule && !slices.Contains(c.settings.Tiers, tier) {
		return labs.AppointmentAnswer{}, invalidField("slot")
	}
	if c.settings.Schedule && b.Type != providers[c.settings.Provider] {
		return labs.AppointmentAnswer{}, invalidField("type")
	}
	body := booking{Type: b.Type, Slot: b.Slot, Notes: b.Notes, Contact: contactOf(b.Patient)}
	if b.Type == order.Phlebotomy {
		body.Address = addressOfLocation(b.Location)
	}
	return c.callForAppointment(ctx, http.MethodPut, b, body)
}

// Reschedule implements labs.Scheduler.
func (c *Client) Reschedule(ctx context.Context, b labs.Booking) (labs.AppointmentAnswer, error) {
	body := struct {
		Slot  string  `json:"slot"`
		Notes *string `json:"notes,omitempty"`
	}{b.Slot, b.Notes}
	return c.callForAppointment(ctx, http.MethodPost, b, body, "reschedule")
}

// CancelAppointment implements labs.Scheduler. A partner answers without a status if it does not know the appointment.
func (c *Client) CancelAppointment(ctx context.Context, number, appointmentID, reason string) error {
	body := struct {
		Reason string `json:"reason,omitempty"`
	}{reason}
	a, err := c.callAppointment(ctx, http.MethodPost, number, appointmentID, body, "cancel")
	if err != nil {
		return err
	}
	var answered appointment
	if err := json.Unmarshal(partnerhttp.WithoutNullWords(a.Body), &answered); err != nil || answered.Status != "" &&
		answered.Status != lifecycle.AppointmentStatusCancelled {
		return a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	return nil
}

// callForAppointment makes a call whose answer is the appointment after it.
func (c *Client) callForAppointment(ctx context.Context, method string, b labs.Booking, body any,
	more ...string) (labs.AppointmentAnswer, error) {
	a, err := c.callAppointment(ctx, method, b.OrderNumber, b.AppointmentID, body, more...)
	if err != nil {
		return labs.AppointmentAnswer{}, err
	}
	var answered appointment
	if err := json.Unmarshal(partnerhttp.WithoutNullWords(a.Body), &answered); err != nil || answered.ID != "" &&
		answered.ID != b.AppointmentID {
		return labs.AppointmentAnswer{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	booked, ok := answered.toReportedAppointment()
	if !ok {
		return labs.AppointmentAnswer{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	if booked.Provider == "" {
		booked.Provider = c.settings.Provider
	}
	return labs.AppointmentAnswer{ReportedAppointment: booked, Location: answered.location(), Raw: a.Raw}, nil
}

// callAppointment makes a call about an appointment. It returns labs.ErrSlotGone for a conflict with the code
// slot_gone, and other errors for other answers without success.
func (c *Client) callAppointment(ctx context.Context, method, number, id string, body any,
	more ...string) (partnerhttp.Answer, error) {
	if !c.settings.Schedule {
		return partnerhttp.Answer{}, labs.ErrNotSupported
	}
	if !pathIDPattern.MatchString(id) {
		return partnerhttp.Answer{}, invalidField("id")
	}
	path := orderPath(number, append([]string{"appointments", id}, more...)...)
	a, err := c.callOrder(ctx, number, partnerhttp.Call{Method: method, Path: path, Body: body})
	switch {
	case err != nil:
		return partnerhttp.Answer{}, err
	case a.OK():
		return a, nil
	case a.Status == http.StatusConflict && errorCode(a) == codeSlotGone:
		return partnerhttp.Answer{}, labs.ErrSlotGone
	}
	return partnerhttp.Answer{}, answerError(a)
}

func contactOf(p *order.Patient) *contact {
	if p == nil {
		return nil
	}
	return &contact{FirstName: p.FirstName, LastName: p.LastName, Phone: p.Phone, Email: p.Email}
}

// invalidField refuses a call before it is made, because of one field.
func invalidField(field string) error {
	return &labs.RefusedError{Code: labs.CodeInvalidRequisition, Fields: []string{field}}
}

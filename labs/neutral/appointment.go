package neutral

import (
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// appointment is a partner's JSON form of an appointment.
type appointment struct {
	ID            string                      `json:"id"`
	Reference     string                      `json:"reference"`
	Confirmation  string                      `json:"confirmation"`
	Provider      string                      `json:"provider"`
	Status        lifecycle.AppointmentStatus `json:"status"`
	Start         string                      `json:"start"`
	End           string                      `json:"end"`
	Timezone      string                      `json:"timezone"`
	CanReschedule bool                        `json:"can_reschedule"`
	Site          *site                       `json:"site"`
	Address       *address                    `json:"address"`
}

// site is a patient service center.
type site struct {
	Code          string   `json:"code"`
	Name          string   `json:"name"`
	Address       address  `json:"address"`
	Lat           float64  `json:"lat"`
	Lng           float64  `json:"lng"`
	DistanceMiles *float64 `json:"distance_miles"`
	Timezone      string   `json:"timezone"`
}

// toReportedAppointment converts the appointment without the fields that may name the patient. ok is false if the
// status is missing or unknown, or if a reserved or confirmed appointment has no start. A missing or unreadable end
// becomes the start.
func (a appointment) toReportedAppointment() (b order.ReportedAppointment, ok bool) {
	b = order.ReportedAppointment{
		Status:    lifecycle.AppointmentStatus(codeValue(string(a.Status))),
		Reference: partnerhttp.SafeCode(a.Reference), Confirmation: partnerhttp.SafeCode(a.Confirmation),
		Zone: validZone(a.Timezone), CanReschedule: a.CanReschedule,
	}
	if providers[a.Provider] != "" {
		b.Provider = a.Provider
	}
	if a.Site != nil {
		b.Site = partnerhttp.SafeCode(a.Site.Code)
		if b.Zone == "" {
			b.Zone = validZone(a.Site.Timezone)
		}
	}
	start, timed := partnerhttp.ParseInstant(a.Start)
	b.StartAt = start
	if end, ok := partnerhttp.ParseInstant(a.End); timed {
		b.EndAt = start
		if ok && end.After(start) {
			b.EndAt = end
		}
	}
	needsStart := b.Status == lifecycle.AppointmentStatusReserved || b.Status == lifecycle.AppointmentStatusConfirmed
	return b, b.Status.Valid() && (timed || !needsStart)
}

// location returns where the appointment is; nil: unknown.
func (a appointment) location() *order.Location {
	switch {
	case a.Site != nil:
		location := a.Site.location()
		return &location
	case a.Address != nil:
		location := a.Address.location()
		return &location
	}
	return nil
}

func (s site) location() order.Location {
	location := s.Address.location()
	location.Name, location.Lat, location.Lng = s.Name, s.Lat, s.Lng
	return location
}

func (a address) location() order.Location {
	return order.Location{
		FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City, State: a.State, Zip: a.Zip, Notes: a.AccessNotes,
	}
}

func addressOfLocation(p *order.Location) *address {
	if p == nil {
		return nil
	}
	return &address{
		FirstLine: p.FirstLine, SecondLine: p.SecondLine, City: p.City, State: p.State, Zip: p.Zip, AccessNotes: p.Notes,
	}
}

func (s site) toSite() *labs.Site {
	out := &labs.Site{Code: partnerhttp.SafeCode(s.Code), Location: s.location(), Zone: validZone(s.Timezone)}
	if s.DistanceMiles != nil {
		miles := int(*s.DistanceMiles)
		out.DistanceMiles = &miles
	}
	return out
}

// validZone returns the name if it is an IANA time zone, and an empty string otherwise.
func validZone(name string) string {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return ""
	}
	return name
}

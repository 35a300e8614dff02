package neutral

import (
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// appointment is how a partner says that an appointment stands.
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

// toReportedAppointment is the appointment without what may name the patient. It is not ok without a status, or when it is to take place at no
// time. An end that is not told, or cannot be, is the start.
func (a appointment) toReportedAppointment() (b order.ReportedAppointment, ok bool) {
	b = order.ReportedAppointment{
		Status: a.Status, Reference: partnerhttp.SafeCode(a.Reference), Confirmation: partnerhttp.SafeCode(a.Confirmation),
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
	if end, told := partnerhttp.ParseInstant(a.End); timed {
		b.EndAt = start
		if told && end.After(start) {
			b.EndAt = end
		}
	}
	toCome := a.Status == lifecycle.AppointmentStatusReserved || a.Status == lifecycle.AppointmentStatusConfirmed
	return b, a.Status.Valid() && (timed || !toCome)
}

// location is where the appointment is; nil: not told.
func (a appointment) location() *order.Location {
	switch {
	case a.Site != nil:
		place := a.Site.location()
		return &place
	case a.Address != nil:
		place := a.Address.location()
		return &place
	}
	return nil
}

func (s site) location() order.Location {
	place := s.Address.location()
	place.Name, place.Lat, place.Lng = s.Name, s.Lat, s.Lng
	return place
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

// validZone is an IANA name; empty for anything else.
func validZone(name string) string {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return ""
	}
	return name
}

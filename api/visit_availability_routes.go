package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
)

const tagAppointments = "Appointments"

// USAddressRequest is the address of a phlebotomist's visit.
type USAddressRequest struct {
	FirstLine   string  `json:"first_line" maxLength:"255" minLength:"1"`
	SecondLine  *string `json:"second_line,omitempty" maxLength:"255"`
	City        string  `json:"city" maxLength:"255" minLength:"1"`
	State       string  `json:"state" maxLength:"255" minLength:"1" doc:"Two-letter USPS code."`
	ZipCode     string  `json:"zip_code" pattern:"^\\d{5}(-\\d{4})?$"`
	Unit        *string `json:"unit,omitempty" maxLength:"255" deprecated:"true" doc:"Use second_line."`
	AccessNotes *string `json:"access_notes,omitempty" maxLength:"1000"`
}

func (a *USAddressRequest) toLocation() *order.Location {
	p := &order.Location{
		FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City, State: normaliseState(a.State), Zip: a.ZipCode,
		Notes: a.AccessNotes,
	}
	if p.SecondLine == nil {
		p.SecondLine = a.Unit
	}
	return p
}

type phlebotomyAvailabilityInput struct {
	StartDate string `query:"start_date" format:"date" doc:"First day; defaults to today."`
	Body      USAddressRequest
}

// PSCAvailabilityBody has the parameters of pscAvailabilityInput, for clients that send them as a body instead of in
// the query.
type PSCAvailabilityBody struct {
	Lab        string   `json:"lab,omitempty" enum:"quest,sonora_quest"`
	StartDate  string   `json:"start_date,omitempty" format:"date"`
	SiteCodes  []string `json:"site_codes,omitempty" maxItems:"100" maxLength:"255"`
	ZipCode    string   `json:"zip_code,omitempty" pattern:"^\\d{5}$"`
	Radius     string   `json:"radius,omitempty" enum:"10,20,25,50,100"`
	AllowStale *bool    `json:"allow_stale,omitempty"`
}

type pscAvailabilityInput struct {
	Lab        string   `query:"lab" enum:"quest,sonora_quest" doc:"Required, here or in the body."`
	StartDate  string   `query:"start_date" format:"date" doc:"First day, today or later; defaults to today."`
	SiteCodes  []string `query:"site_codes,explode" maxItems:"100" maxLength:"255" doc:"At most 3."`
	ZipCode    string   `query:"zip_code" pattern:"^\\d{5}$" doc:"Required without site_codes."`
	Radius     string   `query:"radius" enum:"10,20,25,50,100" doc:"Miles around zip_code; defaults to 25."`
	AllowStale bool     `query:"allow_stale" doc:"Accepted and ignored: slots are always current."`
	Body       *PSCAvailabilityBody
}

// Resolve takes parameters that are not in the query from the body.
func (in *pscAvailabilityInput) Resolve(huma.Context) []error {
	if b := in.Body; b != nil {
		in.Lab, in.StartDate = cmp.Or(in.Lab, b.Lab), cmp.Or(in.StartDate, b.StartDate)
		in.ZipCode, in.Radius = cmp.Or(in.ZipCode, b.ZipCode), cmp.Or(in.Radius, b.Radius)
		if len(in.SiteCodes) == 0 {
			in.SiteCodes = b.SiteCodes
		}
	}
	if in.Lab == "" {
		return []error{missingProblem("query.lab")}
	}
	return nil
}

const (
	maxAvailabilitySites = 3
	defaultRadius        = "25"
)

func (s *server) availabilityRoutes() {
	errs := []int{http.StatusBadRequest, http.StatusNotFound, http.StatusServiceUnavailable}
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "phlebotomy-availability", Method: http.MethodPost,
		Path: "/v3/order/phlebotomy/appointment/availability",
		Tags: []string{tagAppointments}, Summary: "List the free slots of phlebotomists for an address", Errors: errs,
	}, s.phlebotomyAvailability)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "psc-availability", Method: http.MethodPost, Path: "/v3/order/psc/appointment/availability",
		Tags: []string{tagAppointments}, Summary: "List the free slots of patient service centers", Errors: errs,
	}, s.pscAvailability)
}

// phlebotomyAvailability lists the free slots of all providers whose slots can be booked. The list is empty where none
// of them serves the address.
func (s *server) phlebotomyAvailability(ctx context.Context,
	in *phlebotomyAvailabilityInput) (*body[AppointmentAvailabilitySlots], error) {
	from, err := s.parseFirstDay(ctx, in.StartDate)
	if err != nil {
		return nil, err
	}
	asked, err := s.schedulers(ctx, order.Phlebotomy)
	if err != nil {
		return nil, err
	}
	asked = slices.DeleteFunc(asked, func(p provider) bool { return !p.offersTier(labs.AppointmentReady) })
	if len(asked) == 0 {
		return nil, noSchedulerError()
	}
	out, err := s.collectAvailability(ctx, asked, labs.AvailabilityQuery{
		Type: order.Phlebotomy, Address: in.Body.toLocation(), From: from, Days: availabilityDays,
	})
	if err != nil {
		return nil, err
	}
	return newAnswer(out), nil
}

func (s *server) pscAvailability(ctx context.Context,
	in *pscAvailabilityInput) (*body[AppointmentAvailabilitySlots], error) {
	from, err := s.parseFirstDay(ctx, in.StartDate)
	in.SiteCodes = cleanSiteCodes(in.SiteCodes)
	switch {
	case err != nil:
		return nil, err
	case len(in.SiteCodes) > maxAvailabilitySites:
		return nil, badRequest("At most 3 site_codes may be given")
	case len(in.SiteCodes) == 0 && in.ZipCode == "":
		return nil, badRequest("site_codes or zip_code is required")
	}
	asked, err := s.schedulers(ctx, order.PatientServiceCenter)
	if err != nil {
		return nil, err
	}
	asked = slices.DeleteFunc(asked, func(p provider) bool { return !p.isNamed(in.Lab) })
	if len(asked) == 0 {
		return nil, noSchedulerError()
	}
	known, err := s.checkSiteCodes(ctx, in.Lab, in.SiteCodes)
	if err != nil {
		return nil, err
	}
	q := labs.AvailabilityQuery{
		Type: order.PatientServiceCenter, From: from, Days: availabilityDays, Sites: in.SiteCodes,
	}
	if len(in.SiteCodes) == 0 {
		q.Zip = in.ZipCode
		q.RadiusMiles, _ = strconv.Atoi(cmp.Or(in.Radius, defaultRadius)) // the schema allows numbers only
	}
	bySite := &siteBySite{Scheduler: asked[0].Scheduler, known: known}
	asked[0].Scheduler = bySite
	out, err := s.collectAvailability(ctx, asked[:1], q)
	if err != nil {
		return nil, err
	}
	if len(bySite.unknown) > 0 {
		return nil, unknownSiteError()
	}
	if len(out.Slots) == 0 {
		return nil, newError(http.StatusNotFound,
			"Nothing is free there in the next "+strconv.Itoa(availabilityDays)+" days")
	}
	return newAnswer(out), nil
}

package api

import (
	"cmp"
	"context"
	"errors"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// This file lists patient service centers and the service areas of phlebotomists (client-api#14-area-and-psc-info).

// maxSitesListed is the largest number of patient service centers in an answer.
const maxSitesListed = 30

// capabilityBookable is the capability of sites whose appointments can be booked through this server.
const capabilityBookable = "appointment_scheduling_via_junction"

// postalCodePattern matches addresses' zip fields that begin with a postal code.
var postalCodePattern = regexp.MustCompile(`^\d{5}`)

// centralLabs are the labs that the information about an area contains.
var centralLabs = []string{"quest", "labcorp", "bioreference", "sonora_quest"}

// RadiusQuery is the radius of a search around a postal code.
type RadiusQuery struct {
	Radius string `query:"radius" enum:"10,20,25,50,100" default:"25" doc:"Miles."`
}

// CapabilitiesQuery selects sites that have all of the capabilities.
type CapabilitiesQuery struct {
	Capabilities []string `query:"capabilities,explode" maxItems:"100" enum:"stat,appointment_scheduling_via_junction,appointment_scheduling_with_lab"`
}

type areaInput struct {
	AccountQuery
	RadiusQuery
	ZipCode string   `query:"zip_code" required:"true" pattern:"^\\d{5}$"`
	Lab     string   `query:"lab" enum:"quest,labcorp,bioreference,sonora_quest" deprecated:"true" doc:"Use labs."`
	Labs    []string `query:"labs,explode" maxItems:"100" enum:"quest,labcorp,bioreference,sonora_quest"`
}

type pscInput struct {
	AccountQuery
	RadiusQuery
	CapabilitiesQuery
	ZipCode string `query:"zip_code" required:"true" pattern:"^\\d{5}$"`
	LabID   int    `query:"lab_id" required:"true"`
}

type orderPSCInput struct {
	OrderPath
	RadiusQuery
	CapabilitiesQuery
}

func (s *server) locationRoutes() {
	op := huma.Operation{
		OperationID: "area-info", Method: http.MethodGet, Path: "/v3/order/area/info", Tags: []string{tagAppointments},
		Summary: "Read which labs and phlebotomists serve the area of a postal code", Errors: []int{http.StatusNotFound},
	}
	registerOperation(s, scopeOwnRead, op, s.getAreaInfo)
	op.OperationID, op.Path, op.Summary = "psc-info", "/v3/order/psc/info",
		"List a lab's patient service centers around a postal code"
	registerOperation(s, scopeOwnRead, op, s.getPSCInfo)
	op.OperationID, op.Path, op.Summary = "order-psc-info", "/v3/order/{order_id}/psc/info",
		"List the patient service centers around an order's patient"
	op.Errors = []int{http.StatusBadRequest, http.StatusNotFound}
	registerOperation(s, scopeOwnRead, op, s.getOrderPSCInfo)
}

func (s *server) getAreaInfo(ctx context.Context, in *areaInput) (*body[junction.AreaInfo], error) {
	if err := s.checkAccountKnown(ctx, in.LabAccountID); err != nil {
		return nil, err
	}
	phlebotomists, err := s.phlebotomyProvidersAt(ctx, in.ZipCode)
	if err != nil {
		return nil, err
	}
	out := junction.AreaInfo{
		ZipCode: in.ZipCode, CentralLabs: map[string]junction.PSCAreaInfo{},
		Phlebotomy: junction.PhlebotomyAreaInfo{IsServed: len(phlebotomists) > 0, Providers: phlebotomists},
	}
	asked, err := s.areaLabs(ctx, in)
	if err != nil {
		return nil, err
	}
	booking, err := s.schedulers(ctx, order.PatientServiceCenter)
	if err != nil {
		return nil, err
	}
	for _, lab := range asked {
		sites, err := s.sitesNear(ctx, lab.ID, in.ZipCode, in.Radius, nil)
		if err != nil {
			return nil, err
		}
		bookable := slices.ContainsFunc(booking, func(p provider) bool { return p.isNamed(lab.Slug) })
		out.CentralLabs[lab.Slug] = newAreaInfo(lab, sites, in.Radius, bookable)
	}
	return newAnswer(out), nil
}

// areaLabs returns the labs of the catalogue that a request names. Without names it returns the central labs with
// patient service centers.
func (s *server) areaLabs(ctx context.Context, in *areaInput) ([]order.Lab, error) {
	all, err := s.Store.Labs(ctx)
	if err != nil {
		return nil, err
	}
	named := in.Labs
	if in.Lab != "" {
		named = append(named, in.Lab)
	}
	withSites, err := s.Store.LabsWithSites(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(l order.Lab) bool {
		if len(named) > 0 {
			return !slices.Contains(named, l.Slug)
		}
		return !slices.Contains(centralLabs, l.Slug) || !slices.Contains(withSites, l.ID)
	}), nil
}

// phlebotomyProvidersAt returns the providers that serve a postal code and that the team can book, by name.
func (s *server) phlebotomyProvidersAt(ctx context.Context, zip string) ([]junction.PhlebotomyProviderInfo, error) {
	areas, err := s.Store.PhlebotomyCoverage(ctx, zip)
	if err != nil {
		return nil, err
	}
	out := []junction.PhlebotomyProviderInfo{}
	if len(areas) == 0 {
		return out, nil
	}
	booking, err := s.schedulers(ctx, order.Phlebotomy)
	if err != nil {
		return nil, err
	}
	for _, p := range booking {
		var types []string
		for _, tier := range p.capabilities.Tiers {
			serves := func(a order.PhlebotomyArea) bool {
				return p.isNamed(a.Provider) && slices.Contains(a.ServiceTypes, string(tier))
			}
			if slices.ContainsFunc(areas, serves) {
				types = append(types, string(tier))
			}
		}
		if len(types) > 0 {
			out = append(out, junction.PhlebotomyProviderInfo{Name: p.capabilities.Provider, ServiceTypes: types})
		}
	}
	slices.SortFunc(out, func(a, b junction.PhlebotomyProviderInfo) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// nearbySite is a site and its distance in miles.
type nearbySite struct {
	order.Site
	miles float64
}

// sitesNear lists a lab's sites that are within a radius of a postal code and have all of the capabilities, nearest
// first. The list is empty for an unknown postal code.
func (s *server) sitesNear(ctx context.Context, labID int, zip, radius string,
	capabilities []string) ([]nearbySite, error) {
	center, err := s.Store.ZipCenter(ctx, zip)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	miles, err := strconv.ParseFloat(radius, 64)
	if err != nil {
		return nil, err
	}
	southWest, northEast := center.BoundsWithin(miles)
	all, err := s.Store.Sites(ctx, labID, southWest, northEast)
	if err != nil {
		return nil, err
	}
	var out []nearbySite
	for _, site := range all {
		lacks := func(c string) bool { return !slices.Contains(site.Capabilities, c) }
		away := center.MilesTo(order.Point{Lat: site.Lat, Lng: site.Lng})
		if away <= miles && !slices.ContainsFunc(capabilities, lacks) {
			out = append(out, nearbySite{site, away})
		}
	}
	slices.SortStableFunc(out, func(a, b nearbySite) int { return cmp.Compare(a.miles, b.miles) })
	return out, nil
}

// newAreaInfo summarises a lab's sites in an area. Appointments can be booked if bookable, which says that the team has
// an account for that, and if a site has the capability.
func newAreaInfo(lab order.Lab, sites []nearbySite, radius string, bookable bool) junction.PSCAreaInfo {
	bills, capabilities := []string{}, []string{}
	for _, site := range sites {
		bills, capabilities = append(bills, site.BillTypes...), append(capabilities, site.Capabilities...)
	}
	slices.Sort(bills)
	slices.Sort(capabilities)
	capabilities = slices.Compact(capabilities)
	return junction.PSCAreaInfo{
		LabID: lab.ID, SupportedBillTypes: slices.Compact(bills),
		PatientServiceCenters: junction.PSCAreaInfoDetails{
			AppointmentWithVital: bookable && slices.Contains(capabilities, capabilityBookable), WithinRadius: len(sites),
			Radius: radius, Capabilities: capabilities,
		},
	}
}

func (s *server) getPSCInfo(ctx context.Context, in *pscInput) (*body[junction.PSCInfo], error) {
	if err := s.checkAccountKnown(ctx, in.LabAccountID); err != nil {
		return nil, err
	}
	all, err := s.Store.Labs(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(l order.Lab) bool { return l.ID == in.LabID })
	if i < 0 {
		return nil, notFoundError("Lab")
	}
	return s.answerPSCInfo(ctx, all[i], in.ZipCode, in.Radius, in.Capabilities)
}

func (s *server) answerPSCInfo(ctx context.Context, lab order.Lab, zip, radius string,
	capabilities []string) (*body[junction.PSCInfo], error) {
	sites, err := s.sitesNear(ctx, lab.ID, zip, radius, capabilities)
	if err != nil {
		return nil, err
	}
	return newAnswer(junction.PSCInfo{
		LabID: lab.ID, Slug: lab.Slug,
		PatientServiceCenters: convertAll(sites[:min(len(sites), maxSitesListed)],
			func(n nearbySite) junction.ClientFacingLabLocation {
				return junction.FromSite(n.Site, int(math.Round(n.miles)))
			}),
	}), nil
}

func (s *server) getOrderPSCInfo(ctx context.Context, in *orderPSCInput) (*body[junction.PSCInfo], error) {
	o, err := s.readOrderAudited(ctx, callerOf(ctx).team.ID, in.OrderID, "order.psc_info")
	switch {
	case err != nil:
		return nil, err
	case o.Address == nil || !postalCodePattern.MatchString(o.Address.Zip): // imports do not check the zip
		return nil, badRequest("The order has no address with a postal code yet")
	case o.LabTest.Lab == nil:
		return nil, badRequest("The order has no lab with patient service centers")
	}
	return s.answerPSCInfo(ctx, *o.LabTest.Lab, o.Address.Zip[:5], in.Radius, in.Capabilities)
}

package junction

import "github.com/aliquot-labs/aliquot/order"

// AreaInfo is who takes samples around a postal code.
type AreaInfo struct {
	ZipCode     string                 `json:"zip_code"`
	Phlebotomy  PhlebotomyAreaInfo     `json:"phlebotomy"`
	CentralLabs map[string]PSCAreaInfo `json:"central_labs" doc:"Labs with patient service centers, by slug."`
}

// PhlebotomyAreaInfo says whether phlebotomists visit patients in an area.
type PhlebotomyAreaInfo struct {
	IsServed  bool                     `json:"is_served"`
	Providers []PhlebotomyProviderInfo `json:"providers" nullable:"false"`
}

// PhlebotomyProviderInfo is a provider that serves an area, and how appointments with it are made there.
type PhlebotomyProviderInfo struct {
	Name         string   `json:"name" enum:"getlabs,phlebfinders,quest,sonora_quest"`
	ServiceTypes []string `json:"service_types" enum:"appointment-ready,appointment-request" nullable:"false"`
}

// PSCAreaInfo is a lab's part of an area.
type PSCAreaInfo struct {
	PatientServiceCenters PSCAreaInfoDetails `json:"patient_service_centers"`
	SupportedBillTypes    []string           `json:"supported_bill_types" nullable:"false"`
	LabID                 int                `json:"lab_id"`
}

// PSCAreaInfoDetails are a lab's patient service centers in an area, taken together.
type PSCAreaInfoDetails struct {
	AppointmentWithVital bool     `json:"appointment_with_vital" doc:"Appointments with one of them can be booked here."`
	WithinRadius         int      `json:"within_radius" doc:"How many there are."`
	Radius               string   `json:"radius" enum:"10,20,25,50,100" doc:"Miles."`
	Capabilities         []string `json:"capabilities" nullable:"false"`
}

// PSCInfo are a lab's patient service centers around a place, nearest first.
type PSCInfo struct {
	LabID                 int                       `json:"lab_id"`
	Slug                  string                    `json:"slug"`
	PatientServiceCenters []ClientFacingLabLocation `json:"patient_service_centers" nullable:"false" doc:"At most 30, nearest first."`
}

// ClientFacingLabLocation is a patient service center.
type ClientFacingLabLocation struct {
	Metadata           LabLocationMetadata `json:"metadata"`
	Distance           int                 `json:"distance" doc:"Miles, as the crow flies."`
	SiteCode           string              `json:"site_code"`
	SupportedBillTypes []string            `json:"supported_bill_types" nullable:"false"`
	Location           LngLat              `json:"location"`
	Capabilities       []string            `json:"capabilities" nullable:"false"`
}

// LabLocationMetadata says where a patient service center is, and when it is open.
type LabLocationMetadata struct {
	Name        string            `json:"name"`
	State       string            `json:"state"`
	City        string            `json:"city"`
	ZipCode     string            `json:"zip_code"`
	FirstLine   string            `json:"first_line"`
	SecondLine  *string           `json:"second_line"`
	PhoneNumber *string           `json:"phone_number"`
	FaxNumber   *string           `json:"fax_number"`
	Hours       map[string]string `json:"hours" nullable:"true" doc:"By day of the week; null: not known."`
	Website     *string           `json:"website"`
}

// FromSite is the site, so many miles away.
func FromSite(s order.Site, miles int) ClientFacingLabLocation {
	return ClientFacingLabLocation{
		Metadata: LabLocationMetadata{
			Name: s.Name, State: s.State, City: s.City, ZipCode: s.Zip, FirstLine: s.FirstLine, SecondLine: s.SecondLine,
			PhoneNumber: s.Phone,
			FaxNumber:   s.Fax, Hours: s.Hours, Website: s.Website,
		},
		Distance: miles, SiteCode: s.Code, SupportedBillTypes: emptyIfNil(s.BillTypes),
		Location:     LngLat{Lng: s.Lng, Lat: s.Lat},
		Capabilities: emptyIfNil(s.Capabilities),
	}
}

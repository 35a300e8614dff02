package junction

import "github.com/aliquot-labs/aliquot/order"

// AreaInfo lists who collects samples around a postal code.
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

// PhlebotomyProviderInfo is a provider that serves an area. ServiceTypes say how its appointments are booked there.
type PhlebotomyProviderInfo struct {
	Name         string   `json:"name" enum:"getlabs,phlebfinders,quest,sonora_quest"`
	ServiceTypes []string `json:"service_types" enum:"appointment-ready,appointment-request" nullable:"false"`
}

// PSCAreaInfo summarizes a lab's patient service centers in an area.
type PSCAreaInfo struct {
	PatientServiceCenters PSCAreaInfoDetails `json:"patient_service_centers"`
	SupportedBillTypes    []string           `json:"supported_bill_types" nullable:"false"`
	LabID                 int                `json:"lab_id"`
}

// PSCAreaInfoDetails describes all patient service centers of a lab in an area together.
type PSCAreaInfoDetails struct {
	AppointmentWithVital bool     `json:"appointment_with_vital" doc:"Appointments with one of them can be booked here."`
	WithinRadius         int      `json:"within_radius" doc:"Number of patient service centers."`
	Radius               string   `json:"radius" enum:"10,20,25,50,100" doc:"Miles."`
	Capabilities         []string `json:"capabilities" nullable:"false"`
}

// PSCInfo lists a lab's patient service centers around a location, nearest first.
type PSCInfo struct {
	LabID int    `json:"lab_id"`
	Slug  string `json:"slug"`

	PatientServiceCenters []ClientFacingLabLocation `json:"patient_service_centers" nullable:"false" doc:"The nearest 30."`
}

// ClientFacingLabLocation is a patient service center.
type ClientFacingLabLocation struct {
	Metadata           LabLocationMetadata `json:"metadata"`
	Distance           int                 `json:"distance" doc:"Miles, in a straight line."`
	SiteCode           string              `json:"site_code"`
	SupportedBillTypes []string            `json:"supported_bill_types" nullable:"false"`
	Location           LngLat              `json:"location"`
	Capabilities       []string            `json:"capabilities" nullable:"false"`
}

// LabLocationMetadata holds the address, the contact data and the opening hours of a patient service center.
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

// FromSite returns the client-facing form of a patient service center that is the given number of miles away.
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

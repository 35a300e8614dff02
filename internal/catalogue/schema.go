package catalogue

import "encoding/json"

// File is the content of one file. Several files are read as if they were one.
type File struct {
	Schema     string       `json:"$schema,omitempty" doc:"URL of this schema, for editors."`
	Labs       []Lab        `json:"labs,omitempty"`
	Markers    []Marker     `json:"markers,omitempty"`
	LabTests   []LabTest    `json:"lab_tests,omitempty"`
	Sites      []Site       `json:"sites,omitempty" doc:"Patient service centers."`
	Phlebotomy []Phlebotomy `json:"phlebotomy,omitempty" doc:"Areas of phlebotomists. A file replaces a provider's areas."`

	Zips []string `json:"zips,omitempty" doc:"Zip, latitude and longitude of its center: \"85004 33.4516 -112.0699\"."`
}

// Lab is a laboratory. Others name it by its slug.
type Lab struct {
	ID int `json:"id" minimum:"1" maximum:"2147483647"`

	Slug string `json:"slug" pattern:"^[a-z][a-z0-9_]{0,49}$" doc:"A value of Labs in the client API, or any other slug."`

	Name             string `json:"name" minLength:"1" maxLength:"200"`
	FirstLineAddress string `json:"first_line_address" maxLength:"200"`
	City             string `json:"city" maxLength:"100"`
	Zipcode          string `json:"zipcode" maxLength:"10"`

	CollectionMethods []string `json:"collection_methods" enum:"testkit,walk_in_test,at_home_phlebotomy,on_site_collection"`

	SampleTypes []string `json:"sample_types" enum:"dried_blood_spot,arm_collector,serum,saliva,urine,stool"`
	LogoURL     *string  `json:"logo_url,omitempty" maxLength:"2000"`
}

// Marker is one thing that a lab can be asked for.
type Marker struct {
	ID          int64   `json:"id" minimum:"1" maximum:"9007199254740991"`
	Lab         string  `json:"lab" doc:"Slug of the lab."`
	ProviderID  string  `json:"provider_id,omitempty" maxLength:"64" doc:"The lab's own code."`
	Name        string  `json:"name" minLength:"1" maxLength:"200"`
	Slug        string  `json:"slug" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" maxLength:"200"`
	Description *string `json:"description,omitempty" maxLength:"2000"`
	Type        string  `json:"type,omitempty" enum:"biomarker,panel" default:"biomarker"`
	LOINC       *string `json:"loinc,omitempty" pattern:"^\\d{1,7}-\\d$" doc:"With a valid check digit."`
	Unit        *string `json:"unit,omitempty" maxLength:"40"`

	SampleType string `json:"sample_type,omitempty" enum:"dried_blood_spot,arm_collector,serum,saliva,urine,stool"`

	Price            *Price `json:"price,omitempty" doc:"Absent: by contract."`
	CommonTATDays    *int   `json:"common_tat_days,omitempty" minimum:"0" maximum:"365"`
	WorstCaseTATDays *int   `json:"worst_case_tat_days,omitempty" minimum:"0" maximum:"365"`
	ALaCarte         bool   `json:"a_la_carte,omitempty" doc:"Can be ordered without a lab test."`

	Reflex bool `json:"reflex,omitempty" doc:"The lab adds it after another result. It cannot be ordered."`

	Active    *bool      `json:"active,omitempty" default:"true" doc:"False: it cannot be ordered any more."`
	Questions []Question `json:"aoe,omitempty" doc:"Questions of the lab at order entry."`

	Expected []ExpectedResult `json:"expected_results,omitempty" doc:"Default: the marker itself if it has a LOINC code."`
}

// Question is one that a lab asks on order entry.
type Question struct {
	ID         int64    `json:"id" minimum:"1" maximum:"9007199254740991"`
	Code       string   `json:"code" minLength:"1" maxLength:"64" doc:"The lab's own."`
	Value      string   `json:"value" minLength:"1" maxLength:"500" doc:"The question."`
	Type       string   `json:"type" enum:"choice,text,numeric,multi_choice"`
	Required   bool     `json:"required,omitempty"`
	Sequence   int      `json:"sequence,omitempty" minimum:"0" doc:"Defaults to its position in the list, from 1."`
	Answers    []Answer `json:"answers,omitempty" doc:"Only for choices."`
	Constraint *string  `json:"constraint,omitempty" maxLength:"200" doc:"A hint for people."`
	Default    *string  `json:"default,omitempty" maxLength:"500" doc:"The answer of orders without one."`

	Pattern string `json:"pattern,omitempty" maxLength:"200" doc:"For texts: an RE2 expression for the whole answer."`

	MaxLength int `json:"max_length,omitempty" minimum:"1" maximum:"2000" doc:"For texts, in characters. Defaults to 500."`

	Minimum *float64 `json:"minimum,omitempty" doc:"For numbers."`
	Maximum *float64 `json:"maximum,omitempty" doc:"For numbers."`

	Fasting *Fasting `json:"fasting,omitempty" doc:"Set if it asks about fasting. Default answer: the lab test's fasting."`
}

// Answer is one that can be chosen.
type Answer struct {
	ID    int64  `json:"id" minimum:"1" maximum:"9007199254740991"`
	Code  string `json:"code" pattern:"^[^,\\s]([^,]*[^,\\s])?$" maxLength:"64" doc:"The answer in orders."`
	Value string `json:"value" minLength:"1" maxLength:"200"`
}

// Fasting are the answers to a question about fasting.
type Fasting struct {
	Yes string `json:"yes"`
	No  string `json:"no"`
}

// ExpectedResult is a result that a marker leads to.
type ExpectedResult struct {
	ID         int64   `json:"id" minimum:"1" maximum:"9007199254740991"`
	Name       string  `json:"name" minLength:"1" maxLength:"200"`
	Slug       string  `json:"slug" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" maxLength:"200"`
	ProviderID *string `json:"provider_id,omitempty" maxLength:"64" doc:"The lab's own code of the result."`
	Required   *bool   `json:"required,omitempty" default:"true" doc:"A lab report without it is not complete."`
	LOINC      *string `json:"loinc,omitempty" pattern:"^\\d{1,7}-\\d$"`
	Unit       *string `json:"unit,omitempty" maxLength:"40"`
}

// Price is what something costs.
type Price struct {
	BaseCents int64      `json:"base_cents" minimum:"0" maximum:"1000000000" doc:"US cents."`
	Modifiers []Modifier `json:"modifiers,omitempty"`
}

// Modifier changes a price for patients of some states.
type Modifier struct {
	DeltaCents int64    `json:"delta_cents" minimum:"-1000000000" maximum:"1000000000"`
	States     []string `json:"states" minItems:"1"`
}

// LabTest is a test that can be ordered. Its id is ours and never changes.
type LabTest struct {
	ID           string  `json:"id" format:"uuid"`
	Slug         string  `json:"slug" minLength:"1" maxLength:"200"`
	Name         string  `json:"name" minLength:"1" maxLength:"200"`
	Description  string  `json:"description,omitempty" maxLength:"2000"`
	Lab          string  `json:"lab" doc:"Slug of the lab."`
	Method       string  `json:"method" enum:"testkit,walk_in_test,at_home_phlebotomy,on_site_collection"`
	SampleType   string  `json:"sample_type" enum:"dried_blood_spot,arm_collector,serum,saliva,urine,stool"`
	MarkerIDs    []int64 `json:"marker_ids" minItems:"1" doc:"Markers of the lab, in these files or imported."`
	Price        *Price  `json:"price,omitempty" doc:"Absent: by contract."`
	Status       string  `json:"status,omitempty" enum:"active,pending_approval,inactive" default:"active"`
	Fasting      bool    `json:"fasting,omitempty"`
	Instructions bool    `json:"has_collection_instructions,omitempty"`
	PanelIDs     []int   `json:"panel_ids,omitempty" doc:"The lab's numeric ids of the test."`

	CommonTATDays *int `json:"common_tat_days,omitempty" minimum:"0" maximum:"365" doc:"Default: the slowest marker's."`

	WorstCaseTATDays *int            `json:"worst_case_tat_days,omitempty" minimum:"0" maximum:"365"`
	Policy           json.RawMessage `json:"policy,omitempty" doc:"The test's differences from the policy, an object."`
}

// Site is a patient service center.
type Site struct {
	Code       string            `json:"code" minLength:"1" maxLength:"64" doc:"The lab's own."`
	Lab        string            `json:"lab" doc:"Slug of the lab."`
	Name       string            `json:"name" minLength:"1" maxLength:"200"`
	FirstLine  string            `json:"first_line" minLength:"1" maxLength:"200"`
	SecondLine *string           `json:"second_line,omitempty" maxLength:"200"`
	City       string            `json:"city" minLength:"1" maxLength:"100"`
	State      string            `json:"state"`
	Zip        string            `json:"zip_code" pattern:"^\\d{5}(-\\d{4})?$"`
	Phone      *string           `json:"phone_number,omitempty" maxLength:"40"`
	Fax        *string           `json:"fax_number,omitempty" maxLength:"40"`
	Website    *string           `json:"website,omitempty" maxLength:"2000"`
	Hours      map[string]string `json:"hours,omitempty" doc:"By day: {\"monday\": \"07:00-16:00\"}. Absent: unknown."`
	Lat        float64           `json:"lat" minimum:"-90" maximum:"90"`
	Lng        float64           `json:"lng" minimum:"-180" maximum:"180"`

	Capabilities []string `json:"capabilities,omitempty" enum:"stat,appointment_scheduling_via_junction,appointment_scheduling_with_lab"`

	BillTypes []string `json:"bill_types,omitempty" enum:"client_bill,commercial_insurance,patient_bill_passthrough,patient_bill" doc:"Defaults to client_bill."`

	Active *bool `json:"active,omitempty" default:"true"`
}

// Phlebotomy is an area in which a provider's phlebotomists visit patients.
type Phlebotomy struct {
	Provider     string   `json:"provider" enum:"getlabs,phlebfinders"`
	ServiceTypes []string `json:"service_types" minItems:"1" enum:"appointment-ready,appointment-request"`
	Zips         []string `json:"zips" minItems:"1" doc:"Postal codes, prefixes or ranges: 85004, 850, 85001-85099."`
}

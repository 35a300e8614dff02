package junction

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// SampleData describes one sample. A value that no partner reports is null.
type SampleData struct {
	SampleID      *string     `json:"sample_id"`
	ControlNumber *string     `json:"control_number"`
	DateCollected *SampleTime `json:"date_collected"`
	DateReceived  *SampleTime `json:"date_received"`
	DateReported  *SampleTime `json:"date_reported"`

	PerformingLaboratories map[string]PerformingLaboratory `json:"performing_laboratories" doc:"By code. Always null."`
	ClinicalInformation    *ClinicalInformation            `json:"clinical_information" doc:"Always null."`
}

// SampleTime is the time of an event of a sample. It has two forms (client-api#12-results). Aliquot writes the text,
// because the text says nothing about the time zone of the sample, and reads both forms.
type SampleTime struct {
	Text  string     // RFC 3339, or a date
	Zoned *ZonedTime // nil when the time is a text
}

// ZonedTime is a time with the UTC offset of its time zone.
type ZonedTime struct {
	Timestamp      time.Time `json:"timestamp"`
	TimezoneOffset int       `json:"timezone_offset"` // in seconds
}

// PerformingLaboratory is a laboratory that measured markers of a sample.
type PerformingLaboratory struct {
	Name            string  `json:"name"`
	PhoneNumber     *string `json:"phone_number"`
	MedicalDirector *string `json:"medical_director"`
	Address         *struct {
		FirstLine   string  `json:"first_line"`
		SecondLine  *string `json:"second_line"`
		Country     string  `json:"country"`
		Zip         string  `json:"zip"`
		City        string  `json:"city"`
		State       string  `json:"state"`
		AccessNotes *string `json:"access_notes"`
	} `json:"address"`
}

// ClinicalInformation holds the notes made when a sample was collected.
type ClinicalInformation struct {
	Fasting     bool    `json:"fasting"`
	Notes       *string `json:"notes"`
	Information *string `json:"information"`
	TotalVolume *string `json:"total_volume"`
}

// MarshalJSON encodes the zoned time if there is one, or else the text.
func (t SampleTime) MarshalJSON() ([]byte, error) {
	if t.Zoned != nil {
		return json.Marshal(t.Zoned)
	}
	return json.Marshal(t.Text)
}

// UnmarshalJSON decodes either form.
func (t *SampleTime) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		t.Zoned = &ZonedTime{}
		return json.Unmarshal(b, t.Zoned)
	}
	if err := json.Unmarshal(b, &t.Text); err != nil {
		return fmt.Errorf("decoding the time of a sample: %w", err)
	}
	return nil
}

// UnmarshalText sets the text. It also makes the OpenAPI document describe the type as a string, the form that Aliquot
// writes.
func (t *SampleTime) UnmarshalText(b []byte) error {
	t.Text = string(b)
	return nil
}

func sampleTime(at *time.Time) *SampleTime {
	if at == nil {
		return nil
	}
	return &SampleTime{Text: at.UTC().Format(time.RFC3339Nano)}
}

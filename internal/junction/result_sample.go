package junction

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// SampleData is what is known of one sample. What no partner of ours reports is null.
type SampleData struct {
	SampleID               *string                         `json:"sample_id"`
	ControlNumber          *string                         `json:"control_number"`
	DateCollected          *SampleTime                     `json:"date_collected"`
	DateReceived           *SampleTime                     `json:"date_received"`
	DateReported           *SampleTime                     `json:"date_reported"`
	PerformingLaboratories map[string]PerformingLaboratory `json:"performing_laboratories" doc:"By code. Always null here."`
	ClinicalInformation    *ClinicalInformation            `json:"clinical_information" doc:"Always null here."`
}

// SampleTime is when something happened to a sample. There are two forms of it (client-api#12-results). We write the
// text, because it claims nothing about the sample's time zone, and read both.
type SampleTime struct {
	Text  string     // RFC 3339, or a date
	Zoned *ZonedTime // instead of a text
}

// ZonedTime is a time with the offset of the zone that it was noted in.
type ZonedTime struct {
	Timestamp      time.Time `json:"timestamp"`
	TimezoneOffset int       `json:"timezone_offset"` // in seconds
}

// PerformingLaboratory is where a part of a sample was measured.
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

// ClinicalInformation is what was noted when a sample was taken.
type ClinicalInformation struct {
	Fasting     bool    `json:"fasting"`
	Notes       *string `json:"notes"`
	Information *string `json:"information"`
	TotalVolume *string `json:"total_volume"`
}

// MarshalJSON writes the form that the time has.
func (t SampleTime) MarshalJSON() ([]byte, error) {
	if t.Zoned != nil {
		return json.Marshal(t.Zoned)
	}
	return json.Marshal(t.Text)
}

// UnmarshalJSON reads either form.
func (t *SampleTime) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		t.Zoned = &ZonedTime{}
		return json.Unmarshal(b, t.Zoned)
	}
	if err := json.Unmarshal(b, &t.Text); err != nil {
		return fmt.Errorf("reading the time of a sample: %w", err)
	}
	return nil
}

// UnmarshalText makes the document say that it is a text, as all are that we write.
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

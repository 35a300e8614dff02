package sandbox_test

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/labs/sandbox"
)

// free is an answer to an availability query.
type free struct {
	Timezone *string `json:"timezone"`
	Days     []struct {
		Date  string `json:"date"`
		Site  *where `json:"site"`
		Slots []struct {
			Key       string     `json:"key"`
			Start     time.Time  `json:"start"`
			End       time.Time  `json:"end"`
			ExpiresAt *time.Time `json:"expires_at"`
			Price     int        `json:"price_cents"`
			Priority  bool       `json:"priority"`
			Available int        `json:"available"`
		} `json:"slots"`
	} `json:"days"`
}

// where is a site.
type where struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Distance *int   `json:"distance_miles"`
	Timezone string `json:"timezone"`
}

// visit is an appointment.
type visit struct {
	ID            string     `json:"id"`
	Reference     string     `json:"reference"`
	Confirmation  string     `json:"confirmation"`
	Provider      string     `json:"provider"`
	Status        string     `json:"status"`
	Start         *time.Time `json:"start"`
	End           *time.Time `json:"end"`
	Timezone      *string    `json:"timezone"`
	CanReschedule bool       `json:"can_reschedule"`
	Site          *where     `json:"site"`
}

// query asks for what is free at the providers of a life.
func query(life, zip string) string {
	if life == sandbox.LifePhlebotomy {
		return `{"type":"phlebotomy","address":{"first_line":"1 Main St","city":"Phoenix","state":"AZ","zip":"` + zip + `"},"days":14}`
	}
	return `{"type":"patient_service_center","zip":"` + zip + `","radius_miles":25,"days":14}`
}

// freeSlot is the key of a slot that is free.
func (w *world) freeSlot(life string) string {
	w.t.Helper()
	return ask[free](w, http.StatusOK, http.MethodPost, "/availability", query(life, "85004")).Days[0].Slots[0].Key
}

// bookingBody books a slot; without one it is a request.
func bookingBody(life, slot string) string {
	fields := map[string]any{
		"type": "patient_service_center", "contact": patient("Ines"), "notes": "rings twice",
	}
	if life == sandbox.LifePhlebotomy {
		fields["type"] = "phlebotomy"
		zip := "85004"
		if slot == "" {
			zip = "54650"
		}
		fields["address"] = map[string]any{"first_line": "1 Main St", "city": "Onalaska", "state": "WI", "zip": zip, "access_notes": "gate 4"}
	}
	if slot != "" {
		fields["slot"] = slot
	}
	body, _ := json.Marshal(fields)
	return string(body)
}

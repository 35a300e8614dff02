package junction

import (
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// ClientFacingUser is a user of a team: the person for whom it places orders.
type ClientFacingUser struct {
	UserID            string             `json:"user_id" format:"uuid"`
	TeamID            string             `json:"team_id" format:"uuid"`
	ClientUserID      string             `json:"client_user_id"`
	CreatedOn         time.Time          `json:"created_on"`
	ConnectedSources  []ConnectedSource  `json:"connected_sources" nullable:"false" doc:"Always empty: wearables are not part of this server."`
	FallbackTimeZone  *FallbackTimeZone  `json:"fallback_time_zone"`
	FallbackBirthDate *FallbackBirthDate `json:"fallback_birth_date"`
	IngestionStart    *order.Date        `json:"ingestion_start"`
	IngestionEnd      *order.Date        `json:"ingestion_end"`
}

// UserSuccessResponse says that what was asked about a user is done.
type UserSuccessResponse struct {
	Success bool `json:"success"`
}

// ConnectedSource is a wearable provider that the user has connected. It has no fields here, because there is never one.
type ConnectedSource struct{}

// FallbackTimeZone is the time zone that the client gave for the user.
type FallbackTimeZone struct {
	ID         string    `json:"id"`
	SourceSlug string    `json:"source_slug"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// FallbackBirthDate is the date of birth that the client gave for the user.
type FallbackBirthDate struct {
	Value      order.Date `json:"value"`
	SourceSlug string     `json:"source_slug"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

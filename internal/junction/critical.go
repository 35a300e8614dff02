package junction

import (
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// ClientFacingCriticalResult tells of results that cannot wait.
type ClientFacingCriticalResult struct {
	OrderID        string               `json:"order_id" format:"uuid"`
	SampleID       string               `json:"sample_id"`
	Status         string               `json:"status" doc:"final or partial."`
	Interpretation order.Interpretation `json:"interpretation"`
	TeamID         string               `json:"team_id" format:"uuid"`
	UserID         string               `json:"user_id" format:"uuid"`
	CreatedAt      time.Time            `json:"created_at" doc:"When the results were fetched."`
	UpdatedAt      time.Time            `json:"updated_at" doc:"When they became the order's."`
}

// RenderCriticalResult writes what a client is told of a critical version of an order's results, as of the order's newest change.
func RenderCriticalResult(o order.Order, v order.ResultVersion) ([]byte, error) {
	return renderJSON("a critical result", ClientFacingCriticalResult{
		OrderID:        o.ID,
		SampleID:       o.SampleID,
		Status:         v.Report.Status,
		Interpretation: v.Report.Interpretation,
		TeamID:         o.TeamID,
		UserID:         o.UserID,
		CreatedAt:      v.FetchedAt.UTC(),
		UpdatedAt:      o.UpdatedAt.UTC(),
	})
}

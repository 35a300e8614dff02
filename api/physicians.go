package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
)

// OwnTeamPath names a team, which has to be the caller's.
type OwnTeamPath struct {
	TeamID string `path:"team_id" format:"uuid"`
}

func (s *server) physicianRoutes() {
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "list-physicians", Method: http.MethodGet, Path: "/v2/team/{team_id}/physicians", Tags: []string{tagOrders},
		Summary: "List the physicians who have ordered for the team", Errors: []int{http.StatusNotFound},
		Description: "Whoever an order names is remembered by the NPI, with the newest details.",
	}, s.listPhysicians)
}

func (s *server) listPhysicians(ctx context.Context, in *OwnTeamPath) (*body[[]junction.ClientFacingPhysician], error) {
	team := callerOf(ctx).team.ID
	if canonicalUUID(in.TeamID) != team {
		return nil, notFoundError("Team")
	}
	all, err := s.Store.Physicians(ctx, team)
	if err != nil {
		return nil, err
	}
	return newAnswer(convertAll(all, func(p order.Physician) junction.ClientFacingPhysician {
		return junction.ClientFacingPhysician{FirstName: p.FirstName, LastName: p.LastName, NPI: p.NPI}
	})), nil
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// OpsCourierRefusal says that a tracking service refuses our account. No parcel gets a tracker meanwhile.
type OpsCourierRefusal struct {
	Service   string    `json:"service" doc:"The tracking service, such as easypost."`
	Since     time.Time `json:"since" doc:"When it refused the account first."`
	RefusedAt time.Time `json:"refused_at" doc:"When it refused the account last."`
	Status    int       `json:"status" doc:"The HTTP status of its last answer."`
	Code      string    `json:"code" doc:"Its own code of the last answer; may be empty."`
}

func (s *server) opsCourierRoutes() {
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-list-courier-accounts", Method: http.MethodGet, Path: "/ops/courier-accounts",
		Tags: []string{tagOperations}, Summary: "List the accounts that a tracking service refuses",
	}, s.opsListCourierAccounts)
}

func (s *server) opsListCourierAccounts(ctx context.Context, _ *struct{}) (*body[[]OpsCourierRefusal], error) {
	refusals, err := s.Store.CourierRefusals(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]OpsCourierRefusal, len(refusals))
	for i, r := range refusals {
		out[i] = OpsCourierRefusal(r)
	}
	return newAnswer(out), nil
}

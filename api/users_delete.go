package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/store"
)

// undoInput names a deleted user by exactly one of the two.
type undoInput struct {
	UserID       string `query:"user_id" format:"uuid" doc:"Exactly one of the two."`
	ClientUserID string `query:"client_user_id" doc:"Exactly one of the two."`
}

// Resolve checks what a schema cannot say.
func (in *undoInput) Resolve(huma.Context) []error {
	if (in.UserID == "") == (in.ClientUserID == "") {
		return []error{newProblem("value_error", "Give exactly one of user_id and client_user_id", "query.user_id")}
	}
	return nil
}

func (s *server) userDeletionRoutes() {
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "delete-user", Method: http.MethodDelete, Path: "/v2/user/{user_id}", Tags: []string{tagUsers},
		Summary: "Delete a user", Errors: []int{http.StatusNotFound},
		Description: "The user is not found any more. After 7 days all about the patient is erased, of orders as soon as they have ended.",
	}, s.deleteUser)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "undo-delete-user", Method: http.MethodPost, Path: "/v2/user/undo_delete", Tags: []string{tagUsers},
		Summary: "Bring a deleted user back", Errors: []int{http.StatusBadRequest, http.StatusNotFound},
		Description: "Within 7 days, unless another user has taken the client_user_id.",
	}, s.undeleteUser)
}

func (s *server) deleteUser(ctx context.Context, in *userInput) (*body[junction.UserSuccessResponse], error) {
	c := callerOf(ctx)
	id := canonicalUUID(in.UserID)
	if err := s.Store.DeleteUser(ctx, c.team.ID, id); err != nil {
		return nil, mapNotFound(err, "User")
	}
	s.appendChangeAudit(ctx, "user.delete", c.team.ID, "", "user="+id)
	return newAnswer(junction.UserSuccessResponse{Success: true}), nil
}

func (s *server) undeleteUser(ctx context.Context, in *undoInput) (*body[junction.UserSuccessResponse], error) {
	c := callerOf(ctx)
	id := ""
	if in.UserID != "" {
		id = canonicalUUID(in.UserID)
	}
	id, err := s.Store.UndeleteUser(ctx, c.team.ID, id, in.ClientUserID)
	if errors.Is(err, store.ErrConflict) {
		return nil, badRequest("Another user has the same client_user_id")
	}
	if err != nil {
		return nil, mapNotFound(err, "User")
	}
	s.appendChangeAudit(ctx, "user.undo_delete", c.team.ID, "", "user="+id)
	return newAnswer(junction.UserSuccessResponse{Success: true}), nil
}

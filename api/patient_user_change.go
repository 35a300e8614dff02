package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/store"
)

// UserPatchBody is the body of PATCH /v2/user/{user_id}. Fields that are absent or null do not change.
type UserPatchBody struct {
	ClientUserID      *string `json:"client_user_id,omitempty" minLength:"1" maxLength:"512"`
	FallbackTimeZone  *string `json:"fallback_time_zone,omitempty" maxLength:"64" doc:"IANA name."`
	FallbackBirthDate *string `json:"fallback_birth_date,omitempty" format:"date"`
	IngestionStart    *string `json:"ingestion_start,omitempty" format:"date"`
	IngestionEnd      *string `json:"ingestion_end,omitempty" format:"date"`
}

type patchUserInput struct {
	UserPath
	Body UserPatchBody
}

// Resolve checks what a schema cannot say.
func (in *patchUserInput) Resolve(ctx huma.Context) []error {
	return append(checkTimeZone(in.Body.FallbackTimeZone),
		checkFallbackBirthDate(in.Body.FallbackBirthDate, callerOf(ctx.Context()).today)...)
}

type usersInput struct {
	Offset int `query:"offset" minimum:"0" maximum:"100000000" default:"0"`
	Limit  int `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type resolveUserInput struct {
	ClientUserID string `path:"client_user_id" maxLength:"512"`
}

// PaginatedUsersResponse is a page of a team's users.
type PaginatedUsersResponse struct {
	Users  []junction.ClientFacingUser `json:"users" nullable:"false"`
	Total  int                         `json:"total"`
	Offset int                         `json:"offset"`
	Limit  int                         `json:"limit"`
}

func (s *server) listUsers(ctx context.Context, in *usersInput) (*body[PaginatedUsersResponse], error) {
	team := callerOf(ctx).team.ID
	users, total, err := s.Store.Users(ctx, team, in.Offset, in.Limit)
	if err != nil {
		return nil, err
	}
	detail := "offset=" + strconv.Itoa(in.Offset) + " users=" + strconv.Itoa(len(users))
	if err := s.appendReadAudit(ctx, "users.list", team, "", detail); err != nil {
		return nil, err
	}
	return newAnswer(PaginatedUsersResponse{Users: convertAll(users, clientFacingUser), Total: total, Offset: in.Offset,
		Limit: in.Limit}), nil
}

func (s *server) resolveUser(ctx context.Context, in *resolveUserInput) (*body[junction.ClientFacingUser], error) {
	team := callerOf(ctx).team.ID
	u, err := s.Store.UserByClientUserID(ctx, team, in.ClientUserID)
	if err != nil {
		return nil, mapNotFound(err, "User")
	}
	if err := s.appendReadAudit(ctx, "user.read", team, "", "user="+u.ID); err != nil {
		return nil, err
	}
	return newAnswer(clientFacingUser(u)), nil
}

func (s *server) patchUser(ctx context.Context, in *patchUserInput) (*struct{}, error) {
	team, id := callerOf(ctx).team.ID, canonicalUUID(in.UserID)
	if err := s.Store.PatchUser(ctx, team, id, store.UserPatch(in.Body)); err != nil {
		return nil, userRefusal(err)
	}
	s.appendChangeAudit(ctx, "user.change", team, "", "user="+id)
	return nil, nil
}

// undoInput names a deleted user by exactly one of the two ids.
type undoInput struct {
	UserID       string `query:"user_id" format:"uuid" doc:"Give either user_id or client_user_id."`
	ClientUserID string `query:"client_user_id" maxLength:"512" doc:"Give either user_id or client_user_id."`
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
		Description: "The user is no longer found. After 7 days all personal data is erased, also that of the user's " +
			"orders, as soon as these have ended.",
	}, s.deleteUser)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "undo-delete-user", Method: http.MethodPost, Path: "/v2/user/undo_delete", Tags: []string{tagUsers},
		Summary: "Restore a deleted user", Errors: []int{http.StatusBadRequest, http.StatusNotFound},
		Description: "Possible for 7 days, unless another user has got the same client_user_id.",
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

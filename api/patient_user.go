package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// sourceManual is the source of the fallback values of users that clients set.
const sourceManual = "manual"

// UserCreateBody is the body of POST /v2/user.
type UserCreateBody struct {
	ClientUserID string `json:"client_user_id" minLength:"1" maxLength:"512"`

	FallbackTimeZone  *string `json:"fallback_time_zone,omitempty" maxLength:"64" doc:"IANA name."`
	FallbackBirthDate *string `json:"fallback_birth_date,omitempty" format:"date"`
	IngestionStart    *string `json:"ingestion_start,omitempty" format:"date" doc:"Stored and returned; not used."`
	IngestionEnd      *string `json:"ingestion_end,omitempty" format:"date" doc:"Stored and returned; not used."`
}

// userConflict is the detail of the answer when a client_user_id exists already.
type userConflict struct {
	ErrorType    string    `json:"error_type"`
	ErrorMessage string    `json:"error_message"`
	UserID       string    `json:"user_id"`
	CreatedOn    time.Time `json:"created_on"`
}

type createUserInput struct {
	Body UserCreateBody
}

// Resolve checks what a schema cannot say.
func (in *createUserInput) Resolve(ctx huma.Context) []error {
	return append(checkTimeZone(in.Body.FallbackTimeZone),
		checkFallbackBirthDate(in.Body.FallbackBirthDate, callerOf(ctx.Context()).today)...)
}

func checkTimeZone(zone *string) []error {
	if zone != nil && !isTimeZone(*zone) {
		return []error{newProblem("value_error", "Value is not an IANA time zone", "body.fallback_time_zone")}
	}
	return nil
}

// isTimeZone reports whether a name is an IANA time zone. time.LoadLocation would also accept "" and "Local".
func isTimeZone(name string) bool {
	if name == "" || name == "Local" {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

// UserPath names a user.
type UserPath struct {
	UserID string `path:"user_id" format:"uuid"`
}

type userInput struct {
	UserPath
}

func (s *server) userRoutes() {
	op := huma.Operation{
		OperationID: "create-user", Method: http.MethodPost, Path: "/v2/user", Tags: []string{tagUsers},
		Summary: "Create a user", Errors: []int{http.StatusBadRequest},
	}
	registerOperation(s, scopeOwnChange, op, s.createUser)
	op.OperationID, op.Path, op.Hidden = "create-user-slash", "/v2/user/", true // the path in the original API's samples
	registerOperation(s, scopeOwnChange, op, s.createUser)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-user", Method: http.MethodGet, Path: "/v2/user/{user_id}", Tags: []string{tagUsers},
		Summary: "Read a user", Errors: []int{http.StatusNotFound},
	}, s.getUser)
	op = huma.Operation{
		OperationID: "list-users", Method: http.MethodGet, Path: "/v2/user", Tags: []string{tagUsers},
		Summary: "List users, oldest first",
	}
	registerOperation(s, scopeOwnRead, op, s.listUsers)
	op.OperationID, op.Path, op.Hidden = "list-users-slash", "/v2/user/", true
	registerOperation(s, scopeOwnRead, op, s.listUsers)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "resolve-user", Method: http.MethodGet, Path: "/v2/user/resolve/{client_user_id}",
		Tags:    []string{tagUsers},
		Summary: "Read a user by the client's own id", Errors: []int{http.StatusNotFound},
	}, s.resolveUser)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "patch-user", Method: http.MethodPatch, Path: "/v2/user/{user_id}", Tags: []string{tagUsers},
		Summary: "Change a user", Errors: []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.patchUser)
	s.userInfoRoutes()
	s.userDeletionRoutes()
}

func (s *server) createUser(ctx context.Context, in *createUserInput) (*body[junction.ClientFacingUser], error) {
	c := callerOf(ctx)
	now := s.now()
	u := store.User{
		ID:                newID(),
		TeamID:            c.team.ID,
		ClientUserID:      in.Body.ClientUserID,
		FallbackTimeZone:  in.Body.FallbackTimeZone,
		FallbackBirthDate: in.Body.FallbackBirthDate,
		IngestionStart:    in.Body.IngestionStart,
		IngestionEnd:      in.Body.IngestionEnd,
		CreatedAt:         now,
		UpdatedAt:         now,
	}
	if err := s.Store.CreateUser(ctx, u); err != nil {
		return nil, userRefusal(err)
	}
	s.appendChangeAudit(ctx, "user.create", c.team.ID, "", "user="+u.ID)
	return newAnswer(clientFacingUser(u)), nil
}

// userRefusal turns the store's reasons why a user cannot be created or changed into answers.
func userRefusal(err error) error {
	var conflict *store.UserConflict
	switch {
	case errors.As(err, &conflict):
		return &Error{status: http.StatusBadRequest, Detail: userConflict{
			ErrorType:    "INVALID_REQUEST",
			ErrorMessage: "Client user id already exists.",
			UserID:       conflict.Existing.ID,
			CreatedOn:    conflict.Existing.CreatedAt,
		}}
	case errors.Is(err, store.ErrSandboxUserLimit):
		return badRequest("A sandbox team may have at most " + strconv.Itoa(store.MaxSandboxUsers) + " users")
	default:
		return mapNotFound(err, "User")
	}
}

func (s *server) getUser(ctx context.Context, in *userInput) (*body[junction.ClientFacingUser], error) {
	c := callerOf(ctx)
	u, err := s.Store.User(ctx, c.team.ID, canonicalUUID(in.UserID))
	if err != nil {
		return nil, mapNotFound(err, "User")
	}
	if err := s.appendReadAudit(ctx, "user.read", c.team.ID, "", "user="+u.ID); err != nil {
		return nil, err
	}
	return newAnswer(clientFacingUser(u)), nil
}

func clientFacingUser(u store.User) junction.ClientFacingUser {
	updated := u.UpdatedAt
	if updated.IsZero() {
		updated = u.CreatedAt
	}
	out := junction.ClientFacingUser{
		UserID:           u.ID,
		TeamID:           u.TeamID,
		ClientUserID:     u.ClientUserID,
		CreatedOn:        u.CreatedAt,
		ConnectedSources: []junction.ConnectedSource{},
		IngestionStart:   parseValidDate(u.IngestionStart),
		IngestionEnd:     parseValidDate(u.IngestionEnd),
	}
	if u.FallbackTimeZone != nil {
		out.FallbackTimeZone = &junction.FallbackTimeZone{ID: *u.FallbackTimeZone, SourceSlug: sourceManual,
			UpdatedAt: updated}
	}
	if d := parseValidDate(u.FallbackBirthDate); d != nil {
		out.FallbackBirthDate = &junction.FallbackBirthDate{Value: *d, SourceSlug: sourceManual, UpdatedAt: updated}
	}
	return out
}

// parseValidDate parses a date that validation has checked; nil for nil.
func parseValidDate(text *string) *order.Date {
	if text == nil {
		return nil
	}
	d, err := order.ParseDate(*text)
	if err != nil {
		return nil
	}
	return &d
}

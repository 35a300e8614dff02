package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"
)

// An answer that cannot be encoded would otherwise be a 200 with half a body.
func TestAnAnswerThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	s, err := newServer(Deps{})
	require.NoError(t, err)
	router := s.routes()
	for path, at := range map[string]time.Time{"/late": time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "/fine": {}} {
		huma.Register(s.huma, huma.Operation{OperationID: path, Method: http.MethodGet, Path: path,
			Middlewares: huma.Middlewares{forceJSONContentType}},
			func(context.Context, *struct{}) (*body[map[string]time.Time], error) {
				return newAnswer(map[string]time.Time{"at": at}), nil
			})
	}
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/late": {http.StatusInternalServerError, `{"detail":"Internal server error"}`},
		"/fine": {http.StatusOK, `{"at":"0001-01-01T00:00:00Z"}`},
	} {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, want.status, answer.Code, path)
		require.JSONEq(t, want.body, answer.Body.String(), path)
		require.Contains(t, answer.Header().Get("Content-Type"), "application/json", path)
	}
}

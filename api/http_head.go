package api

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"
)

// headRoutes adds HEAD to every GET route. It has to be called after all routes are registered.
func headRoutes(e *gin.Engine) {
	for _, r := range e.Routes() {
		if r.Method == http.MethodGet {
			e.HEAD(r.Path, answerHead(r.HandlerFunc))
		}
	}
}

// answerHead answers HEAD with the status and the headers of GET, and the length of its body.
func answerHead(get gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		w := &headWriter{ResponseWriter: c.Writer}
		c.Writer = w
		get(c)
		w.finish()
	}
}

// headWriter counts the bytes of a body and does not send them.
type headWriter struct {
	gin.ResponseWriter
	length int
}

// Write counts the bytes of b.
func (w *headWriter) Write(b []byte) (int, error) {
	w.length += len(b)
	return len(b), nil
}

// WriteString counts the bytes of s.
func (w *headWriter) WriteString(s string) (int, error) {
	w.length += len(s)
	return len(s), nil
}

// WriteHeaderNow does nothing before finish, because the length of the body is not known.
func (w *headWriter) WriteHeaderNow() {}

// Flush does nothing before finish, because the length of the body is not known.
func (w *headWriter) Flush() {}

// Written reports whether a part of the body was written.
func (w *headWriter) Written() bool { return w.length > 0 || w.ResponseWriter.Written() }

// finish sends the status and the headers.
func (w *headWriter) finish() {
	if w.Header().Get("Content-Length") == "" && w.length > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(w.length))
	}
	w.ResponseWriter.WriteHeaderNow()
}

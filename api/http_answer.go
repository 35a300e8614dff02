package api

import (
	"bytes"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"
)

// answerWriter writes the body of an answer. It knows the request, so that an answer that cannot be written becomes an
// error.
type answerWriter struct {
	gin.ResponseWriter
	request *gin.Context
}

// BodyWriter returns the writer of the answer.
func (j jsonBody) BodyWriter() io.Writer {
	c := humagin.Unwrap(j.humaContext)
	return answerWriter{ResponseWriter: c.Writer, request: c}
}

// writeAnswer encodes an answer as JSON and writes it. huma has set the status before, and it is sent with the first
// byte. So writeAnswer encodes all of the answer first, and writes a 500 answer when that fails. The error goes to the
// access log.
func writeAnswer(w io.Writer, v any) error {
	var encoded bytes.Buffer
	err := huma.DefaultJSONFormat.Marshal(&encoded, v)
	if answer, ok := w.(answerWriter); ok && err != nil && !answer.Written() {
		_ = answer.request.Error(err)
		answer.WriteHeader(http.StatusInternalServerError)
		encoded.Reset()
		err = huma.DefaultJSONFormat.Marshal(&encoded, newError(http.StatusInternalServerError, "Internal server error"))
	}
	if err != nil {
		return err
	}
	_, err = w.Write(encoded.Bytes())
	return err
}

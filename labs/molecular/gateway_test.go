package molecular_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
)

// gatewayAnswers are answers that are not MTL's: of gateways, ingresses and proxies in front of it.
var gatewayAnswers = map[string]struct {
	status int
	body   string
}{
	"redirect":              {http.StatusFound, `<a href="https://lab.example/login">Found</a>.`},
	"permanent redirect":    {http.StatusPermanentRedirect, ``},
	"bad request, no body":  {http.StatusBadRequest, ``},
	"bad request, text":     {http.StatusBadRequest, `bad request`},
	"conflict, no body":     {http.StatusConflict, ``},
	"ingress without route": {http.StatusNotFound, "default backend - 404"},
	"nginx":                 {http.StatusNotFound, "<html><body><h1>404 Not Found</h1>nginx</body></html>"},
	"Kong":                  {http.StatusNotFound, `{"message":"no Route matched with those values"}`},
	"API Management":        {http.StatusNotFound, `{ "statusCode": 404, "message": "Resource not found" }`},
	"Apigee":                {http.StatusNotFound, `{"fault":{"faultstring":"no proxy","detail":{"errorcode":"x"}}}`},
	"Cloudflare":            {http.StatusNotFound, `{"success":false,"errors":[{"code":7003,"message":"no"}]}`},
	"an error message":      {http.StatusBadRequest, `{"success":false,"message":"Forbidden by policy"}`},
	"Spring":                {http.StatusNotFound, `{"status":404,"error":"Not Found","path":"/PlaceOrder"}`},
	"problem details":       {http.StatusUnprocessableEntity, `{"title":"Unprocessable","status":422,"detail":"no"}`},
	"too large":             {http.StatusRequestEntityTooLarge, `<html>413 Request Entity Too Large</html>`},
	"not allowed":           {http.StatusMethodNotAllowed, `{"error":"Method Not Allowed"}`},
	"misdirected":           {http.StatusMisdirectedRequest, `Misdirected Request`},
	"success with an error": {http.StatusBadRequest, `[{"success":true,"kit_id":"M1"}]`},
	"a kit with an error":   {http.StatusNotFound, `[{"kit_id":"M1"}]`},
	"success and words":     {http.StatusBadRequest, `{"success":true,"error_msg":"accepted for review"}`},
	"of another order":      {http.StatusBadRequest, `[{"order_number":"OTHER","success":false,"error_msg":"no"}]`},
	"a list of numbers":     {http.StatusNotFound, `[404]`},
}

// A gateway's answer refuses nothing: the call is made again, with the same number (molecular-api#d25).
func TestAGatewaysAnswerIsNoRefusal(t *testing.T) {
	t.Parallel()
	for name, tt := range gatewayAnswers {
		for caller, do := range calls {
			t.Run(name+"/"+caller, func(t *testing.T) {
				t.Parallel()
				err := do(t.Context(), newFullClient(t, newLab(t, answer(tt.status, tt.body))))

				var unanswered *labs.UnansweredError
				require.ErrorAs(t, err, &unanswered)
				require.Equal(t, tt.status, unanswered.Status)
				require.Equal(t, tt.status, labs.FailureStatus(err))
				require.Equal(t, tt.body, string(unanswered.Raw))
			})
		}
	}
}

// Package minimalpartner is the smallest adapter that passes conformance.RunSuite: its lab takes orders by POST, sends
// webhooks, and has no other calls. It is an example; no account can use it.
package minimalpartner

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Protocol is the adapter for the example lab.
var Protocol = labs.Protocol{
	Name: "least", Open: open, MaxWebhook: 64 << 10, AuthChallenge: "Bearer", Authenticate: authenticate, Decode: decode,
}

type client struct{ caller *partnerhttp.Caller }

func open(a labs.Account, o labs.Options) (labs.Lab, error) {
	if err := partnerhttp.DecodeSettings(a.Settings, &struct{}{}); err != nil {
		return nil, err
	}
	calls, err := partnerhttp.NewCaller(a, o, func(r *http.Request, _ []byte) error {
		r.Header.Set("Authorization", "Bearer "+a.Token)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return client{calls}, nil
}

// Place implements labs.Lab.
func (c client) Place(ctx context.Context, r labs.Requisition) (labs.Acceptance, error) {
	if r.Order.Patient == nil {
		return labs.Acceptance{}, &labs.RefusedError{Code: labs.CodeRegistrationNeeded}
	}
	if r.Order.Modality != lifecycle.Testkit {
		return labs.Acceptance{}, &labs.RefusedError{Code: labs.CodeInvalidRequisition, Fields: []string{"collection_method"}}
	}
	body := map[string]any{"order": r.OrderNumber, "patient": r.Order.Patient, "address": r.Order.Address,
		"test": r.Order.LabTest.Slug}
	a, err := c.caller.Exchange(ctx, partnerhttp.Call{Method: http.MethodPost, Path: "/orders", Body: body})
	if err != nil {
		return labs.Acceptance{}, err
	}
	placed, err := partnerhttp.ParseObject(a.Body)
	switch {
	case (a.Status == http.StatusBadRequest || a.Status == http.StatusUnprocessableEntity) &&
		partnerhttp.TextValue(placed["code"]) != "": // the lab's form of a refusal; anything else may be a gateway's
		return labs.Acceptance{}, &labs.RefusedError{Code: labs.CodeRefusedByLab, Raw: a.Raw}
	case err != nil || !a.OK():
		return labs.Acceptance{}, a.UnansweredError(partnerhttp.ErrUnreadable)
	}
	return labs.Acceptance{Accession: partnerhttp.IdentifierValue(placed["sample"]),
		AlreadyPlaced: a.Status == http.StatusOK, Raw: a.Raw}, nil
}

// FetchResults implements labs.Lab.
func (client) FetchResults(context.Context, string) (labs.FetchedResults, error) {
	return labs.FetchedResults{}, labs.ErrNotSupported
}

// Cancel implements labs.Lab.
func (client) Cancel(context.Context, string, string) error { return labs.ErrNotSupported }

// PollFacts implements labs.Lab.
func (client) PollFacts(context.Context, string) ([]labs.PolledFact, error) {
	return nil, labs.ErrNotSupported
}

// Capabilities implements labs.Lab.
func (client) Capabilities() labs.Capabilities {
	return labs.Capabilities{Methods: []lifecycle.Modality{lifecycle.Testkit}}
}

func authenticate(r *http.Request, _ []byte, accounts []labs.Credentials, _ time.Time) ([]string, error) {
	err, ids := labs.ErrNoCredentials, []string(nil)
	for _, a := range accounts {
		if a.Token == "" {
			continue
		}
		err = labs.ErrWrongCredentials
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+a.Token)) == 1 {
			ids = append(ids, a.AccountID)
		}
	}
	if len(ids) > 0 {
		err = nil
	}
	return ids, err
}

var factKinds = map[string]order.FactKind{"shipped": order.FactKitShipped, "arrived": order.FactKitReceived,
	"reported": order.FactReportReady}

func decode(_ http.Header, body []byte, receivedAt time.Time) labs.InboundMessage {
	object, err := partnerhttp.ParseObject(body)
	if err != nil {
		return labs.InboundMessage{Key: partnerhttp.SHA256Hex(body), Hash: partnerhttp.SHA256Hex(body),
			Problem: labs.Malformed}
	}
	m := labs.InboundMessage{
		OrderNumber: partnerhttp.SafeOrderNumber(partnerhttp.TextValue(object["order"])),
		Kind:        partnerhttp.SafeCode(partnerhttp.TextValue(object["what"])), Hash: partnerhttp.ObjectHash(object),
	}
	m.Key = partnerhttp.JSONHash([]string{m.OrderNumber, m.Kind, partnerhttp.TextValue(object["when"])})
	kind, known := factKinds[m.Kind]
	switch {
	case m.OrderNumber == "" || partnerhttp.TextValue(object["what"]) == "":
		m.Problem = labs.MissingFields
	case !known:
		m.Problem = labs.UnknownType
	case object["when"] == nil:
		m.Problem = labs.IncompleteData
	default:
		m.Fact = &order.Fact{Kind: kind, Accession: partnerhttp.IdentifierValue(object["sample"]),
			ReceivedAt: receivedAt.UTC().Truncate(time.Microsecond)}
		m.Fact.SentAt, _ = partnerhttp.ParseInstant(partnerhttp.TextValue(object["when"]))
	}
	return m
}

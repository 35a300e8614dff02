// Package leastpartner is the smallest partner that passes labtest.Exercise: a lab that takes orders by POST and reports by webhook,
// and has no other call. It is an example, and no account can name it.
package leastpartner

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/wire"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Protocol is how the lab is spoken to.
var Protocol = labs.Protocol{
	Name: "least", Open: open, MaxWebhook: 64 << 10, Challenge: "Bearer", Authenticate: authenticate, Decode: decode,
}

type client struct{ calls *wire.Caller }

func open(a labs.Account, o labs.Options) (labs.Lab, error) {
	if err := wire.ParseSettings(a.Settings, &struct{}{}); err != nil {
		return nil, err
	}
	calls, err := wire.NewCaller(a, o, func(r *http.Request, _ []byte) error {
		r.Header.Set("Authorization", "Bearer "+a.Token)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return client{calls}, nil
}

// Place implements labs.Lab.
func (c client) Place(ctx context.Context, r labs.Requisition) (labs.Placed, error) {
	if r.Order.Patient == nil {
		return labs.Placed{}, &labs.RefusedError{Code: labs.CodeRegistrationNeeded}
	}
	if r.Order.Modality != lifecycle.Testkit {
		return labs.Placed{}, &labs.RefusedError{Code: labs.CodeInvalid, Fields: []string{"collection_method"}}
	}
	body := map[string]any{"order": r.Number, "patient": r.Order.Patient, "address": r.Order.Address, "test": r.Order.LabTest.Slug}
	a, err := c.calls.Exchange(ctx, wire.Call{Method: http.MethodPost, Path: "/orders", Body: body})
	if err != nil {
		return labs.Placed{}, err
	}
	placed, err := wire.ParseObject(a.Body)
	switch {
	case a.Status/100 == 4:
		return labs.Placed{}, a.Refused()
	case err != nil || !a.OK():
		return labs.Placed{}, a.Unanswered(wire.ErrUnreadable)
	}
	return labs.Placed{Accession: wire.Identifier(placed["sample"]), Already: a.Status == http.StatusOK, Raw: a.Body}, nil
}

// Results implements labs.Lab.
func (client) Results(context.Context, string) (labs.Reported, error) {
	return labs.Reported{}, labs.ErrNotSupported
}

// Cancel implements labs.Lab.
func (client) Cancel(context.Context, string, string) error { return labs.ErrNotSupported }

// Poll implements labs.Lab.
func (client) Poll(context.Context, string) ([]labs.Notice, error) { return nil, labs.ErrNotSupported }

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
		err = labs.ErrBadCredentials
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+a.Token)) == 1 {
			ids = append(ids, a.AccountID)
		}
	}
	if len(ids) > 0 {
		err = nil
	}
	return ids, err
}

var kinds = map[string]order.FactKind{"shipped": order.KitShipped, "arrived": order.KitReceived, "reported": order.ReportReady}

func decode(_ http.Header, body []byte, receivedAt time.Time) labs.Message {
	object, err := wire.ParseObject(body)
	if err != nil {
		return labs.Message{Key: wire.Sum(body), Hash: wire.Sum(body), Problem: labs.Malformed}
	}
	m := labs.Message{
		OrderNumber: wire.OrderNumber(wire.Text(object["order"])), Kind: wire.Code(wire.Text(object["what"])), Hash: wire.CanonicalHash(object),
	}
	m.Key = wire.HashOf([]string{m.OrderNumber, m.Kind, wire.Text(object["when"])})
	kind, known := kinds[m.Kind]
	switch {
	case m.OrderNumber == "" || wire.Text(object["what"]) == "":
		m.Problem = labs.MissingFields
	case !known:
		m.Problem = labs.UnknownType
	case object["when"] == nil:
		m.Problem = labs.Incomplete
	default:
		m.Fact = &order.Fact{Kind: kind, Accession: wire.Identifier(object["sample"]), ReceivedAt: receivedAt.UTC().Truncate(time.Microsecond)}
		m.Fact.SentAt, _ = wire.Instant(wire.Text(object["when"]))
	}
	return m
}

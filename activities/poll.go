package activities

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// How long an order may be silent before its lab is asked, and how often it is asked then (molecular-api#d33).
const (
	silentPlaced   = 7 * order.Day
	silentShipped  = 30 * order.Day
	silentReceived = 5 * order.Day
	pollEvery      = order.Day

	pollPage = 50 // silent orders per activity; each call waits for its turn with the account
)

// PollSilent asks the labs of one page of silent orders, after the given id, what they have reported: a webhook that never arrived
// is not promised to be sent again. What it finds goes the way of a webhook, under the same key, so a late twin changes nothing.
func (a *Activities) PollSilent(ctx context.Context, after string) (dispatch.SweepResult, error) {
	defer a.heartbeat(ctx)()
	var out dispatch.SweepResult
	now := a.Now()
	ids, err := a.Store.SilentOrders(ctx, store.Silence{
		Placed: now.Add(-silentPlaced), Shipped: now.Add(-silentShipped), Received: now.Add(-silentReceived), Polled: now.Add(-pollEvery),
	}, after, pollPage)
	if err != nil {
		return out, a.fault(ctx, "finding silent orders", "", err)
	}
	for _, id := range ids {
		out.Polled += a.poll(ctx, id)
	}
	if len(ids) == pollPage {
		out.After = ids[len(ids)-1]
	}
	a.Metrics.healed(out)
	return out, nil
}

// poll asks about one order and counts what was news. A lab that cannot be asked, or does not answer, is asked again another day.
func (a *Activities) poll(ctx context.Context, orderID string) (news int) {
	lab, o, err := a.lab(ctx, orderID)
	if err != nil {
		a.Log.WarnContext(ctx, "silent order not polled", "order_id", orderID, "error", err)
		return 0
	}
	var notices []labs.Notice
	err = a.call(ctx, orderID, store.PollCall, func() (raw []byte, err error) {
		notices, err = lab.Poll(ctx, o.Number)
		return nil, err
	})
	if err != nil {
		if !errors.Is(err, labs.ErrNotSupported) {
			a.Log.WarnContext(ctx, "silent order not polled", "order_id", orderID, "outcome", outcomeOf(err))
		}
		return 0
	}
	for _, n := range notices {
		if a.report(ctx, o, n) {
			news++
		}
	}
	return news
}

// report hands a polled notice in as if it had come by webhook.
func (a *Activities) report(ctx context.Context, o *order.Order, n labs.Notice) bool {
	got, err := a.Store.Receive(ctx, store.Report{
		Partner: n.Partner, Key: n.Key, Hash: n.Hash, Kind: n.Kind, OrderNumber: o.Number, Fact: n.Fact, Reason: n.Reason,
		Body: n.Body, Headers: map[string]string{"source": "poll"}, ReceivedAt: a.Now().UTC().Truncate(time.Microsecond),
	})
	if err != nil {
		a.Log.ErrorContext(ctx, "polled report not kept", "order_id", o.ID, "error", err)
		return false
	}
	if n.Place != nil && n.Fact.Appointment.Reference != "" && got.State == store.InboxReceived {
		if err := a.Store.PutPlace(ctx, o.ID, n.Fact.Appointment.Reference, *n.Place); err != nil {
			a.Log.ErrorContext(ctx, "place of an appointment not kept", "order_id", o.ID, "error", err)
		}
	}
	return !got.Duplicate && a.signal(ctx, got)
}

package activities

import (
	"context"
	"errors"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// How long an order may be silent before its lab is polled, and how often it is polled then (molecular-api#d33).
const (
	silenceAfterPlacement = 7 * order.Day
	silenceAfterShipment  = 30 * order.Day
	silenceAfterReceipt   = 5 * order.Day
	pollEvery             = order.Day

	pollPage = 50 // silent orders per activity; a call whose turn is not near is skipped
)

// PollSilent polls the labs of one page of silent orders, after the given id: a lab need not repeat a lost webhook. It
// stores what it finds as an inbox item with the key of the webhook, so a webhook that arrives later changes nothing.
func (a *Activities) PollSilent(ctx context.Context, after string) (dispatch.SweepResult, error) {
	if err := checkPage("finding silent orders", after); err != nil {
		return dispatch.SweepResult{}, err
	}
	defer a.startHeartbeat(ctx)()
	var out dispatch.SweepResult
	now := a.Now()
	ids, err := a.Store.SilentOrders(ctx, store.SilenceSince{
		Placed: now.Add(-silenceAfterPlacement), Shipped: now.Add(-silenceAfterShipment),
		Received: now.Add(-silenceAfterReceipt), Polled: now.Add(-pollEvery),
	}, after, pollPage)
	if err != nil {
		return out, a.internalError(ctx, "finding silent orders", "", err)
	}
	busy := busyAccounts{}
	for _, id := range ids {
		out.FactsPolled += a.pollOrder(ctx, id, busy)
	}
	if len(ids) == pollPage {
		out.NextPage = ids[len(ids)-1]
	}
	a.Metrics.countHealed(out)
	return out, nil
}

// busyAccounts are the ids of accounts whose next turn is not near. A batch skips them, so that it does not wait. What
// it skips is asked for by another run.
type busyAccounts map[string]bool

// skip reports whether a call of the account has to be skipped, and counts it.
func (b busyAccounts) skip(m *Metrics, accountID, kind string) bool {
	if b[accountID] {
		m.countNotMade(kind, errTurnNotNear)
	}
	return b[accountID]
}

// note notes that a call of the account was not made because its turn is not near, and reports whether that is so.
func (b busyAccounts) note(accountID string, err error) bool {
	isBusy := errors.Is(err, errTurnNotNear)
	b[accountID] = b[accountID] || isBusy
	return isBusy
}

// askResult says how asking an account about an order ended.
type askResult string

const (
	askAnswered   askResult = "answered"
	askNotAskable askResult = "not_askable" // the account has no such call
	askLeft       askResult = "left"        // the account is busy, has not answered, or cannot be used
)

// pollOrder polls the lab of one order and returns how many facts were new. A lab that cannot be reached, or whose
// account is busy, is polled again another day.
func (a *Activities) pollOrder(ctx context.Context, orderID string, busy busyAccounts) (news int) {
	o, err := a.Store.Order(ctx, "", orderID)
	if err != nil {
		a.Log.WarnContext(ctx, "silent order not polled", "order_id", orderID, "error", err)
		return 0
	}
	news, _ = a.pollAccount(ctx, o, o.LabAccountID, store.CallKindPoll, busy)
	return news
}

// pollAccount asks one account about an order and stores what it answers. It returns how many facts were new.
func (a *Activities) pollAccount(ctx context.Context, o *order.Order, accountID, kind string,
	busy busyAccounts) (news int, result askResult) {
	if busy.skip(a.Metrics, accountID, kind) {
		return 0, askLeft
	}
	call := &partnerCall{orderID: o.ID, kind: kind, lane: store.LaneRoutine, inBatch: true}
	lab, err := a.openLabAccount(ctx, accountID, call)
	if err != nil {
		a.Log.WarnContext(ctx, "silent order not polled", "order_id", o.ID, "error", err)
		return 0, askLeft
	}
	var notices []labs.PolledFact
	err = a.callPartner(ctx, call, func() (raw []byte, err error) {
		notices, err = lab.PollFacts(ctx, o.Number)
		return nil, err
	})
	if busy.note(accountID, err) {
		return 0, askLeft
	}
	if errors.Is(err, labs.ErrNotSupported) {
		return 0, askNotAskable
	}
	if err != nil {
		a.Log.WarnContext(ctx, "silent order not polled", "order_id", o.ID, "outcome", callOutcome(err))
		return 0, askLeft
	}
	stored := true
	for _, n := range notices {
		isNew, err := a.storePolledFact(ctx, o, n)
		stored = stored && err == nil
		if isNew {
			news++
		}
	}
	if !stored {
		return news, askLeft
	}
	return news, askAnswered
}

// storePolledFact stores a polled fact as if it had arrived by webhook, and reports whether it is new.
func (a *Activities) storePolledFact(ctx context.Context, o *order.Order, n labs.PolledFact) (isNew bool, err error) {
	if n.AccessionWords != "" {
		n.Fact.Accession = a.Store.SealCode(n.AccessionWords)
	}
	got, err := a.Store.StoreInboxItem(ctx, store.NewInboxItem{
		Partner: n.Partner, DedupKey: n.Key, BodyHash: n.Hash, Kind: n.Kind, OrderNumber: o.Number, Fact: n.Fact,
		PartnerReason: n.Reason,
		Body:          n.Body, Headers: map[string]string{"source": "poll"},
		ReceivedAt: a.Now().UTC().Truncate(time.Microsecond),
	})
	if err != nil {
		a.Log.ErrorContext(ctx, "polled fact not stored", "order_id", o.ID, "error", err)
		return false, err
	}
	if n.Location != nil && n.Fact.Appointment.Reference != "" && got.State == store.InboxReceived {
		if err := a.Store.PutAppointmentLocation(ctx, o.ID, n.Fact.Appointment.Reference, *n.Location); err != nil {
			a.Log.ErrorContext(ctx, "location of an appointment not stored", "order_id", o.ID, "error", err)
		}
	}
	return !got.Duplicate && a.wakeForItem(ctx, got), nil
}

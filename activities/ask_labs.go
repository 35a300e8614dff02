package activities

import (
	"context"
	"time"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const (
	// askTimeLimit is how long one activity asks about orders.
	askTimeLimit = 5 * time.Minute
	// askEndedWithin is how long ago an order may have ended that is asked about: a lab corrects a report later.
	askEndedWithin = 30 * order.Day
	// maxUnansweredInRow is how many calls in a row an account may leave unanswered, before the activity skips it.
	maxUnansweredInRow = 3
)

// AskLabs asks about orders at their labs and at the providers of their appointments, page by page until askTimeLimit:
// after the store was restored from a backup, the facts that came after the backup are known to them alone. The calls
// keep the spacing of the accounts. It stores what it finds as PollSilent does. Orders whose lab has answered since
// in.Since are left out, so that it can be repeated for those that were left.
func (a *Activities) AskLabs(ctx context.Context, in dispatch.AskInput) (dispatch.SweepResult, error) {
	if err := checkPage("asking labs", in.After); err != nil {
		return dispatch.SweepResult{}, err
	}
	defer a.startHeartbeat(ctx)()
	asking := &labAsking{Activities: a, busy: busyAccounts{}, unanswered: map[string]int{}}
	defer func() { a.Metrics.countHealed(asking.out) }()
	began := a.Now()
	for after := in.After; ; {
		ids, err := a.Store.OrdersToAsk(ctx, began.Add(-askEndedWithin), in.Since, after, pollPage)
		if err != nil {
			return asking.out, a.internalError(ctx, "finding orders to ask about", "", err)
		}
		for _, id := range ids {
			if err := ctx.Err(); err != nil {
				return asking.out, err
			}
			asking.ask(ctx, id)
			after = id
			if a.Now().Sub(began) >= askTimeLimit {
				asking.out.NextPage = after
				return asking.out, nil
			}
		}
		if len(ids) < pollPage {
			return asking.out, nil
		}
	}
}

// labAsking is one AskLabs.
type labAsking struct {
	*Activities
	busy       busyAccounts
	unanswered map[string]int // by account: calls in a row without an answer
	out        dispatch.SweepResult
}

// ask asks about one order, at its lab and at the provider of its appointment.
func (l *labAsking) ask(ctx context.Context, orderID string) {
	o, err := l.Store.Order(ctx, "", orderID)
	if err != nil {
		l.Log.WarnContext(ctx, "order not asked about", "order_id", orderID, "error", err)
		l.out.OrdersLeft++
		return
	}
	provider := askNotAskable
	if p := o.State.Appointment; p != nil && p.AccountID != "" && p.AccountID != o.LabAccountID {
		provider = l.askAccount(ctx, o, p.AccountID, store.CallKindPollProvider)
	}
	lab := l.askAccount(ctx, o, o.LabAccountID, store.CallKindPoll)
	switch {
	case lab == askLeft:
		l.out.OrdersLeft++
	case provider == askLeft:
		l.out.OrdersLeft++
		l.out.ProvidersLeft++
	case lab == askNotAskable && provider == askNotAskable:
		l.out.OrdersNotAskable++
	default:
		l.out.OrdersAsked++
	}
}

func (l *labAsking) askAccount(ctx context.Context, o *order.Order, accountID, kind string) askResult {
	wasBusy := l.busy[accountID]
	news, result := l.pollAccount(ctx, o, accountID, kind, l.busy)
	l.out.FactsPolled += news
	switch {
	case result != askLeft:
		l.unanswered[accountID] = 0
	case !wasBusy:
		l.unanswered[accountID]++
		l.busy[accountID] = l.busy[accountID] || l.unanswered[accountID] >= maxUnansweredInRow
	}
	return result
}

package activities

import (
	"cmp"
	"context"
	"errors"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// trackingService is the name of the courier aggregator, as its webhooks have it too.
const trackingService = "easypost"

// errAccountRefused is the error of a call that is not made, because the service refuses our account.
var errAccountRefused = errors.New("the tracking service refuses the account")

// Track creates a tracker at the courier aggregator for each leg of the order's shipment that has a number and no
// tracker. A number that the aggregator refuses gets none; the deadlines treat its leg as silent. Any other failure is
// an error after which the call can be repeated. A failure of one leg does not keep the other one from its tracker.
func (a *Activities) Track(ctx context.Context, orderID string) (dispatch.TrackResult, error) {
	if err := checkOrderID("tracking", orderID); err != nil {
		return dispatch.TrackResult{}, err
	}
	o, err := a.Store.Order(ctx, "", orderID)
	if err != nil {
		return dispatch.TrackResult{}, a.internalError(ctx, "tracking", orderID, err)
	}
	if !o.State.TrackersPending {
		return dispatch.TrackResult{}, a.notMadeError(ctx, "tracking", orderID, errStaleCall)
	}
	if o.Shipment == nil {
		return dispatch.TrackResult{ShipmentAt: o.State.ShipmentAt}, nil
	}
	var failed error
	for _, l := range []struct {
		name couriers.Leg
		leg  order.ShipmentLeg
	}{{couriers.Outbound, o.Shipment.Outbound}, {couriers.Inbound, o.Shipment.Inbound}} {
		if l.leg.Number == "" || l.leg.TrackerID != "" {
			continue
		}
		if err := a.createLegTracker(ctx, orderID, l.name, l.leg); err != nil {
			failed = cmp.Or(failed, err)
		}
	}
	if failed != nil {
		return dispatch.TrackResult{}, failed
	}
	return dispatch.TrackResult{ShipmentAt: o.Shipment.ShippedAt}, nil
}

func (a *Activities) createLegTracker(ctx context.Context, orderID string, name couriers.Leg,
	leg order.ShipmentLeg) error {
	call := &partnerCall{orderID: orderID, kind: "track_" + string(name)}
	may, wasRefused, err := a.Store.MayCallCourier(ctx, trackingService)
	if err != nil {
		return a.internalError(ctx, "tracking", orderID, err)
	}
	if !may {
		a.Metrics.countNotMade(call.kind, errAccountRefused)
		return a.partnerError(ctx, "tracking", orderID, errAccountRefused)
	}
	var tracker string
	err = a.callPartner(ctx, call, func() (raw []byte, err error) {
		tracker, err = a.Tracker.CreateTracker(ctx, couriers.PrintedNumber(leg.Number), couriers.Courier(leg.Courier))
		return nil, err
	})
	a.noteCourierAnswer(ctx, wasRefused, err)
	if refused, ok := errors.AsType[*couriers.RefusedError](err); ok {
		a.Log.WarnContext(ctx, "tracker refused", "order_id", orderID, "leg", name, "code", refused.Code)
		return nil
	}
	if err != nil {
		return a.partnerError(ctx, "tracking", orderID, err)
	}
	if err := a.Store.SetTracker(ctx, orderID, string(name), leg.Number, tracker); err != nil {
		return a.internalError(ctx, "tracking", orderID, err)
	}
	return nil
}

// noteCourierAnswer raises the mark of our account at the tracking service, or clears it. An answer about a number says
// that the account is taken.
func (a *Activities) noteCourierAnswer(ctx context.Context, wasRefused bool, callErr error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	var err error
	refused, ok := errors.AsType[*couriers.AccountError](callErr)
	number, aboutNumber := errors.AsType[*couriers.RefusedError](callErr)
	switch {
	case ok:
		var isNew bool
		isNew, err = a.Store.NoteCourierRefusal(ctx, trackingService, refused.Status, refused.Code)
		if isNew {
			a.Log.ErrorContext(ctx, "the tracking service refuses our account: no parcel is tracked until its key "+
				"or its payment is corrected", "service", trackingService, "status", refused.Status, "code", refused.Code)
		}
	case wasRefused && (callErr == nil || aboutNumber && number.Status > 0):
		a.Log.InfoContext(ctx, "the tracking service takes our account again", "service", trackingService)
		err = a.Store.ClearCourierRefusal(ctx, trackingService)
	}
	if err != nil {
		a.Log.WarnContext(ctx, "the mark of the courier's account is not recorded", "error", err)
	}
}

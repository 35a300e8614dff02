package activities

import (
	"context"
	"errors"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// Track creates a tracker at the courier aggregator for each leg of the order's shipment that has a number and no
// tracker. A number that the aggregator refuses gets none; the deadlines treat its leg as silent.
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
	for _, l := range []struct {
		name couriers.Leg
		leg  order.ShipmentLeg
	}{{couriers.Outbound, o.Shipment.Outbound}, {couriers.Inbound, o.Shipment.Inbound}} {
		if l.leg.Number == "" || l.leg.TrackerID != "" {
			continue
		}
		if err := a.createLegTracker(ctx, orderID, l.name, l.leg); err != nil {
			return dispatch.TrackResult{}, err
		}
	}
	return dispatch.TrackResult{ShipmentAt: o.Shipment.ShippedAt}, nil
}

func (a *Activities) createLegTracker(ctx context.Context, orderID string, name couriers.Leg,
	leg order.ShipmentLeg) error {
	var tracker string
	call := &partnerCall{orderID: orderID, kind: "track_" + string(name)}
	err := a.callPartner(ctx, call, func() (raw []byte, err error) {
		tracker, err = a.Tracker.CreateTracker(ctx, couriers.PrintedNumber(leg.Number), couriers.Courier(leg.Courier))
		return nil, err
	})
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

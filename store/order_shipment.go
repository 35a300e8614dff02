package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

const shipmentColumns = `order_id, id, outbound_number, outbound_courier, outbound_url, outbound_tracker,
	inbound_number, inbound_courier, inbound_url, inbound_tracker, kit_reg_code, oraquick_lot, notes, shipped_at,
	created_at, updated_at`

type shipmentRow struct {
	orderID  string
	shipment order.Shipment
}

// shipmentScan holds the scan targets of a shipment's row.
type shipmentScan struct {
	shipmentRow
	notes                     []byte
	shipped, created, updated int64
}

func (x *shipmentScan) dest() []any {
	to := &x.shipment
	return []any{
		&x.orderID, &to.ID, &to.Outbound.Number, &to.Outbound.Courier, &to.Outbound.URL, &to.Outbound.TrackerID,
		&to.Inbound.Number, &to.Inbound.Courier, &to.Inbound.URL, &to.Inbound.TrackerID, &to.KitRegCode, &to.OraQuickLot,
		&x.notes, &x.shipped, &x.created, &x.updated,
	}
}

func (s *Store) scanShipment(row sqldb.Scanner) (shipmentRow, error) {
	var x shipmentScan
	if err := row.Scan(x.dest()...); err != nil {
		return x.shipmentRow, err
	}
	return s.openShipment(x)
}

func (s *Store) openShipment(x shipmentScan) (shipmentRow, error) {
	to := &x.shipment
	to.ShippedAt, to.CreatedAt, to.UpdatedAt = sqldb.FromMicros(x.shipped), sqldb.FromMicros(x.created),
		sqldb.FromMicros(x.updated)
	return x.shipmentRow, s.keys.OpenJSON(sealContext("shipments", to.ID, "notes"), x.notes, &to.Notes)
}

// storeShipment stores the shipment data of a fact, so that inbox items of couriers with its tracking numbers match the
// order from now on. It returns the unmatched items that were waiting for one of the numbers.
func (s *Store) storeShipment(ctx context.Context, tx *sql.Tx, orderID string, f order.Fact, shippedAt,
	now time.Time) ([]ReceivedItem, error) {
	row, err := sqldb.QueryOne(ctx, tx, s.scanShipment, `SELECT `+shipmentColumns+` FROM shipments WHERE order_id = $1`,
		orderID)
	if errors.Is(err, ErrNotFound) {
		row, err = shipmentRow{orderID, order.Shipment{ID: sqldb.NewID(), CreatedAt: now}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the shipment of order %s: %w", orderID, err)
	}
	x := row.shipment
	mergeShipmentFact(&x, f)
	x.ShippedAt, x.UpdatedAt = shippedAt, now
	if err := s.putShipment(ctx, tx, orderID, x); err != nil {
		return nil, fmt.Errorf("writing the shipment of order %s: %w", orderID, err)
	}
	var matched []ReceivedItem
	for _, leg := range []struct {
		name   couriers.Leg
		number string
	}{{couriers.Outbound, x.Outbound.Number}, {couriers.Inbound, x.Inbound.Number}} {
		if leg.number == "" {
			continue
		}
		_, err := tx.ExecContext(ctx,
			`INSERT INTO tracking_numbers (number, order_id, leg, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, leg.number, orderID, leg.name, sqldb.ToMicros(now))
		if err != nil {
			return nil, fmt.Errorf("writing tracking numbers of order %s: %w", orderID, err)
		}
		more, err := s.matchInboxItems(ctx, tx, unmatchedByTrackingNumber+` AND i.tracking = $1`, leg.number)
		if err != nil {
			return nil, err
		}
		matched = append(matched, more...)
	}
	return matched, nil
}

// mergeShipmentFact updates the shipment with the data of the fact. Data that the fact does not have is not changed: a
// lab that corrects one number does not withdraw the other.
func mergeShipmentFact(x *order.Shipment, f order.Fact) {
	setLegNumber(&x.Outbound, couriers.Outbound, f.OutboundNumber)
	setLegNumber(&x.Inbound, couriers.Inbound, f.InboundNumber)
	if f.KitRegCode != "" {
		x.KitRegCode = storableText(f.KitRegCode)
	}
	if f.OraQuickLot != "" {
		x.OraQuickLot = storableText(f.OraQuickLot)
	}
}

// setLegNumber sets the tracking number of a leg. A new number removes the tracker of the former number.
func setLegNumber(leg *order.ShipmentLeg, way couriers.Leg, sent string) {
	courier, link, number := couriers.DescribeNumber(storableText(sent), way, 0)
	if number == "" || number == leg.Number {
		return
	}
	*leg = order.ShipmentLeg{Number: number, Courier: string(courier), URL: link}
}

func (s *Store) putShipment(ctx context.Context, tx *sql.Tx, orderID string, x order.Shipment) error {
	notes, err := s.keys.SealJSON(sealContext("shipments", x.ID, "notes"), x.Notes)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO shipments (`+shipmentColumns+
		`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
		ON CONFLICT (order_id) DO UPDATE SET
			outbound_number = excluded.outbound_number, outbound_courier = excluded.outbound_courier,
			outbound_url = excluded.outbound_url, outbound_tracker = excluded.outbound_tracker,
			inbound_number = excluded.inbound_number, inbound_courier = excluded.inbound_courier,
			inbound_url = excluded.inbound_url, inbound_tracker = excluded.inbound_tracker,
			kit_reg_code = excluded.kit_reg_code, oraquick_lot = excluded.oraquick_lot, notes = excluded.notes,
			shipped_at = excluded.shipped_at, updated_at = excluded.updated_at`,
		orderID, x.ID, x.Outbound.Number, x.Outbound.Courier, x.Outbound.URL, x.Outbound.TrackerID,
		x.Inbound.Number, x.Inbound.Courier, x.Inbound.URL, x.Inbound.TrackerID, x.KitRegCode, x.OraQuickLot, notes,
		sqldb.ToMicros(x.ShippedAt), sqldb.ToMicros(x.CreatedAt), sqldb.ToMicros(x.UpdatedAt))
	return err
}

// SetTracker stores the id under which a tracking service follows the number of a leg, outbound or inbound. It stores
// nothing when the leg has another number meanwhile, which needs its own tracker. The error is ErrNotFound when the
// order has no shipment.
func (s *Store) SetTracker(ctx context.Context, orderID, leg, number, trackerID string) error {
	if l := couriers.Leg(leg); l != couriers.Outbound && l != couriers.Inbound {
		return fmt.Errorf("setting a tracker of order %s: %q is no leg", orderID, leg)
	}
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `UPDATE shipments SET
			`+leg+`_tracker = CASE WHEN `+leg+`_number = $1 THEN $2 ELSE `+leg+`_tracker END, updated_at = $3
			WHERE order_id = $4`,
		number, storableText(trackerID), sqldb.ToMicros(s.now()), orderID)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("setting the %s tracker of order %s: %w", leg, orderID, err)
	}
	return nil
}

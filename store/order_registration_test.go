package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// setRegistrable makes the order one for a kit without a patient.
func setRegistrable(o *order.Order) {
	o.Registrable, o.Patient, o.Address, o.Physician, o.Consents = true, nil, nil, nil, nil
	o.Shipping = &order.ShippingAddress{ReceiverName: "Stock", FirstLine: "1 Depot", City: "Mesa", State: "AZ",
		Zip: "85201", Country: "US", Phone: "+16025550199"}
}

// recordRegistration records a registration.
func recordRegistration(t *testing.T, s *Store, orderID string, reg order.Registration) {
	t.Helper()
	dm := order.Demand{Kind: order.DemandRegister, By: lifecycle.Client}
	row := DemandRow{ID: sqldb.NewID(), OrderID: orderID, Kind: dm.Kind, By: dm.By}
	var err error
	row.Body, err = json.Marshal(reg)
	require.NoError(t, err)
	require.NoError(t, s.AddDemand(t.Context(), row))
	out, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseDemand(row.ID), DemandID: row.ID},
		func(st order.State) order.Decision { return st.ApplyDemand(dm, s.now()) })
	require.NoError(t, err)
	require.Equal(t, order.OutcomeApplied, out.Outcome)
	body, err := s.DemandBody(t.Context(), row.ID)
	require.NoError(t, err)
	require.Nil(t, body, "the data of the registration has moved to the order")
}

func TestARegistrationMovesToTheOrder(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setRegistrable)
		applyRequisitionTaken(t, s, o.ID, "KIT-1")
		before := getOrder(t, s, o.ID)
		require.Equal(t, lifecycle.AwaitingRegistration, before.Status)
		require.Equal(t, "KIT-1", before.SampleID, "the number that the kit is registered by")

		known := newOrder(s, team).Order
		reg := order.Registration{
			UserID: sqldb.NewID(), ClientUserID: "patient-7", Patient: known.Patient, Address: known.Address,
			Physician: known.Physician,
			Consents:  known.Consents, Insurance: json.RawMessage(`{"member_id":"M-1"}`),
		}
		forward(time.Minute)
		recordRegistration(t, s, o.ID, reg)
		got := getOrder(t, s, o.ID)
		want := *before
		want.UserID, want.ClientUserID, want.Patient, want.Address = reg.UserID, reg.ClientUserID, reg.Patient, reg.Address
		want.Physician, want.Consents, want.Insurance = reg.Physician, reg.Consents, reg.Insurance
		want.Registered, want.Status, want.Sequence, want.Revision = true, lifecycle.Registered, 3, 3
		want.Events, want.State, want.UpdatedAt, want.Transaction = got.Events, got.State, s.now(), got.Transaction
		require.Equal(t, &want, got)
		require.Equal(t, []string{o.ID}, ordersFoundBy(t, s, searchFullName, "ada lovelace"))
		require.Equal(t, []string{o.ID}, ordersFoundBy(t, s, searchBirthDate, "1990-03-01"))

		bodies := dueBodies(t, s, endpoint, o.ID)
		require.Equal(t, o.UserID, jsonPath(t, bodies[2], "user_id"))
		require.Nil(t, jsonPath(t, bodies[2], "data", "patient_details"))
		requireMessageOf(t, bodies[3], orderUpdated, got)
		require.Equal(t, reg.UserID, jsonPath(t, bodies[3], "user_id"))
		require.Equal(t, "patient-7", jsonPath(t, bodies[3], "client_user_id"))
		require.Equal(t, "Ada", jsonPath(t, bodies[3], "data", "patient_details", "first_name"))
	})
}

func TestARegistrationMayLackOptionalData(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, setRegistrable,
			func(o *order.Order) { o.Consents = []order.Consent{{Type: "hipaa-authorization"}} })
		applyRequisitionTaken(t, s, o.ID, "KIT-1")
		known := newOrder(s, o.TeamID).Order
		recordRegistration(t, s, o.ID, order.Registration{Patient: known.Patient, Address: known.Address,
			Consents: known.Consents})
		got := getOrder(t, s, o.ID)
		require.Equal(t, []string{o.UserID, o.ClientUserID}, []string{got.UserID, got.ClientUserID})
		require.Nil(t, got.Physician)
		require.Nil(t, got.Insurance)
		require.Equal(t, append(o.Consents, known.Consents...), got.Consents, "merged")
		require.Equal(t, o.Notes, got.Notes)
	})
}

func TestARefusedRegistrationLeavesTheKitUnbound(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, setRegistrable)
		row := DemandRow{ID: sqldb.NewID(), OrderID: o.ID, Kind: order.DemandRegister, By: lifecycle.Client,
			Body: []byte(`{"user_id":"x"}`)}
		require.NoError(t, s.AddDemand(t.Context(), row))
		_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseDemand(row.ID), DemandID: row.ID},
			func(st order.State) order.Decision {
				return order.Decision{Outcome: order.OutcomeRefused, Reason: order.ReasonAlreadyRegistered, From: st.Status,
					Next: st}
			})
		require.NoError(t, err)
		got := getOrder(t, s, o.ID)
		require.Nil(t, got.Patient)
		require.Equal(t, o.UserID, got.UserID)
		body, err := s.DemandBody(t.Context(), row.ID)
		require.NoError(t, err)
		require.Nil(t, body)
	})
}

// A registered kit is replaced by one for the same patient, user and insurance.
func TestARegisteredKitIsReplacedForItsPatient(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, setRegistrable)
		applyRequisitionTaken(t, s, o.ID, "KIT-1")
		known := newOrder(s, o.TeamID).Order
		reg := order.Registration{
			UserID: sqldb.NewID(), ClientUserID: "patient-7", Patient: known.Patient, Address: known.Address,
			Insurance: json.RawMessage(`{"a":1}`),
		}
		recordRegistration(t, s, o.ID, reg)
		moveTo(t, s, o.ID, lifecycle.SampleError)
		out := demand(t, s, o.ID, order.Demand{Kind: order.DemandReplace}, nil)
		child := getOrder(t, s, out.ReplacementID)
		require.Equal(t, []any{reg.UserID, reg.Patient, reg.Insurance}, []any{child.UserID, child.Patient, child.Insurance})
		require.False(t, child.Registrable)
	})
}

func TestAnOrderIsFoundByItsSample(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		ctx := t.Context()
		o := addOrder(t, s, setRegistrable)
		_, err := s.OrderIDBySample(ctx, o.TeamID, "")
		require.ErrorIs(t, err, ErrNotFound)
		applyRequisitionTaken(t, s, o.ID, "KIT-1")
		for _, team := range []string{o.TeamID, ""} {
			id, err := s.OrderIDBySample(ctx, team, "KIT-1")
			require.NoError(t, err)
			require.Equal(t, o.ID, id)
		}
		_, err = s.OrderIDBySample(ctx, addTeam(t, s).ID, "KIT-1")
		require.ErrorIs(t, err, ErrNotFound)
		_, err = s.OrderIDBySample(ctx, o.TeamID, "KIT-2")
		require.ErrorIs(t, err, ErrNotFound)

		forward(time.Hour)
		again := addOrderOf(t, s, o.TeamID, setRegistrable)
		applyRequisitionTaken(t, s, again.ID, "KIT-1")
		id, err := s.OrderIDBySample(ctx, o.TeamID, "KIT-1")
		require.NoError(t, err)
		require.Equal(t, again.ID, id, "the newest")
	})
}

package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// settleFixture is an order that Settle is called for.
type settleFixture struct {
	*Activities
	t     *testing.T
	order *order.Order
}

// newSettleFixture creates an order of a testkit whose requisition has not been sent, and an endpoint of its team.
func newSettleFixture(t *testing.T, m lifecycle.Modality) settleFixture {
	t.Helper()
	a, _, _ := newSweepActivities(t, 1)
	a.NotifyInline = true
	a.Dispatch = &fakeNotified{}
	team := store.Team{ID: sqldb.NewID(), Name: "t", Environment: store.Sandbox}
	require.NoError(t, a.Store.CreateTeam(t.Context(), team))
	require.NoError(t, a.Store.CreateEndpoint(t.Context(), store.Endpoint{ID: sqldb.NewID(), TeamID: team.ID,
		URL: "https://client.example/hook", Secret: "whsec_c2VjcmV0"}))
	o := order.Order{
		TeamID: team.ID, UserID: sqldb.NewID(), ClientUserID: "client-user", LabAccountID: sqldb.NewID(),
		Modality: m, Origin: order.OriginInitial,
		Patient:     &order.Patient{FirstName: "Ada", LastName: "L", DOB: order.Date{Year: 1990, Month: time.March, Day: 1}},
		LabTest:     order.LabTest{ID: sqldb.NewID(), Name: "Lipids", Method: m, Lab: &order.Lab{ID: 27, Slug: "mtl"}},
		BillingType: "client_bill", CreatedAt: a.Now().UTC().Truncate(time.Microsecond),
	}
	store.AssignOrderIDs(&o)
	o.State = order.NewState(&o, order.DefaultPolicy(), time.Time{})
	created, err := a.Store.CreateOrder(t.Context(), store.NewOrder{Order: o, Cause: "api:" + sqldb.NewID()})
	require.NoError(t, err)
	return settleFixture{Activities: a, t: t, order: created.Order}
}

// settle settles a cause, or without one looks at the order. It returns the answer as the run gets it.
func (f settleFixture) settle(c *order.Cause, named ...string) dispatch.SettledOrder {
	f.t.Helper()
	out, err := f.Settle(f.t.Context(), dispatch.SettleInput{OrderID: f.order.ID, Cause: c, At: f.Now(), Named: named})
	require.NoError(f.t, err)
	payload, err := dispatch.NewConverter().ToPayload(out)
	require.NoError(f.t, err)
	var got dispatch.SettledOrder
	require.NoError(f.t, dispatch.NewConverter().FromPayload(payload, &got))
	return got
}

// placed is the lab's acceptance of the requisition.
func placed() *order.Cause {
	return &order.Cause{Call: &order.CallOutcome{Kind: order.CallPlace, ID: "p", Answer: order.AnswerDone,
		Accession: "M1"}}
}

// courierMoves stores a courier's report that the kit is on its way. Before the requisition it is parked.
func (f settleFixture) courierMoves(key string) order.Fact {
	f.t.Helper()
	at := f.Now().UTC().Truncate(time.Microsecond)
	got, err := f.Store.StoreInboxItem(f.t.Context(), store.NewInboxItem{
		Partner: "p", DedupKey: key, BodyHash: "h", Kind: "courier", OrderNumber: f.order.Number, Body: []byte("{}"),
		Fact: &order.Fact{Kind: order.FactCourierReport, Leg: "outbound", TargetStatus: lifecycle.TransitCustomer,
			SentAt: at},
		ReceivedAt: at,
	})
	require.NoError(f.t, err)
	return *got.Fact
}

// demand stores a demand of the order.
func (f settleFixture) demand(d order.Demand) order.Demand {
	f.t.Helper()
	d.ID, d.By = sqldb.NewID(), lifecycle.Client
	require.NoError(f.t, f.Store.AddDemand(f.t.Context(),
		store.DemandRow{ID: d.ID, OrderID: f.order.ID, Kind: d.Kind, By: d.By, Request: d}))
	return d
}

// demandState returns the state of a demand.
func (f settleFixture) demandState(id string) (state string, reason order.Reason) {
	f.t.Helper()
	row, err := f.Store.Demand(f.t.Context(), id)
	require.NoError(f.t, err)
	return row.State, row.Reason
}

// causes lists the causes that were recorded, in order.
func (f settleFixture) causes() []string {
	f.t.Helper()
	story, err := f.Store.Story(f.t.Context(), f.order.ID)
	require.NoError(f.t, err)
	var all []string
	for _, d := range story.Decisions {
		all = append(all, d.Cause)
	}
	return all
}

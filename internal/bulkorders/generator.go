package bulkorders

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const (
	teamCount     = 20
	labCount      = 4
	labTestCount  = 16 // four of each modality
	ordersPerUser = 4
)

// TimeSpan is the time from the oldest order to the newest. Orders are spread evenly over it.
const TimeSpan = 2 * 365 * 24 * time.Hour

// generator generates the orders.
type generator struct {
	Options
	teams    []store.Team
	accounts []string
	tests    []order.LabTest
}

func newGenerator(o Options) *generator {
	w := &generator{Options: o}
	r := w.randomFor(0)
	began := o.NewestAt.Add(-TimeSpan)
	for i := range teamCount {
		w.teams = append(w.teams, store.Team{
			ID: newID(r, began), Name: fmt.Sprintf("Generated %d", i+1), Environment: store.Sandbox, TimeZone: "UTC",
			CreatedAt: began,
		})
	}
	for range labCount {
		w.accounts = append(w.accounts, newID(r, began))
	}
	for i := range labTestCount {
		w.tests = append(w.tests, randomLabTest(r, i, began))
	}
	return w
}

// randomFor returns the random source of a part of the data. It does not depend on the order in which parts are
// generated.
func (w *generator) randomFor(part uint64) *rand.Rand {
	return rand.New(rand.NewPCG(w.Seed, part)) //nolint:gosec // the orders have to be reproducible
}

// newID returns an id with the time in it.
func newID(r *rand.Rand, at time.Time) string {
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(at.UnixMilli())<<16|r.Uint64()&0xffff)
	binary.BigEndian.PutUint64(u[8:], r.Uint64())
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u.String()
}

func randomLabTest(r *rand.Rand, n int, at time.Time) order.LabTest {
	lab := n % labCount
	method := lifecycle.Modalities()[n/labCount]
	t := order.LabTest{
		ID: newID(r, at), Slug: fmt.Sprintf("generated-%d", n), Name: fmt.Sprintf("Generated panel %d", n),
		SampleType: "serum", Method: method,
		Status: "active", WorstCaseTATDays: new(7), PanelIDs: []int{n},
		Lab: &order.Lab{
			ID: lab, Slug: fmt.Sprintf("generated-lab-%d", lab), Name: fmt.Sprintf("Generated lab %d", lab),
			FirstLineAddress: "1 Main St",
			City:             "Phoenix", Zipcode: "85004", CollectionMethods: []string{string(method)},
			SampleTypes: []string{"serum"},
		},
	}
	for i := range 8 {
		t.Markers = append(t.Markers, order.Marker{
			ID: int64(n*8 + i), Name: fmt.Sprintf("Marker %d", i), Slug: fmt.Sprintf("marker-%d", i), LabID: &lab,
			Unit:       new("mg/dL"),
			ProviderID: new(fmt.Sprint(1000 + i)),
		})
	}
	return t
}

// userID returns the user of an order. The orders of a user are spread over time.
func (w *generator) userID(n int) string {
	user := n % w.users()
	return newID(w.randomFor(uint64(user)<<1|1<<63), w.NewestAt.Add(-TimeSpan)) //nolint:gosec // not negative
}

func (w *generator) users() int { return max(w.Orders/ordersPerUser, 1) }

// usersOf returns the users whose first order is among the orders from one index to another.
func (w *generator) usersOf(from, to int) (users []store.User) {
	for n := from; n < min(to, w.users()); n++ {
		users = append(users, store.User{
			ID: w.userID(n), TeamID: w.teamOf(n).ID, ClientUserID: fmt.Sprintf("generated-%d", n), CreatedAt: w.createdAt(n),
		})
	}
	return users
}

// teamOf returns the team of an order and of its user.
func (w *generator) teamOf(n int) store.Team {
	user := n % w.users()
	if user%2 == 0 {
		return w.teams[0]
	}
	return w.teams[1+user/2%(teamCount-1)]
}

func (w *generator) createdAt(n int) time.Time {
	return w.NewestAt.Add(-TimeSpan +
		time.Duration(int64(TimeSpan)/int64(w.Orders)*int64(n+1))).UTC().Truncate(time.Microsecond)
}

func (w *generator) newOrders(from, to int) []order.Order {
	all := make([]order.Order, 0, to-from)
	for n := from; n < to; n++ {
		all = append(all, w.newOrder(n))
	}
	return all
}

package simlab

import (
	"encoding/json"
	"errors"
	"time"
)

// maxOrders is the greatest number of orders in memory, and of order numbers without an order.
const maxOrders = 50_000

var errOrderLimit = errors.New("the simulated lab is full")

// The states of an order before and without facts. After a fact, the state is the fact's type.
const (
	stateAccepted  = "accepted"
	stateCancelled = "cancelled"
)

// order is one order at the lab. It holds no patient data.
type order struct {
	sequence    int64
	number      string
	kitID       string
	panels      []int
	outbound    string // tracking number, assigned when the order is accepted
	inbound     string
	labShipsKit bool // otherwise the customer has the kit already

	script          string
	state           string
	shipped         bool
	placedAt        time.Time
	lastFactTime    time.Time            // time of the latest fact
	unsentFactTimes map[string]time.Time // facts that have happened and are sent by a later step, by type
	notifications   []json.RawMessage    // all lab webhooks, each once, whether or not they arrived
	molecularReport *molecularReport
	run             *scriptRun // nil: no script was started

	behaviour       OrderBehaviour
	neutral         *neutralOrder  // nil: the order came by Molecular's protocol
	polledFacts     []polledFact   // facts of the neutral protocol, oldest first
	callCounts      map[string]int // calls that the script counts, by operation
	changeSignal    chan struct{}  // closed at the order's next change; nil: no step waits
	awaitsCondition bool           // the script waits for a condition
}

// changes returns a channel that is closed at the order's next change. The caller holds the mutex.
func (o *order) changes() <-chan struct{} {
	if o.changeSignal == nil {
		o.changeSignal = make(chan struct{})
	}
	return o.changeSignal
}

// notifyChange wakes the step that waits for a change. o may be nil. The caller holds the mutex.
func (o *order) notifyChange() {
	if o != nil && o.changeSignal != nil {
		close(o.changeSignal)
		o.changeSignal = nil
	}
}

// nextFactTime returns the time of a fact that happens now. It is always later than that of the previous fact.
func (o *order) nextFactTime(now time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if earliest := o.lastFactTime.Add(time.Microsecond); now.Before(earliest) {
		now = earliest
	}
	o.lastFactTime = now
	return now
}

// takeFactTime returns when a fact happened: the time of its "happens" step, or now.
func (o *order) takeFactTime(kind string, now time.Time) time.Time {
	at, ok := o.unsentFactTimes[kind]
	if !ok {
		return o.nextFactTime(now)
	}
	delete(o.unsentFactTimes, kind)
	return at
}

// expectedOrder holds what is known about an order number that has no order yet.
type expectedOrder struct {
	script             *Script // nil: the script that the order names
	byName             bool    // the script was set by its name, so it is looked up in the flow of the order
	unavailableAnswers int     // how many PlaceOrder calls were answered 503
	callCounts         map[string]int
	polledFacts        []polledFact
}

// orderBook holds the orders. The server's mutex guards it.
type orderBook struct {
	byNumber     map[string]*order
	byAge        []*order // in the order of acceptance
	lastSequence int64
	kitIDs       map[string]bool
	expected     map[string]*expectedOrder
}

func newOrderBook() *orderBook {
	return &orderBook{byNumber: map[string]*order{}, kitIDs: map[string]bool{}, expected: map[string]*expectedOrder{}}
}

// expectedOrder returns the entry of an order number without an order, and creates it if needed. It returns
// errOrderLimit if there are too many.
func (b *orderBook) expectedOrder(number string) (*expectedOrder, error) {
	if e, ok := b.expected[number]; ok {
		return e, nil
	}
	if len(b.expected) >= maxOrders {
		return nil, errOrderLimit
	}
	e := &expectedOrder{callCounts: map[string]int{}}
	b.expected[number] = e
	return e, nil
}

// callCounts returns the numbers of counted calls about an order number, by operation.
func (b *orderBook) callCounts(number string) (map[string]int, error) {
	if o := b.byNumber[number]; o != nil {
		return o.callCounts, nil
	}
	e, err := b.expectedOrder(number)
	if err != nil {
		return nil, err
	}
	return e.callCounts, nil
}

// dropOldestIfFull removes the oldest order from a full book and returns it. It returns errOrderLimit if the script of
// the oldest order is running. A script that waits for a condition, which may never be met, is cancelled instead.
func (b *orderBook) dropOldestIfFull() (*order, error) {
	if len(b.byAge) < maxOrders {
		return nil, nil
	}
	oldest := b.byAge[0]
	if oldest.run.isRunning() {
		if !oldest.awaitsCondition {
			return nil, errOrderLimit
		}
		oldest.run.cancel()
	}
	b.byAge = b.byAge[1:]
	delete(b.byNumber, oldest.number)
	delete(b.kitIDs, oldest.kitID)
	return oldest, nil
}

// dropOldestOrderIfFull removes the oldest order with its trackers if the lab is full. It returns errOrderLimit if that
// order's script is running. The caller holds the mutex.
func (s *Server) dropOldestOrderIfFull() error {
	dropped, err := s.orders.dropOldestIfFull()
	if err != nil {
		return err
	}
	s.removeTrackers(dropped)
	return nil
}

func (b *orderBook) add(o *order) {
	b.lastSequence++
	o.sequence = b.lastSequence
	b.byNumber[o.number] = o
	if o.kitID != "" {
		b.kitIDs[o.kitID] = true
	}
	b.byAge = append(b.byAge, o)
	o.callCounts = map[string]int{}
	if e := b.expected[o.number]; e != nil {
		o.callCounts, o.polledFacts = e.callCounts, e.polledFacts
	}
	delete(b.expected, o.number)
}

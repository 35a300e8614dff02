package simlab

import (
	"encoding/json"
	"errors"
	"time"
)

// maxOrders bounds the orders, and the scripts kept for orders to come, in memory.
const maxOrders = 50_000

var errOrderLimit = errors.New("the simulated lab is full")

// States of an order at the lab, besides the types of facts, of which an order has that of its latest one.
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
	outbound    string // tracking numbers, printed on the kit when the order is accepted
	inbound     string
	labShipsKit bool // the lab ships the kit

	script          string
	state           string
	shipped         bool
	placedAt        time.Time
	lastFactTime    time.Time            // latest time given to a fact of this order
	unsentFactTimes map[string]time.Time // facts that have happened and are not told yet
	notifications   []json.RawMessage    // every lab webhook that was made, each once, whether it arrived or not
	molecularReport *molecularReport
	run             *scriptRun // nil: no script was started

	behaviour       OrderBehaviour
	neutral         *neutralOrder  // nil: it came by Molecular's protocol
	polledFacts     []polledFact   // facts of the neutral protocol about it, oldest first
	callCounts      map[string]int // calls that its script has something to do with, by operation
	changeSignal    chan struct{}  // closed when something has happened that a step may wait for; nil: none waits
	awaitsCondition bool           // its script waits for a condition
}

// changes is closed at the order's next change. The caller holds the mutex.
func (o *order) changes() <-chan struct{} {
	if o.changeSignal == nil {
		o.changeSignal = make(chan struct{})
	}
	return o.changeSignal
}

// notifyChange wakes what waits for a change. The caller holds the mutex. nil is no order.
func (o *order) notifyChange() {
	if o != nil && o.changeSignal != nil {
		close(o.changeSignal)
		o.changeSignal = nil
	}
}

// nextFactTime returns the time of a fact that happens now, always later than the one before it.
func (o *order) nextFactTime(now time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if earliest := o.lastFactTime.Add(time.Microsecond); now.Before(earliest) {
		now = earliest
	}
	o.lastFactTime = now
	return now
}

// takeFactTime returns when a fact happened: remembered from a "happens" step, or now.
func (o *order) takeFactTime(kind string, now time.Time) time.Time {
	at, ok := o.unsentFactTimes[kind]
	if !ok {
		return o.nextFactTime(now)
	}
	delete(o.unsentFactTimes, kind)
	return at
}

// expectedOrder is what is known of an order number before its order has been accepted.
type expectedOrder struct {
	script             *Script // nil: what the order itself says
	byName             bool    // the script was put by its name, which means the one of the order's own life
	unavailableAnswers int     // PlaceOrder calls answered 503 so far
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

// expectedOrder returns the entry of an order number that has no order yet.
func (b *orderBook) expectedOrder(number string) (*expectedOrder, error) {
	if p, ok := b.expected[number]; ok {
		return p, nil
	}
	if len(b.expected) >= maxOrders {
		return nil, errOrderLimit
	}
	p := &expectedOrder{callCounts: map[string]int{}}
	b.expected[number] = p
	return p, nil
}

// callCounts counts the calls about an order number, by operation.
func (b *orderBook) callCounts(number string) (map[string]int, error) {
	if o := b.byNumber[number]; o != nil {
		return o.callCounts, nil
	}
	p, err := b.expectedOrder(number)
	if err != nil {
		return nil, err
	}
	return p.callCounts, nil
}

// dropOldestIfFull forgets the oldest order if the book is full, and returns it. An order whose script still runs is not forgotten, unless
// it waits for something that may never come.
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

func (b *orderBook) add(o *order) {
	b.lastSequence++
	o.sequence = b.lastSequence
	b.byNumber[o.number] = o
	if o.kitID != "" {
		b.kitIDs[o.kitID] = true
	}
	b.byAge = append(b.byAge, o)
	o.callCounts = map[string]int{}
	if p := b.expected[o.number]; p != nil {
		o.callCounts, o.polledFacts = p.callCounts, p.polledFacts
	}
	delete(b.expected, o.number)
}

package sandbox

import (
	"encoding/json"
	"errors"
	"time"
)

// maxOrders bounds the orders, and the scripts kept for orders to come, in memory.
const maxOrders = 50_000

var errFull = errors.New("the simulated lab is full")

// States of an order at the lab, besides the types of facts, of which an order has that of its latest one.
const (
	stateAccepted  = "accepted"
	stateCancelled = "cancelled"
)

// order is one order at the lab. It holds no patient data.
type order struct {
	sequence int64
	number   string
	kitID    string
	panels   []int
	outbound string // tracking numbers, printed on the kit when the order is accepted
	inbound  string
	fulfil   bool // the lab ships the kit

	script   string
	state    string
	shipped  bool
	placedAt time.Time
	last     time.Time            // latest time given to a fact of this order
	happened map[string]time.Time // facts that have happened and are not told yet
	notices  []json.RawMessage    // every lab webhook that was made, each once, whether it arrived or not
	report   *report
	run      *run // nil: no script was started

	manner  Manner
	neutral *neutralOrder  // nil: it came by Molecular's protocol
	facts   []listedFact   // facts of the neutral protocol about it, oldest first
	tries   map[string]int // calls that its script has something to do with, by operation
	changed chan struct{}  // closed when something has happened that a step may wait for; nil: none waits
	waiting bool           // its script waits for a condition
}

// watch is closed at the order's next change. The caller holds the mutex.
func (o *order) watch() <-chan struct{} {
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.changed
}

// touch wakes what waits for a change. The caller holds the mutex. nil is no order.
func (o *order) touch() {
	if o != nil && o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
}

// stamp returns the time of a fact that happens now, always later than the one before it.
func (o *order) stamp(now time.Time) time.Time {
	now = now.UTC().Truncate(time.Microsecond)
	if earliest := o.last.Add(time.Microsecond); now.Before(earliest) {
		now = earliest
	}
	o.last = now
	return now
}

// occurred returns when a fact happened: remembered from a "happens" step, or now.
func (o *order) occurred(kind string, now time.Time) time.Time {
	at, ok := o.happened[kind]
	if !ok {
		return o.stamp(now)
	}
	delete(o.happened, kind)
	return at
}

// prospect is what is known of an order number before its order has been accepted.
type prospect struct {
	script   *Script // nil: what the order itself says
	named    bool    // the script was put by its name, which means the one of the order's own life
	attempts int     // PlaceOrder calls answered 503 so far
	tries    map[string]int
	facts    []listedFact
}

// orderBook holds the orders. The server's mutex guards it.
type orderBook struct {
	byNumber  map[string]*order
	sequence  []*order // in the order of acceptance
	next      int64
	kitIDs    map[string]bool
	prospects map[string]*prospect
}

func newOrderBook() *orderBook {
	return &orderBook{byNumber: map[string]*order{}, kitIDs: map[string]bool{}, prospects: map[string]*prospect{}}
}

// prospect returns the entry of an order number that has no order yet.
func (b *orderBook) prospect(number string) (*prospect, error) {
	if p, ok := b.prospects[number]; ok {
		return p, nil
	}
	if len(b.prospects) >= maxOrders {
		return nil, errFull
	}
	p := &prospect{tries: map[string]int{}}
	b.prospects[number] = p
	return p, nil
}

// tries counts the calls about an order number, by operation.
func (b *orderBook) tries(number string) (map[string]int, error) {
	if o := b.byNumber[number]; o != nil {
		return o.tries, nil
	}
	p, err := b.prospect(number)
	if err != nil {
		return nil, err
	}
	return p.tries, nil
}

// makeRoom forgets the oldest order if the book is full, and returns it. An order whose script still runs is not forgotten, unless
// it waits for something that may never come.
func (b *orderBook) makeRoom() (*order, error) {
	if len(b.sequence) < maxOrders {
		return nil, nil
	}
	oldest := b.sequence[0]
	if oldest.run.running() {
		if !oldest.waiting {
			return nil, errFull
		}
		oldest.run.cancel()
	}
	b.sequence = b.sequence[1:]
	delete(b.byNumber, oldest.number)
	delete(b.kitIDs, oldest.kitID)
	return oldest, nil
}

func (b *orderBook) add(o *order) {
	b.next++
	o.sequence = b.next
	b.byNumber[o.number] = o
	if o.kitID != "" {
		b.kitIDs[o.kitID] = true
	}
	b.sequence = append(b.sequence, o)
	o.tries = map[string]int{}
	if p := b.prospects[o.number]; p != nil {
		o.tries, o.facts = p.tries, p.facts
	}
	delete(b.prospects, o.number)
}

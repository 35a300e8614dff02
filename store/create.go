package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// NewOrder is an order that is to be created.
type NewOrder struct {
	// Order is complete but for Events, Sequence, Revision, Transaction and UpdatedAt. NewOrderIDs sets its ids, order.Begin its
	// State.
	Order order.Order
	// Demand is the cause of its first event, such as "api:<request id>".
	Demand string
	// Key is the client's idempotency key, claimed before; nil: none. Its answer is stored along with the order.
	Key *IdempotencyKey
	// Answer makes that answer from the order as it was stored. Required with Key.
	Answer func(o *order.Order) (status int, body []byte, err error)
}

// Created is an order that was created.
type Created struct {
	Order     *order.Order
	Endpoints []string   // to be nudged, because something is to be delivered to them
	Matched   []Received // reports that were faster than the order; to be signalled
	Status    int        // the stored answer
	Body      []byte
}

// NewOrderIDs gives an order its ids and its number. An order that joins a transaction keeps that transaction's id.
func NewOrderIDs(o *order.Order) {
	o.ID, o.Number, o.DetailsID = newID(), order.NewNumber(), newID()
	if o.TransactionID == "" {
		o.TransactionID = newID()
	}
}

// CreateOrder stores an order with its first event, the message that tells of it and the answer to the client's request: all of it or
// nothing. The error is ErrConflict when the order, its number or another child of its parent exists, and ErrClaimLost when the
// idempotency key was taken over meanwhile.
func (s *Store) CreateOrder(ctx context.Context, n NewOrder) (*Created, error) {
	if err := n.check(); err != nil {
		return nil, fmt.Errorf("creating an order: %w", err)
	}
	var c *Created
	err := s.inTx(ctx, func(tx *sql.Tx) (err error) {
		if c, err = s.openOrder(ctx, tx, n.Order, n.Demand); err != nil || n.Answer == nil {
			return err
		}
		if c.Status, c.Body, err = n.Answer(c.Order); err != nil || n.Key == nil {
			return err
		}
		return s.storeAnswerTx(ctx, tx, *n.Key, n.Order.ID, c.Status, c.Body)
	})
	if err != nil {
		return nil, fmt.Errorf("creating order %s: %w", n.Order.ID, conflict(err))
	}
	return c, nil
}

func (n NewOrder) check() error {
	o := n.Order
	switch {
	case o.ID == "" || o.Number == "" || o.TransactionID == "" || o.DetailsID == "":
		return errors.New("it has no ids")
	case o.TeamID == "" || o.UserID == "":
		return errors.New("it has no team or no user")
	case o.State.OrderID != o.ID || o.CreatedAt.IsZero():
		return errors.New("its state has not begun")
	case n.Demand == "":
		return errors.New("it has no cause")
	case n.Key != nil && n.Answer == nil:
		return errors.New("there is no answer to store")
	default:
		return nil
	}
}

// conflict turns the violation of a unique key into ErrConflict.
func conflict(err error) error {
	if unique(err) {
		return ErrConflict
	}
	return err
}

// openOrder writes an order with all that its existence brings about, within the caller's transaction.
func (s *Store) openOrder(ctx context.Context, tx *sql.Tx, o order.Order, cause string) (*Created, error) {
	if err := s.insertOrder(ctx, tx, o); err != nil {
		return nil, err
	}
	steps := beginning(o)
	if err := insertEvents(ctx, tx, o.State, cause, steps, 0, o.CreatedAt); err != nil {
		return nil, err
	}
	if err := s.index(ctx, tx, o.ID, termsOf(&o)); err != nil {
		return nil, err
	}
	matched, err := s.match(ctx, tx, waitingForNumber+` AND o.number = $1`, o.Number)
	if err != nil {
		return nil, err
	}
	stored, err := s.order(ctx, tx, "", o.ID)
	if err != nil {
		return nil, err
	}
	endpoints, err := s.tellEach(ctx, tx, *stored, len(steps))
	if err != nil {
		return nil, err
	}
	return &Created{Order: stored, Endpoints: endpoints, Matched: matched},
		recountOrder(ctx, tx, o.ID, counted{}, countedAs(o.Modality, o.State.Status, unfinished(o.State)))
}

// The revision that an order begins with, and the sequence of its first event.
const firstRevision, firstSequence = 1, 1

// beginning is what an order's existence records: that it was ordered and, when it was imported, that it has its requisition.
func beginning(o order.Order) []order.Step {
	steps := []order.Step{{To: lifecycle.Ordered, At: o.CreatedAt}}
	if o.State.Status != lifecycle.Ordered {
		steps = append(steps, order.Step{To: o.State.Status, Detail: o.State.Detail, At: o.CreatedAt})
	}
	return steps
}

func (s *Store) insertOrder(ctx context.Context, tx *sql.Tx, o order.Order) error {
	if err := touchTransaction(ctx, tx, o.TransactionID, o.TeamID, o.CreatedAt); err != nil {
		return err
	}
	next := o.State
	next.Revision, next.Sequence = firstRevision, int64(len(beginning(o)))
	o.State = next
	values, err := s.orderValues(&o, o.CreatedAt, time.Time{})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, insertInto("orders", orderValueColumns), values...)
	if err != nil {
		return fmt.Errorf("writing the order: %w", err)
	}
	return writeAttention(ctx, tx, o.ID, false, next.Attention)
}

// orderValueColumns are the columns of an order that is written whole.
var orderValueColumns = []string{
	"id", "team_id", "user_id", "client_user_id", "transaction_id", "lab_account_id", "details_id", "number", "accession", "sample_id",
	"modality", "registrable", "registered", "imported", "origin", "parent_id", "depth", "status", "detail", "status_at", "sequence",
	"revision", "shipped", "unfinished", "next_deadline", "activate_by", "priority", "billing_type", "creator_member_id", "lab_test",
	"state", "patient", "address", "shipping", "physician", "clinical", "results", "started_at", "created_at", "updated_at",
}

// orderValues are the values of these columns, for an order that has been in its state since changed and whose workflow was started
// then (zero: not yet).
func (s *Store) orderValues(o *order.Order, changed, started time.Time) ([]any, error) {
	c, err := columnsOf(o.State, o.SampleID)
	if err != nil {
		return nil, err
	}
	labTest, err := encode(o.LabTest)
	if err != nil {
		return nil, err
	}
	sealed, err := s.seal(o)
	if err != nil {
		return nil, err
	}
	return []any{
		o.ID, o.TeamID, o.UserID, o.ClientUserID, o.TransactionID, o.LabAccountID, o.DetailsID, o.Number, c.accession, c.sampleID,
		string(o.Modality), o.Registrable, c.registered, o.Imported, string(o.Origin), nullable(o.ParentID), o.Depth, string(c.status),
		string(c.detail), micros(changed), c.sequence, c.revision, c.shipped, c.unfinished, c.nextDeadline, c.activateBy, o.Priority,
		o.BillingType, o.CreatorMemberID, labTest, c.state, sealed.patient, sealed.address, sealed.shipping, sealed.physician,
		sealed.clinical, sealed.results, micros(started), micros(o.CreatedAt), micros(changed),
	}, nil
}

// touchTransaction writes the order transaction, or notes that one of its orders has changed.
func touchTransaction(ctx context.Context, tx *sql.Tx, id, teamID string, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO order_transactions (id, team_id, created_at, updated_at) VALUES ($1, $2, $3, $3)
		ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at`, id, teamID, micros(at))
	if err != nil {
		return fmt.Errorf("writing order transaction %s: %w", id, err)
	}
	return nil
}

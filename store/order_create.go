package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// NewOrder is an order to create.
type NewOrder struct {
	// Order is complete except for Events, Sequence, Revision, Transaction and UpdatedAt. AssignOrderIDs sets its ids, and
	// package order sets its State.
	Order order.Order
	// Cause is the cause of the first event, such as "api:<request id>".
	Cause string
	// IdempotencyKey is the claimed idempotency key of the client's request; nil: none. The answer is stored with the
	// order.
	IdempotencyKey *IdempotencyKey
	// RenderAnswer renders the answer from the stored order. It is required with IdempotencyKey.
	RenderAnswer func(o *order.Order) (status int, body []byte, err error)
}

// CreatedOrder is the result of CreateOrder.
type CreatedOrder struct {
	Order            *order.Order
	EndpointsToNudge []string // they have new deliveries
	AnswerStatus     int      // of the stored answer
	AnswerBody       []byte
}

// AssignOrderIDs sets the ids and the number of an order. An order that joins an order transaction keeps that id.
func AssignOrderIDs(o *order.Order) {
	o.ID, o.Number, o.ModalityPartID = sqldb.NewID(), order.NewNumber(), sqldb.NewID()
	if o.TransactionID == "" {
		o.TransactionID = sqldb.NewID()
	}
}

// CreateOrder stores an order with its first event, the webhook message of the event and the answer to the client's
// request, in one transaction. The error is ErrConflict when the order, its number or another child of its parent
// exists, and ErrClaimLost when the claim on the idempotency key was taken over.
func (s *Store) CreateOrder(ctx context.Context, n NewOrder) (*CreatedOrder, error) {
	if err := n.check(); err != nil {
		return nil, fmt.Errorf("creating an order: %w", err)
	}
	var c *CreatedOrder
	err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		if c, err = s.createOrder(ctx, tx, n.Order, n.Cause); err != nil || n.RenderAnswer == nil {
			return err
		}
		if c.AnswerStatus, c.AnswerBody, err = n.RenderAnswer(c.Order); err != nil || n.IdempotencyKey == nil {
			return err
		}
		return s.storeAnswerTx(ctx, tx, *n.IdempotencyKey, n.Order.ID, c.AnswerStatus, c.AnswerBody)
	})
	if err != nil {
		return nil, fmt.Errorf("creating order %s: %w", n.Order.ID, sqldb.MapUniqueViolation(err))
	}
	return c, nil
}

func (n NewOrder) check() error {
	o := n.Order
	switch {
	case o.ID == "" || o.Number == "" || o.TransactionID == "" || o.ModalityPartID == "":
		return errors.New("it has no ids")
	case o.TeamID == "" || o.UserID == "":
		return errors.New("it has no team or no user")
	case o.State.OrderID != o.ID || o.CreatedAt.IsZero():
		return errors.New("its state has not begun")
	case n.Cause == "":
		return errors.New("it has no cause")
	case n.IdempotencyKey != nil && n.RenderAnswer == nil:
		return errors.New("there is no answer to store")
	default:
		return sqldb.RequireIDs("the id", o.ID, "the transaction", o.TransactionID, "the modality part", o.ModalityPartID,
			"the team", o.TeamID, "the user", o.UserID, "the lab account", o.LabAccountID)
	}
}

// createOrder writes an order and everything that follows from its creation, within the caller's transaction.
func (s *Store) createOrder(ctx context.Context, tx *sql.Tx, o order.Order, cause string) (*CreatedOrder, error) {
	if err := s.insertOrder(ctx, tx, o); err != nil {
		return nil, err
	}
	steps := initialSteps(o)
	if err := insertEvents(ctx, tx, o.State, cause, steps, 0, o.CreatedAt); err != nil {
		return nil, err
	}
	if err := s.addSearchTerms(ctx, tx, o.ID, orderTerms(&o)); err != nil {
		return nil, err
	}
	// The order's workflow settles what came before the order.
	if _, err := s.matchInboxItems(ctx, tx, unmatchedByOrderNumber+` AND o.number = $1`, o.Number); err != nil {
		return nil, err
	}
	stored, err := s.loadOrder(ctx, tx, "", o.ID)
	if err != nil {
		return nil, err
	}
	endpoints, err := s.enqueueEventWebhooks(ctx, tx, *stored, len(steps))
	if err != nil {
		return nil, err
	}
	counted := countKeyOf(o.Modality, o.State.Status, isUnfinished(o.State))
	if err := moveOrderCount(ctx, tx, o.ID, countKey{}, counted); err != nil {
		return nil, err
	}
	return &CreatedOrder{Order: stored, EndpointsToNudge: endpoints}, nil
}

// The revision and the sequence of a new order.
const firstRevision, firstSequence = 1, 1

// initialSteps returns the first events of an order: that it was ordered and, for an imported order, that its
// requisition was created.
func initialSteps(o order.Order) []order.Step {
	steps := []order.Step{{To: lifecycle.Ordered, At: o.CreatedAt}}
	if o.State.Status != lifecycle.Ordered {
		steps = append(steps, order.Step{To: o.State.Status, Detail: o.State.Detail, At: o.CreatedAt})
	}
	return steps
}

func (s *Store) insertOrder(ctx context.Context, tx *sql.Tx, o order.Order) error {
	if err := upsertOrderTransaction(ctx, tx, o.TransactionID, o.TeamID, o.CreatedAt); err != nil {
		return err
	}
	next := o.State
	next.Revision, next.Sequence = firstRevision, int64(len(initialSteps(o)))
	o.State = next
	rows, err := s.orderRows(&o, o.CreatedAt, time.Time{})
	if err != nil {
		return err
	}
	for i, t := range orderTables {
		if _, err := tx.ExecContext(ctx, sqldb.InsertStatement(t.name, t.columns), rows[i]...); err != nil {
			return fmt.Errorf("writing %s: %w", t.name, err)
		}
	}
	return replaceAttentionMarks(ctx, tx, o.ID, false, next.Attention)
}

// upsertOrderTransaction inserts the order transaction, or updates the time of its last change.
func upsertOrderTransaction(ctx context.Context, tx *sql.Tx, id, teamID string, at time.Time) error {
	_, err := tx.ExecContext(ctx,
		`INSERT INTO order_transactions (id, team_id, created_at, updated_at) VALUES ($1, $2, $3, $3)
		ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at`, id, teamID, sqldb.ToMicros(at))
	if err != nil {
		return fmt.Errorf("writing order transaction %s: %w", id, err)
	}
	return nil
}

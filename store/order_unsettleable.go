package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// ErrUnsettleable means that a cause can never be recorded as it is: repeating fails again, on every worker. The cause
// names what does not exist, a rule fails at it, or the database refuses its data.
var ErrUnsettleable = errors.New("the cause cannot be recorded")

var errRulePanicked = errors.New("a rule panicked")

// unsettleable marks the errors that repeating does not help. All other errors may be those of one process or of one
// moment: of its connection, its keys, or a database that is away.
func unsettleable(err error) error {
	permanent := errors.Is(err, errNoInboxRow) || errors.Is(err, errNoResult) || errors.Is(err, errOtherOrder) ||
		errors.Is(err, errRulePanicked) || sqldb.IsRejected(err)
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		permanent = true
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		permanent = true
	}
	if _, ok := errors.AsType[*json.MarshalerError](err); ok { // a time after the year 9999
		permanent = true
	}
	if !permanent || errors.Is(err, ErrNotFound) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnsettleable, err)
}

// decideSafely calls a rule. A panic becomes an error, so that the transaction ends and the order can go on without the
// cause.
func decideSafely(decide func(order.State) *order.Recording, state order.State) (rec *order.Recording, err error) {
	defer func() {
		if p := recover(); p != nil {
			rec, err = nil, fmt.Errorf("%w: %T", errRulePanicked, p)
		}
	}()
	return decide(state), nil
}

package store

import (
	"cmp"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// orderTables are the tables that hold an order, each with one row, and the columns of an inserted row. The other
// tables refer to the first one.
var orderTables = [4]struct {
	name    string
	columns []string
}{
	{"orders", []string{
		"id", "team_id", "user_id", "client_user_id", "transaction_id", "lab_account_id", "details_id", "number",
		"accession", "sample_id", "sample_key", "modality", "registrable", "registered", "imported", "origin", "parent_id",
		"depth",
		"priority", "billing_type", "creator_member_id", "created_at",
	}},
	{"order_progress", []string{
		"order_id", "team_id", "user_id", "modality", "created_at", "status", "detail", "status_at", "sequence",
		"updated_at", "activate_by", "unfinished",
	}},
	{"order_states", []string{"order_id", "revision", "state", "next_deadline", "started_at"}},
	{"order_documents", []string{
		"order_id", "lab_test", "patient", "address", "shipping", "physician", "clinical", "results",
	}},
}

// orderRows returns the values of the rows of orderTables, for an order that got its state at the time changed and
// whose workflow was started at the time started (zero: not yet).
func (s *Store) orderRows(o *order.Order, changed, started time.Time) (rows [len(orderTables)][]any, err error) {
	state, err := stateColumnsOf(o.State, o.CreatedAt)
	if err != nil {
		return rows, err
	}
	labTest, err := encodeJSON(o.LabTest)
	if err != nil {
		return rows, err
	}
	sealed, err := s.sealDocuments(o)
	if err != nil {
		return rows, err
	}
	c := stateCopiesOf(o.State)
	sample := cmp.Or(c.numbers.sampleID, o.SampleID)
	rows[0] = []any{
		o.ID, o.TeamID, o.UserID, o.ClientUserID, o.TransactionID, o.LabAccountID, o.ModalityPartID, o.Number,
		c.numbers.accession, sample, foldNumber(sample), string(o.Modality), o.Registrable,
		c.numbers.registered, o.Imported, string(o.Origin), sqldb.IDOrNull(o.ParentID), o.ReplacementDepth, o.Priority,
		o.BillingType, o.CreatorMemberID, sqldb.ToMicros(o.CreatedAt),
	}
	rows[1] = []any{
		o.ID, o.TeamID, o.UserID, string(o.Modality), sqldb.ToMicros(o.CreatedAt), string(c.progress.status),
		string(c.progress.detail), sqldb.ToMicros(changed), c.progress.sequence, sqldb.ToMicros(changed),
		c.progress.activateBy, c.progress.unfinished,
	}
	rows[2] = []any{o.ID, state.revision, state.state, state.nextDeadline, sqldb.ToMicros(started)}
	rows[3] = []any{
		o.ID, labTest, sealed.patient, sealed.address, sealed.shipping, sealed.physician, sealed.clinical, sealed.results,
	}
	return rows, nil
}

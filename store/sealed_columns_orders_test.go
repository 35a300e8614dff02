package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// tableNames returns the names of all tables from the database's catalogue.
func tableNames(t *testing.T, s *Store) []string {
	t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if s.db.Dialect == sqldb.Postgres {
		query = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'
			AND table_name NOT IN (SELECT partition FROM list_partitions())`
	}
	names, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, query)
	require.NoError(t, err)
	require.Contains(t, names, "orders")
	slices.Sort(names)
	return names
}

func rowCounts(t *testing.T, s *Store) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, table := range tableNames(t, s) {
		n, err := countRows(t.Context(), s.db.Reader, table, sqldb.Where{})
		require.NoError(t, err)
		counts[table] = n
	}
	return counts
}

// nonEmptyTables returns the tables that have rows.
func nonEmptyTables(t *testing.T, s *Store) []string {
	t.Helper()
	counts := rowCounts(t, s)
	maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
	return slices.Sorted(maps.Keys(counts))
}

// No row of any table contains a word about the patient, at whatever point of the order's lifecycle it was stored.
func TestNothingAboutAPatientIsStoredInClear(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		var canaries []string
		canary := func() string {
			c := fmt.Sprintf("Canary%dx", len(canaries))
			canaries = append(canaries, c)
			return c
		}
		team := addTeam(t, s).ID
		addEndpoint(t, s, team)
		key, err := s.ClaimIdempotencyKey(t.Context(), team, route, canary(), "", lease)
		require.NoError(t, err)
		n := newOrder(s, team, func(o *order.Order) {
			o.Patient.FirstName, o.Patient.LastName, o.Patient.Email, o.Patient.Phone = canary(), canary(), canary(), canary()
			o.Address.FirstLine, o.Address.ReceiverName, o.Address.AccessNotes = canary(), canary(), new(canary())
			o.Shipping = &order.ShippingAddress{ReceiverName: canary(), FirstLine: canary(), Phone: canary()}
			o.Physician.LastName = canary()
			o.AoEAnswers[0].Answer, o.ICDCodes = canary(), []string{canary()}
			o.Passthrough, o.ClinicalNotes, o.Notes = new(canary()), new(canary()), new(canary())
		})
		n.IdempotencyKey = key.Claimed
		n.RenderAnswer = func(o *order.Order) (int, []byte, error) { return 200, []byte(o.Patient.FirstName), nil }
		c, err := s.CreateOrder(t.Context(), n)
		require.NoError(t, err)
		fillOrder(t, s, c.Order, canary)
		fillVisit(t, s, addOrderOf(t, s, team, setModality(lifecycle.AtHomePhlebotomy)), canary)
		fillKit(t, s, addOrderOf(t, s, team, setRegistrable), canary)

		// Dates of birth are searched in every spelling that a column could have.
		canaries = append(canaries, "1990-03-01", "19900301", "03/01/1990")
		tables := nonEmptyTables(t, s)
		for _, table := range []string{
			"orders", "order_progress", "order_states", "order_documents", "events", "order_search", "shipments",
			"inbox", "demands", "calls", "results", "messages", "deliveries", "idempotency",
			"appointments", "appointment_events", "appointment_places",
		} {
			require.Contains(t, tables, table, "nothing in it to look at")
		}
		stored := dumpTables(t, s, tables...)
		for _, c := range canaries {
			require.Empty(t, findIgnoringCase(stored, c), "%s is stored in clear", c)
		}

		// Control: the search finds a word that was stored in clear, in either kind of column.
		for table, column := range map[string]string{"orders": "creator_member_id", "order_documents": "clinical"} {
			planted := "Planted-" + column
			_, err = s.db.Writer.ExecContext(t.Context(), `UPDATE `+table+` SET `+column+` = $1`, []byte(planted))
			require.NoError(t, err)
			require.NotEmpty(t, findIgnoringCase(dumpTables(t, s, tables...), planted))
		}
	})
}

// fillOrder stores everything that can contain a word about the patient.
func fillOrder(t *testing.T, s *Store, o *order.Order, canary func() string) {
	t.Helper()
	ctx := t.Context()
	applyRequisitionTaken(t, s, o.ID, "A1")
	applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: "9400100000000000000001",
		InboundNumber: "9400100000000000000002"})
	rejected := labReport(o.Number, order.Fact{Kind: order.FactKitRejected, Recoverable: new(true)})
	rejected.Body, rejected.PartnerReason, rejected.Headers = []byte(canary()), canary(),
		map[string]string{canary(): canary()}
	in, err := s.StoreInboxItem(ctx, rejected)
	require.NoError(t, err)
	recordFact(t, s, o.ID, *in.Fact)

	correction := order.Correction{
		Patient: &order.Patient{FirstName: canary(), LastName: canary(), DOB: o.Patient.DOB},
		Address: &order.Address{FirstLine: canary()}, Note: canary(),
	}
	demand(t, s, o.ID, order.Demand{Kind: order.DemandRecover}, correction)
	require.NoError(t, s.AddDemand(ctx, DemandRow{ID: sqldb.NewID(), OrderID: o.ID, Kind: order.DemandDoNotProcess,
		Body: []byte(canary())}))
	call := sqldb.NewID()
	_, err = s.RecordPartnerCallStart(ctx, PartnerCall{ID: call, OrderID: o.ID, Kind: "place"})
	require.NoError(t, err)
	require.NoError(t, s.RecordPartnerCallEnd(ctx, call, "done", []byte(canary())))

	report := order.LabReport{Status: "final", Interpretation: order.Interpretation(canary()),
		Results: []order.Result{{Text: canary()}}}
	v, _, err := s.StoreLabReport(ctx, o.ID, 1, report, sha256Hex("r"), []byte(canary()), []byte(canary()))
	require.NoError(t, err)
	_, err = recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall("fetch"), ResultID: v.ID},
		func(st order.State) order.Decision {
			d, _ := st.ApplyFetchedResults(order.FetchOutcome{ResultID: v.ID, Changed: true}, s.now())
			return d
		})
	require.NoError(t, err)
	require.Equal(t, report.Interpretation, getOrder(t, s, o.ID).Results.Interpretation)
}

// fillVisit does so for an appointment, including its notes and its location.
func fillVisit(t *testing.T, s *Store, o *order.Order, canary func() string) {
	t.Helper()
	at := func() *order.Location {
		return &order.Location{Name: canary(), FirstLine: canary(), SecondLine: new(canary()), City: canary(),
			Notes: new(canary())}
	}
	id := addBooking(t, s, o.ID, order.DemandRequestAppointment, order.BookingBody{Notes: new(canary()), Location: at()})
	step := stepOfDemand(s, o, id)
	require.NoError(t, s.PutAppointmentLocation(t.Context(), o.ID, step.Appointment.Reference, *at()))
	recordAppointment(t, s, o.ID, id, step)
	for _, kind := range []order.DemandKind{order.DemandBookAppointment, order.DemandCancelAppointment} {
		addBooking(t, s, o.ID, kind, order.BookingBody{Notes: new(canary()), Location: at(), Reason: canary()})
	}
	require.NotNil(t, appointmentOf(t, s, o.ID).Notes)
}

// fillKit does so for the registration of a kit, before and after its outcome.
func fillKit(t *testing.T, s *Store, o *order.Order, canary func() string) {
	t.Helper()
	reg := order.Registration{
		Patient: &order.Patient{
			FirstName: canary(), LastName: canary(), Email: canary(), DOB: order.Date{Year: 1990, Month: time.March, Day: 1},
		},
		Address:   &order.Address{FirstLine: canary()},
		Physician: &order.Physician{LastName: canary()}, Consents: []order.Consent{{Version: canary()}},
		Insurance: json.RawMessage(`{"member_id":"` + canary() + `"}`),
	}
	applyRequisitionTaken(t, s, o.ID, "KIT-1")
	recordRegistration(t, s, o.ID, reg)
	body, err := json.Marshal(reg)
	require.NoError(t, err)
	require.NoError(t, s.AddDemand(t.Context(), DemandRow{ID: sqldb.NewID(), OrderID: o.ID, Kind: order.DemandRegister,
		By: lifecycle.Client, Body: body}))
	require.Equal(t, reg.Insurance, getOrder(t, s, o.ID).Insurance)
}

// findIgnoringCase finds a word whatever its case.
func findIgnoringCase(stored []byte, word string) []byte {
	lower := bytes.ToLower(stored)
	i := bytes.Index(lower, bytes.ToLower([]byte(word)))
	if i < 0 {
		return nil
	}
	return lower[max(0, i-40):min(len(lower), i+len(word)+40)]
}

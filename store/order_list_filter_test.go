package store

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func TestOrdersAreFiltered(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		began := s.now()
		ada := addOrderOf(t, s, team, func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = "Ada", "King" })
		forward(time.Hour)
		tomorrow := order.DateOf(began.AddDate(0, 0, 1))
		later := addOrderOf(t, s, team, func(o *order.Order) {
			o.Patient.FirstName, o.Patient.LastName = "Grace", "King"
			o.ActivateBy, o.State.ActivateBy = &tomorrow, tomorrow.String()
		})
		forward(time.Hour)
		kit := addOrderOf(t, s, team, func(o *order.Order) {
			o.Patient, o.Registrable = nil, true
			o.Shipping = &order.ShippingAddress{ReceiverName: "Stock Room"}
		})
		addOrder(t, s) // of another team
		forward(time.Hour)
		applyRequisitionTaken(t, s, ada.ID, "A1")

		yes, no := true, false
		today := order.DateOf(began)
		for name, tt := range map[string]struct {
			by   OrderQuery
			want []*order.Order
		}{
			"all":          {OrderQuery{}, []*order.Order{kit, later, ada}},
			"oldest first": {OrderQuery{Ascending: true}, []*order.Order{ada, later, kit}},
			"by status": {OrderQuery{ByStatus: true, Statuses: []string{"ordered", "requisition_created"}},
				[]*order.Order{ada, kit, later}},
			"a status": {OrderQuery{Statuses: []string{string(lifecycle.RequisitionCreated)}},
				[]*order.Order{ada}},
			"no status":               {OrderQuery{Statuses: []string{"none"}}, nil},
			"a user":                  {OrderQuery{UserID: later.UserID}, []*order.Order{later}},
			"a transaction":           {OrderQuery{TransactionID: kit.TransactionID}, []*order.Order{kit}},
			"ids":                     {OrderQuery{IDs: []string{ada.ID, kit.ID}}, []*order.Order{kit, ada}},
			"methods":                 {OrderQuery{Methods: []string{string(lifecycle.WalkIn)}}, nil},
			"created since":           {OrderQuery{CreatedSince: began.Add(time.Hour)}, []*order.Order{kit, later}},
			"created until":           {OrderQuery{CreatedUntil: began.Add(time.Hour)}, []*order.Order{later, ada}},
			"updated since":           {OrderQuery{UpdatedSince: began.Add(3 * time.Hour)}, []*order.Order{ada}},
			"updated until":           {OrderQuery{UpdatedUntil: began.Add(time.Hour)}, []*order.Order{later}},
			"scheduled":               {OrderQuery{Scheduled: &yes, Today: today}, []*order.Order{later}},
			"current":                 {OrderQuery{Scheduled: &no, Today: today}, []*order.Order{kit, ada}},
			"a day later":             {OrderQuery{Scheduled: &yes, Today: tomorrow}, nil},
			"a name":                  {OrderQuery{PatientName: "KING"}, []*order.Order{later, ada}},
			"a whole name":            {OrderQuery{PatientName: "king, ada"}, []*order.Order{ada}},
			"a part of a name":        {OrderQuery{PatientName: "kin"}, nil},
			"no name":                 {OrderQuery{PatientName: "..."}, nil},
			"a recipient":             {OrderQuery{RecipientName: "room"}, []*order.Order{kit}},
			"a patient, no recipient": {OrderQuery{RecipientName: "king"}, nil},
			"search a patient":        {OrderQuery{Search: "grace king"}, []*order.Order{later}},
			"search a recipient":      {OrderQuery{Search: "stock room"}, []*order.Order{kit}},
			"search an id":            {OrderQuery{Search: ada.ID}, []*order.Order{ada}},
			"search a user":           {OrderQuery{Search: " " + kit.UserID}, []*order.Order{kit}},
			"search a birth date":     {OrderQuery{Search: "1990-03-01"}, []*order.Order{later, ada}},
			"search for nothing":      {OrderQuery{Search: "1990-03-02"}, nil},
			"critical":                {OrderQuery{Critical: &yes}, nil},
			"not critical":            {OrderQuery{Critical: &no}, []*order.Order{kit, later, ada}},
			"several statuses": {OrderQuery{Statuses: []string{"ordered", "requisition_created", "ordered"}},
				[]*order.Order{kit, later, ada}},
			"several methods": {OrderQuery{Methods: []string{"testkit", "walk_in_test"}, Statuses: []string{"ordered"}},
				[]*order.Order{kit, later}},
			"by patient": {OrderQuery{ByPatient: true, Ascending: true}, []*order.Order{kit, ada, later}},
			"by patient, reversed": {OrderQuery{ByPatient: true, Statuses: []string{"ordered", "lost"}},
				[]*order.Order{later, kit}},
			"names by status": {OrderQuery{ByStatus: true, Ascending: true, Search: "king"}, []*order.Order{later, ada}},
			"a name and a status": {OrderQuery{PatientName: "king", Statuses: []string{"ordered", "lost"}},
				[]*order.Order{later}},
			"a name not critical": {OrderQuery{PatientName: "king", Critical: &no, UpdatedUntil: began.Add(time.Hour)},
				[]*order.Order{later}},
			"a name and an id": {OrderQuery{PatientName: "king", Search: ada.ID}, []*order.Order{ada}},
			"all at once": {OrderQuery{PatientName: "king", UserID: ada.UserID, IDs: []string{ada.ID, later.ID}},
				[]*order.Order{ada}},
		} {
			tt.by.TeamID = team
			got, total, err := s.Orders(t.Context(), tt.by)
			require.NoError(t, err, name)
			require.Equal(t, new(len(tt.want)), total, name)
			var ids, want []string
			for _, o := range got {
				ids = append(ids, o.ID)
			}
			for _, o := range tt.want {
				want = append(want, o.ID)
			}
			if name == "by status" {
				require.ElementsMatch(t, want, ids)
				require.NotEqual(t, ada.ID, ids[1], "between two of one status")
				continue
			}
			require.Equal(t, want, ids, name)
		}
	})
}

// The filter works together with other conditions, and with results that either key has hashed.
func TestCriticalOrdersAreSelectedOrExcluded(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, old *Store) {
		forward := stopClock(old)
		both := reopenWithKeys(t, old, newKeyring(t, newKeyText, oldKey))
		team := addTeam(t, old).ID
		var ids []string
		add := func(s *Store, results *order.ResultSummary) {
			forward(time.Minute)
			o := newOrder(old, team, func(o *order.Order) {
				o.Results, o.UserID = results, team
				o.UpdatedAt = o.CreatedAt
			}).Order
			o.Status = o.State.Status
			require.NoError(t, s.BulkInsertOrders(t.Context(), []order.Order{o}))
			ids = append(ids, o.ID)
		}
		add(old, &order.ResultSummary{Interpretation: order.InterpretationCritical})
		add(old, nil)
		add(both, &order.ResultSummary{Interpretation: order.InterpretationCritical})
		add(both, &order.ResultSummary{Interpretation: order.InterpretationNormal})
		add(old, &order.ResultSummary{Interpretation: order.InterpretationCritical})

		for name, by := range map[string]OrderQuery{
			"alone":     {},
			"a user":    {UserID: team},
			"a status":  {Statuses: []string{"ordered"}},
			"statuses":  {Statuses: []string{"ordered", "completed"}, Methods: []string{"testkit"}},
			"by status": {ByStatus: true, Ascending: true},
			"a name":    {PatientName: "ada"},
			"a search":  {Search: team},
			"a span": {CreatedSince: old.now().Add(-time.Hour), CreatedUntil: old.now(),
				UpdatedSince: old.now().Add(-time.Hour)},
		} {
			by.TeamID = team
			for _, by.Ascending = range []bool{true, false} {
				for critical, want := range map[bool][]string{true: {ids[0], ids[2], ids[4]}, false: {ids[1], ids[3]}} {
					by.Critical = &critical
					got, total, err := both.Orders(t.Context(), by)
					require.NoError(t, err, name)
					require.Equal(t, new(len(want)), total, name)
					var found []string
					for _, o := range got {
						found = append(found, o.ID)
					}
					if !by.Ascending {
						slices.Reverse(found)
					}
					require.Equal(t, want, found, "%s, critical: %t", name, critical)
				}
			}
		}
		no := false
		_, total, err := old.listIDs(t.Context(), old.db.Reader, OrderQuery{TeamID: team, Critical: &no})
		require.NoError(t, err)
		require.Equal(t, new(3), total, "control: one hash is not made by the old key")
	})
}

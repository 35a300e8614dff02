package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// No function of the store finds a row by a text that is not a UUID in its stored form. Both engines answer alike.
func TestATextThatIsNoUUIDIsNotFound(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		o := addOrder(t, s)
		endpoint := addEndpoint(t, s, o.TeamID)
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: o.TeamID, OrderID: o.ID})
		require.NoError(t, s.AddDemand(ctx, DemandRow{ID: sqldb.NewID(), OrderID: o.ID, Kind: order.DemandCancel}))
		for _, text := range []string{
			"nonsense", strings.ToUpper(o.ID), "{" + o.ID + "}", strings.ReplaceAll(o.ID, "-", ""), sqldb.NilID, "' OR 1 = 1",
			strings.Repeat("a", 4000),
		} {
			for name, read := range map[string]func() error{
				"team":           func() error { _, err := s.Team(ctx, text); return err },
				"key":            func() error { _, err := s.APIKey(ctx, text); return err },
				"revoked key":    func() error { return s.RevokeAPIKey(ctx, text) },
				"user":           func() error { _, err := s.User(ctx, o.TeamID, text); return err },
				"user's team":    func() error { _, err := s.User(ctx, text, o.UserID); return err },
				"deleted user":   func() error { return s.DeleteUser(ctx, o.TeamID, text) },
				"insurance":      func() error { _, err := s.LatestInsurance(ctx, o.TeamID, text, true); return err },
				"order":          func() error { _, err := s.Order(ctx, "", text); return err },
				"order's team":   func() error { _, err := s.Order(ctx, text, o.ID); return err },
				"audited order":  func() error { _, err := s.ReadOrderAudited(ctx, o.TeamID, text, AuditRow{}); return err },
				"story":          func() error { _, err := s.Story(ctx, text); return err },
				"state":          func() error { _, err := s.LookAtOrder(ctx, text); return err },
				"transaction":    func() error { _, err := s.TransactionOrders(ctx, o.TeamID, text); return err },
				"appointment":    func() error { _, err := s.Appointment(ctx, o.TeamID, text); return err },
				"result":         func() error { _, err := s.NewestResult(ctx, o.TeamID, text); return err },
				"settings":       func() error { return s.SetSMSEnabled(ctx, o.TeamID, text, true) },
				"demand":         func() error { _, err := s.Demand(ctx, text); return err },
				"call":           func() error { return s.RecordPartnerCallEnd(ctx, text, "done", nil) },
				"inbox item":     func() error { _, err := s.InboxItem(ctx, text); return err },
				"review":         func() error { _, err := s.MatchReview(ctx, o.TeamID, text); return err },
				"review's order": func() error { _, err := s.PrepareReviewAcceptance(ctx, "", text, o.ID); return err },
				"lab account":    func() error { _, err := s.LabAccount(ctx, text); return err },
				"lab test":       func() error { _, err := s.LabTest(ctx, "", text); return err },
				"endpoint":       func() error { _, err := s.Endpoint(ctx, text); return err },
				"message":        func() error { _, err := s.WebhookMessage(ctx, text); return err },
				"sent again":     func() error { _, err := s.ResendWebhookMessage(ctx, text, endpoint); return err },
				"sent to":        func() error { _, err := s.ResendWebhookMessage(ctx, message, text); return err },
				"settled": func() error {
					_, err := s.SettleCause(ctx, text, order.Cause{Deadline: &order.Deadline{}}, time.Now())
					return err
				},
			} {
				require.ErrorIs(t, read(), ErrNotFound, "%s %q", name, text)
			}
			for name, list := range map[string]func() (int, error){
				"orders": func() (int, error) {
					all, _, err := s.Orders(ctx, OrderQuery{TeamID: o.TeamID, UserID: text})
					return len(all), err
				},
				"orders by id": func() (int, error) {
					all, _, err := s.Orders(ctx, OrderQuery{TeamID: o.TeamID, IDs: []string{text}})
					return len(all), err
				},
				"audit": func() (int, error) { all, err := s.AuditLog(ctx, AuditQuery{OrderID: text}); return len(all), err },
				"inbox": func() (int, error) { all, _, err := s.InboxItems(ctx, InboxQuery{OrderID: text}); return len(all), err },
				"keys":  func() (int, error) { all, err := s.APIKeys(ctx, text); return len(all), err },
				"messages": func() (int, error) {
					page, err := s.WebhookMessages(ctx, WebhookMessageQuery{EndpointID: text})
					return len(page.Messages), err
				},
			} {
				n, err := list()
				require.NoError(t, err, "%s %q", name, text)
				require.Zero(t, n, "%s %q", name, text)
			}
		}
		getOrder(t, s, o.ID) // control: the stored form is found
	})
}

// Nothing is written with an id that is not a UUID in its stored form.
func TestATextThatIsNoUUIDIsNotWritten(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		o := addOrder(t, s)
		for _, id := range []string{"", "nonsense", sqldb.NilID, strings.ToUpper(o.ID[:8] + "-abcd" + o.ID[13:])} {
			spoilt := newOrder(s, o.TeamID)
			spoilt.Order.LabAccountID = id
			for name, write := range map[string]func() error{
				"team": func() error { return s.CreateTeam(ctx, Team{ID: id, Environment: Sandbox}) },
				"key": func() error {
					return s.CreateAPIKey(ctx, APIKey{ID: id, TeamID: o.TeamID, Role: RoleClient}, sqldb.NewID())
				},
				"key's team": func() error {
					return s.CreateAPIKey(ctx, APIKey{ID: sqldb.NewID(), TeamID: id, Role: RoleClient}, sqldb.NewID())
				},
				"user":        func() error { return s.CreateUser(ctx, User{ID: id, TeamID: o.TeamID}) },
				"insurance":   func() error { return s.AddInsurance(ctx, o.TeamID, Insurance{ID: id, UserID: o.UserID}) },
				"order":       func() error { _, err := s.CreateOrder(ctx, spoilt); return err },
				"demand":      func() error { return s.AddDemand(ctx, DemandRow{ID: id, OrderID: o.ID}) },
				"lab account": func() error { return s.PutLabAccount(ctx, LabAccount{ID: id, Environment: Sandbox}) },
				"lab test":    func() error { return s.PutLabTest(ctx, "", order.LabTest{ID: id}) },
				"endpoint":    func() error { return s.CreateEndpoint(ctx, Endpoint{ID: id, TeamID: o.TeamID}) },
			} {
				require.ErrorIs(t, write(), sqldb.ErrInvalidID, "%s %q", name, id)
			}
			if id == "" {
				continue
			}
			for name, write := range map[string]func() error{
				"audited order": func() error { return s.AppendAudit(ctx, AuditRow{OrderID: id}) },
				"lab account's team": func() error {
					return s.PutLabAccount(ctx, LabAccount{ID: sqldb.NewID(), TeamID: id, Environment: Sandbox})
				},
				"lab test's team": func() error { return s.PutLabTest(ctx, id, order.LabTest{ID: sqldb.NewID()}) },
			} {
				require.ErrorIs(t, write(), sqldb.ErrInvalidID, "%s %q", name, id)
			}
		}
	})
}

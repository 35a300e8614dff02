package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// WebhookMessageQuery selects webhook messages of the log. Empty fields select all.
type WebhookMessageQuery struct {
	TeamID     string
	OrderID    string
	EndpointID string
	EventType  string
	State      string    // of a delivery, at EndpointID if that is set
	Since      time.Time // the earliest time of creation
	Until      time.Time // created before
	Cursor     string    // WebhookMessagePage.Next of the previous page
	Limit      int       // 1 to 100; 0 means 50
}

// WebhookMessagePage is a page of the message log, newest first.
type WebhookMessagePage struct {
	Messages []WebhookMessageLog
	Next     string // cursor of the next page; empty: there is none
}

// WebhookMessageLog is a webhook message with its deliveries.
type WebhookMessageLog struct {
	WebhookMessage // without the body, unless it was requested
	CreatedAt      time.Time
	Deliveries     []DeliveryLog // by endpoint
}

// WebhookMessages lists one page of the log, without bodies and receivers' responses. The replica may answer, a little
// late.
func (s *Store) WebhookMessages(ctx context.Context, by WebhookMessageQuery) (WebhookMessagePage, error) {
	limit := by.Limit
	if limit < 1 {
		limit = sqldb.DefaultPageSize
	}
	limit = min(limit, sqldb.MaxPageSize)
	var out WebhookMessagePage
	err := s.db.InRecentSnapshot(ctx, func(ctx context.Context, q sqldb.Querier) error {
		where, err := by.where(ctx, q)
		if err != nil {
			return err
		}
		out.Messages, err = sqldb.QueryAll(ctx, q, scanMessageLog, selectMessageLog+where.String()+
			` ORDER BY m.id DESC`+fmt.Sprintf(` LIMIT %d`, limit+1), where.Args...)
		if err != nil {
			return err
		}
		if len(out.Messages) > limit {
			out.Messages = out.Messages[:limit]
			out.Next = out.Messages[limit-1].ID
		}
		return loadDeliveries(ctx, q, out.Messages)
	})
	if err != nil {
		return WebhookMessagePage{}, fmt.Errorf("listing messages: %w", err)
	}
	return out, nil
}

// WebhookMessage reads one message of the log with its body and the beginnings of the receivers' responses. The replica
// may answer, a little late. The error is ErrNotFound when there is none.
func (s *Store) WebhookMessage(ctx context.Context, id string) (WebhookMessageLog, error) {
	var m WebhookMessageLog
	err := s.db.InRecentSnapshot(ctx, func(ctx context.Context, q sqldb.Querier) (err error) {
		if m, err = sqldb.QueryOne(ctx, q, scanMessageLog, selectMessageLog+` WHERE m.id = $1`, id); err != nil {
			return err
		}
		sealed, err := sqldb.QueryOne(ctx, q, sqldb.ScanBytes, `SELECT body FROM messages WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if m.Body, err = s.keys.Open(sealContext("messages", id, "body"), sealed); err != nil {
			return err
		}
		all := []WebhookMessageLog{m}
		if err := loadDeliveries(ctx, q, all); err != nil {
			return err
		}
		m = all[0]
		return s.loadExcerpts(ctx, q, &m)
	})
	if err != nil {
		return WebhookMessageLog{}, fmt.Errorf("reading message %s: %w", id, err)
	}
	return m, nil
}

const selectMessageLog = `SELECT m.id, m.team_id, m.order_id, m.event_type, m.sequence, m.created_at FROM messages m`

func scanMessageLog(row sqldb.Scanner) (m WebhookMessageLog, err error) {
	var created int64
	err = row.Scan(&m.ID, &m.TeamID, sqldb.EmptyIfNull(&m.OrderID), &m.EventType, &m.Sequence, &created)
	m.CreatedAt = sqldb.FromMicros(created)
	return m, err
}

// where returns the condition of the messages m. A condition of time or of an order is one of the id too, so that
// PostgreSQL reads only the partitions of it.
func (by WebhookMessageQuery) where(ctx context.Context, q sqldb.Querier) (f sqldb.Where, err error) {
	for _, by := range [][2]string{{"m.team_id = ?", by.TeamID}, {"m.order_id = ?", by.OrderID},
		{"m.event_type = ?", by.EventType}, {"m.id < ?", by.Cursor}} {
		f.AndIfSet(by[0], by[1])
	}
	if by.EndpointID != "" || by.State != "" {
		delivery := sqldb.Where{Args: f.Args, Terms: []string{"d.message_id = m.id"}}
		delivery.AndIfSet("d.endpoint_id = ?", by.EndpointID)
		delivery.AndIfSet("d.state = ?", by.State)
		f.Args = delivery.Args
		f.AndTerm("EXISTS (SELECT 1 FROM deliveries d" + delivery.String() + ")")
	}
	if !by.Since.IsZero() {
		f.And("m.created_at >= ?", sqldb.ToMicros(by.Since))
	}
	if !by.Until.IsZero() {
		f.And("m.created_at < ?", sqldb.ToMicros(by.Until))
	}
	idsBetween(by.Since, by.Until).restrict(&f, "m.id")
	if by.OrderID != "" {
		ids, err := messageIDs(ctx, q, by.OrderID)
		if err != nil {
			return f, err
		}
		ids.restrict(&f, "m.id")
	}
	return f, nil
}

// IsMessageCursor reports whether a text can be a cursor of the message log: the id of the last message of a page.
func IsMessageCursor(text string) bool { return sqldb.IsID(text) }

// loadDeliveries adds the messages' deliveries and attempts, by two queries.
func loadDeliveries(ctx context.Context, q sqldb.Querier, messages []WebhookMessageLog) error {
	if len(messages) == 0 {
		return nil
	}
	args := make([]any, len(messages))
	for i, m := range messages {
		args[i] = m.ID
	}
	in := ` IN (` + sqldb.Placeholders(1, len(args)) + `)`
	log, err := sqldb.QueryAll(ctx, q, scanDeliveryLog,
		`SELECT m.id, m.event_type, m.sequence, m.created_at, d.endpoint_id, d.state, d.next_attempt_at
		FROM messages m JOIN deliveries d ON d.message_id = m.id
		WHERE m.id`+in+` AND d.message_id`+in+` ORDER BY d.endpoint_id`, args...)
	if err != nil {
		return err
	}
	tries, err := sqldb.QueryAll(ctx, q, scanAttempt,
		selectAttempts+` WHERE a.message_id`+in+` ORDER BY a.round, a.number`,
		args...)
	if err != nil {
		return err
	}
	assignAttempts(log, tries)
	of := map[string][]DeliveryLog{}
	for _, d := range log {
		of[d.MessageID] = append(of[d.MessageID], d)
	}
	for i, m := range messages {
		messages[i].Deliveries = of[m.ID]
	}
	return nil
}

// loadExcerpts reads the beginnings of the receivers' responses to one message.
func (s *Store) loadExcerpts(ctx context.Context, q sqldb.Querier, m *WebhookMessageLog) error {
	type answer struct {
		attempt string
		sealed  []byte
		place   string
	}
	answers, err := sqldb.QueryAll(ctx, q, func(row sqldb.Scanner) (a answer, err error) {
		var endpoint string
		var round, number int
		err = row.Scan(&endpoint, &round, &number, &a.sealed)
		a.attempt, a.place = attemptID(m.ID, endpoint, round, number), excerptSealContext(m.ID, endpoint, round, number)
		return a, err
	}, `SELECT endpoint_id, round, number, excerpt FROM attempts WHERE message_id = $1`, m.ID)
	if err != nil {
		return err
	}
	excerpts := map[string][]byte{}
	for _, a := range answers {
		if excerpts[a.attempt], err = s.keys.Open(a.place, a.sealed); err != nil {
			return err
		}
	}
	for i := range m.Deliveries {
		for j := range m.Deliveries[i].Attempts {
			a := &m.Deliveries[i].Attempts[j]
			a.Excerpt = excerpts[a.ID]
		}
	}
	return nil
}

package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// MessageQuery selects messages of the log. Empty fields select all.
type MessageQuery struct {
	TeamID     string
	OrderID    string
	EndpointID string
	EventType  string
	State      string    // of a delivery, at the endpoint if one is named
	Since      time.Time // when the message was made
	Until      time.Time // before
	Cursor     string    // where the page begins, as MessagePage.Next gave it
	Limit      int       // 1 to 100; 0 means 50
}

// MessagePage is a page of the message log, newest first.
type MessagePage struct {
	Messages []MessageLog
	Next     string // cursor of the next page; empty: this is the last
}

// MessageLog is a message and what became of it.
type MessageLog struct {
	Message    // without the body, unless it was asked for
	CreatedAt  time.Time
	Deliveries []DeliveryLog // by endpoint
}

// Messages lists the log, without bodies and receivers' answers.
func (s *Store) Messages(ctx context.Context, by MessageQuery) (MessagePage, error) {
	limit := by.Limit
	if limit < 1 {
		limit = defaultPageSize
	}
	limit = min(limit, maxPageSize)
	where := by.where()
	var out MessagePage
	err := s.inSnapshot(ctx, func(q querier) (err error) {
		out.Messages, err = collect(ctx, q, scanMessageLog, selectMessageLog+where.String()+
			` ORDER BY m.created_at DESC, m.id DESC`+fmt.Sprintf(` LIMIT %d`, limit+1), where.args...)
		if err != nil {
			return err
		}
		if len(out.Messages) > limit {
			out.Messages = out.Messages[:limit]
			out.Next = cursorOf(out.Messages[limit-1])
		}
		return addDeliveries(ctx, q, out.Messages)
	})
	if err != nil {
		return MessagePage{}, fmt.Errorf("listing messages: %w", err)
	}
	return out, nil
}

// MessageByID reads one message of the log with its body and the beginnings of the receivers' answers. The error is ErrNotFound when
// there is none.
func (s *Store) MessageByID(ctx context.Context, id string) (MessageLog, error) {
	var m MessageLog
	err := s.inSnapshot(ctx, func(q querier) (err error) {
		if m, err = one(ctx, q, scanMessageLog, selectMessageLog+` WHERE m.id = $1`, id); err != nil {
			return err
		}
		sealed, err := one(ctx, q, scanBytes, `SELECT body FROM messages WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if m.Body, err = s.keys.Open(place("messages", id, "body"), sealed); err != nil {
			return err
		}
		all := []MessageLog{m}
		if err := addDeliveries(ctx, q, all); err != nil {
			return err
		}
		m = all[0]
		return s.addExcerpts(ctx, q, &m)
	})
	if err != nil {
		return MessageLog{}, fmt.Errorf("reading message %s: %w", id, err)
	}
	return m, nil
}

const selectMessageLog = `SELECT m.id, m.team_id, m.order_id, m.event_type, m.sequence, m.created_at FROM messages m`

func scanMessageLog(row scanner) (m MessageLog, err error) {
	var created int64
	err = row.Scan(&m.ID, &m.TeamID, &m.OrderID, &m.EventType, &m.Sequence, &created)
	m.CreatedAt = instant(created)
	return m, err
}

func (by MessageQuery) where() filter {
	var f filter
	for _, by := range [][2]string{{"m.team_id = ?", by.TeamID}, {"m.order_id = ?", by.OrderID}, {"m.event_type = ?", by.EventType}} {
		if by[1] != "" {
			f.and(by[0], by[1])
		}
	}
	if by.EndpointID != "" || by.State != "" {
		f.args = append(f.args, by.EndpointID, by.State)
		n := len(f.args)
		f.with(fmt.Sprintf(`EXISTS (SELECT 1 FROM deliveries d WHERE d.message_id = m.id
			AND ($%[1]d = '' OR d.endpoint_id = $%[1]d) AND ($%[2]d = '' OR d.state = $%[2]d))`, n-1, n))
	}
	if !by.Since.IsZero() {
		f.and("m.created_at >= ?", micros(by.Since))
	}
	if !by.Until.IsZero() {
		f.and("m.created_at < ?", micros(by.Until))
	}
	if created, id, ok := parseCursor(by.Cursor); ok {
		f.args = append(f.args, created, id)
		f.with(fmt.Sprintf("(m.created_at, m.id) < ($%d, $%d)", len(f.args)-1, len(f.args)))
	}
	return f
}

func cursorOf(m MessageLog) string { return strconv.FormatInt(micros(m.CreatedAt), 10) + "." + m.ID }

// CheckCursor reports whether a text can be a cursor of the message log.
func CheckCursor(text string) bool {
	_, _, ok := parseCursor(text)
	return ok
}

func parseCursor(text string) (created int64, id string, ok bool) {
	at, id, found := strings.Cut(text, ".")
	created, err := strconv.ParseInt(at, 10, 64)
	return created, id, found && err == nil
}

// addDeliveries adds the messages' deliveries and their attempts, in two queries.
func addDeliveries(ctx context.Context, q querier, messages []MessageLog) error {
	if len(messages) == 0 {
		return nil
	}
	args := make([]any, len(messages))
	for i, m := range messages {
		args[i] = m.ID
	}
	in := ` IN (` + placeholders(1, len(args)) + `)`
	log, err := collect(ctx, q, scanDeliveryLog, `SELECT m.id, m.event_type, m.sequence, m.created_at, d.endpoint_id, d.state, d.next_attempt_at
		FROM messages m JOIN deliveries d ON d.message_id = m.id WHERE m.id`+in+` ORDER BY d.endpoint_id`, args...)
	if err != nil {
		return err
	}
	tries, err := collect(ctx, q, scanTry, selectTries+` WHERE a.message_id`+in+` ORDER BY a.round, a.number`, args...)
	if err != nil {
		return err
	}
	allot(log, tries)
	of := map[string][]DeliveryLog{}
	for _, d := range log {
		of[d.MessageID] = append(of[d.MessageID], d)
	}
	for i, m := range messages {
		messages[i].Deliveries = of[m.ID]
	}
	return nil
}

// addExcerpts opens what the receivers of one message answered.
func (s *Store) addExcerpts(ctx context.Context, q querier, m *MessageLog) error {
	type answer struct {
		attempt string
		sealed  []byte
		place   string
	}
	answers, err := collect(ctx, q, func(row scanner) (a answer, err error) {
		var endpoint string
		var round, number int
		err = row.Scan(&endpoint, &round, &number, &a.sealed)
		a.attempt, a.place = attemptID(m.ID, endpoint, round, number), excerptPlace(m.ID, endpoint, round, number)
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

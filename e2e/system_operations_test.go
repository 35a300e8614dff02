package e2e

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

// opsView is the part of operations' view of an order that the tests read.
type opsView struct {
	Order      orderView         `json:"order"`
	Number     string            `json:"order_number"`
	Accession  string            `json:"accession_number"`
	FullStatus string            `json:"full_status"`
	Attention  []order.Attention `json:"attention"`
	Deadlines  []order.Deadline  `json:"deadlines"`
}

func (o opsView) attention() []string {
	out := make([]string, len(o.Attention))
	for i, a := range o.Attention {
		out[i] = string(a.Reason)
	}
	return out
}

func (o opsView) deadlines() []string {
	out := make([]string, len(o.Deadlines))
	for i, d := range o.Deadlines {
		out[i] = string(d.Name)
	}
	return out
}

// inboxView is the part of an inbox item that the tests read.
type inboxView struct {
	ID          string      `json:"id"`
	Partner     string      `json:"partner"`
	Kind        string      `json:"kind"`
	OrderNumber string      `json:"order_number"`
	Tracking    string      `json:"tracking"`
	OrderID     string      `json:"order_id"`
	State       string      `json:"state"`
	Code        string      `json:"code"`
	Deliveries  int         `json:"deliveries"`
	Fact        *order.Fact `json:"fact"`
	ReceivedAt  time.Time   `json:"received_at"`
	Body        string      `json:"body"`
	Reason      string      `json:"reason"`
}

// storyView is the part of an order's story that the tests read.
type storyView struct {
	Events []struct {
		Sequence   int64     `json:"sequence"`
		Status     string    `json:"status"`
		Implied    bool      `json:"implied"`
		OccurredAt time.Time `json:"occurred_at"`
	} `json:"events"`
	Facts   []inboxView `json:"facts"`
	Demands []struct {
		Kind  string `json:"kind"`
		State string `json:"state"`
	} `json:"demands"`
	Calls []struct {
		Kind    string `json:"kind"`
		Outcome string `json:"outcome"`
	} `json:"calls"`
	StartedAt   *time.Time `json:"started_at"`
	Transaction struct {
		Status string `json:"status"`
		Orders []struct {
			ID       string `json:"id"`
			Status   string `json:"status"`
			Origin   string `json:"origin"`
			ParentID string `json:"parent_id"`
		} `json:"orders"`
	} `json:"transaction"`
}

// outcomes lists the outcomes of the calls of a kind.
func (y storyView) outcomes(kind string) []string {
	var out []string
	for _, c := range y.Calls {
		if c.Kind == kind {
			out = append(out, c.Outcome)
		}
	}
	return out
}

func (s *system) opsOrder(id string) opsView {
	s.t.Helper()
	return decodeSuccess[opsView](s, s.callAsOperations(http.MethodGet, "/ops/orders/"+id, nil))
}

func (s *system) story(id string) storyView {
	s.t.Helper()
	return decodeSuccess[storyView](s, s.callAsOperations(http.MethodGet, "/ops/orders/"+id+"/story", nil))
}

// inboxItem reads an inbox item with its original body.
func (s *system) inboxItem(id string) inboxView {
	s.t.Helper()
	return decodeSuccess[inboxView](s, s.callAsOperations(http.MethodGet, "/ops/inbox/"+id, nil))
}

// inboxByState lists the newest inbox items in a state.
func (s *system) inboxByState(state string) []inboxView {
	s.t.Helper()
	page := decodeSuccess[struct {
		Items []inboxView `json:"items"`
		Total int         `json:"total"`
	}](s, s.callAsOperations(http.MethodGet, "/ops/inbox?size=100&state="+state, nil))
	require.Len(s.t, page.Items, page.Total, "more than one page")
	return page.Items
}

// decodeSuccess requires a successful response and decodes it.
func decodeSuccess[T any](s *system, r apiAnswer) T {
	s.t.Helper()
	require.Equal(s.t, http.StatusOK, r.Status, "%s", r.Body)
	var v T
	r.decode(s, &v)
	return v
}

// sendOperationsDemand sends a demand as operations and decodes the response.
func (s *system) sendOperationsDemand(id, what string, body any) (out opsView, childID string) {
	s.t.Helper()
	a := decodeSuccess[struct {
		Order   opsView `json:"order"`
		ChildID string  `json:"child_id"`
	}](s, s.callAsOperations(http.MethodPost, "/ops/orders/"+id+"/"+what, body))
	return a.Order, a.ChildID
}

// awaitAttention waits until the order has exactly these attention marks.
func (s *system) awaitAttention(id string, reasons ...string) opsView {
	s.t.Helper()
	var o opsView
	s.await(func() bool {
		o = s.opsOrder(id)
		return strings.Join(o.attention(), " ") == strings.Join(reasons, " ")
	}, "order %s does not have attention %v", id, reasons)
	return o
}

// await waits until a condition is true.
func (s *system) await(condition func() bool, message string, args ...any) {
	s.t.Helper()
	require.Eventually(s.t, condition, timeout, 50*time.Millisecond, append([]any{message}, args...)...)
}

// lowStatuses returns the order's statuses without the parts that are the same for all testkits.
func (o orderView) lowStatuses() string {
	out := make([]string, len(o.Events))
	for i, e := range o.Events {
		out[i] = e.Status[strings.LastIndex(e.Status, ".")+1:]
	}
	return strings.Join(out, " ")
}

// awaitEvents waits until the order has exactly these events, and checks that each has a webhook.
func (s *system) awaitEvents(id, lows string) orderView {
	s.t.Helper()
	var o orderView
	s.await(func() bool {
		o = s.order(id)
		return len(o.Events) >= len(strings.Fields(lows))
	}, "order %s did not get to %s", id, lows)
	require.Equal(s.t, lows, o.lowStatuses())
	s.requireWebhooks(id)
	return o
}

// requireWebhooks waits for a webhook for every event of the order. Each has its own envelope and shows the order after
// that event.
func (s *system) requireWebhooks(id string) {
	s.t.Helper()
	hooks := s.awaitWebhooks(id)
	o := s.order(id)
	require.Equal(s.t, int64(len(o.Events)), o.Sequence)
	for i, e := range o.Events {
		n := int64(i + 1)
		require.Equal(s.t, n, e.ID, "sequence has a gap")
		require.Equal(s.t, e.Status, hooks[n].Status)
		want := "labtest.order.updated"
		if n == 1 {
			want = "labtest.order.created"
		}
		require.Equal(s.t, want, hooks[n].EventType)
	}
}

// putScript replaces the order's script at the lab.
func (s *system) putScript(id string, script any) {
	s.t.Helper()
	s.callLab(http.MethodPut, "/sandbox/orders/"+s.labOrderNumber(id)+"/script", script)
}

// sendFact has the lab or the courier send a fact immediately.
func (s *system) sendFact(id, kind string, more ...any) {
	s.t.Helper()
	body := map[string]any{"type": kind}
	for i := 0; i < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	answered := struct {
		Status int `json:"status"`
	}{}
	s.callLab(http.MethodPost, "/sandbox/orders/"+s.labOrderNumber(id)+"/facts", body).decode(s, &answered)
	require.Equal(s.t, http.StatusOK, answered.Status)
}

// putResults puts results at the lab.
func (s *system) putResults(id string, body any) {
	s.t.Helper()
	s.callLab(http.MethodPut, "/sandbox/orders/"+s.labOrderNumber(id)+"/results", body)
}

// placeAndAwait creates an order and waits until the lab has it.
func (s *system) placeAndAwait() string {
	s.t.Helper()
	id := s.placeOrder(nil)
	s.awaitStatus(id, "received.testkit.requisition_created")
	return id
}

// storedOrder reads the order from the store.
func (s *system) storedOrder(id string) *order.Order {
	s.t.Helper()
	o, err := s.store.Order(context.Background(), "", id)
	require.NoError(s.t, err)
	return o
}

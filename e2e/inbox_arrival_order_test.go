package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// kitHistory returns the facts of a lab about a kit that it rejected and could test later. Each fact has its own time.
// A second shipment fact corrects the tracking numbers of the first.
func (s *system) kitHistory(number string, began time.Time) [][]byte {
	at := func(n int) string {
		return began.Add(time.Duration(n) * time.Millisecond).Format("2006-01-02T15:04:05.000000Z")
	}
	shipped := func(n int, outbound string) map[string]any {
		return map[string]any{"outbound": outbound, "inbound": "9400100000000000000017", "shipped_datetime": at(n)}
	}
	facts := []struct {
		kind, info string
		body       map[string]any
	}{
		{"kit_shipped", "ship_info", shipped(1, "9400100000000000000000")},
		{"kit_shipped", "ship_info", shipped(2, "9400100000000000000024")},
		{"kit_received", "rcvd_info", map[string]any{"received_datetime": at(3)}},
		{"kit_rejected", "rej_info", map[string]any{"rejected_datetime": at(4), "rejected_reason": "Pending review",
			"recoverable": true}},
		{"report_ready", "report_ready_info", map[string]any{"report_sent_datetime": at(5)}},
	}
	out := make([][]byte, len(facts))
	for i, f := range facts {
		body, err := json.Marshal(map[string]any{"order_number": number, "accession_number": "", "type": f.kind,
			f.info: f.body})
		require.NoError(s.t, err)
		out[i] = body
	}
	return out
}

// TestTheOrderOfArrivalDoesNotMatter sends the lab's facts of one history several times, in random order, and several
// at a time. Every order ends with the same status, the newest shipment and the results, and every fact is in the
// inbox.
func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s := newSystem(t, options{workers: 2})
	for n := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, n))
		t.Run(fmt.Sprint(n), func(t *testing.T) { t.Parallel(); s.forSubtest(t).deliverInRandomOrder(random) })
	}
}

func (s *system) deliverInRandomOrder(random *rand.Rand) {
	began := time.Now().UTC()
	id := s.placeAndAwait()
	s.putResults(id, map[string]any{})
	facts := s.kitHistory(s.labOrderNumber(id), began.Add(time.Second).UTC())
	sent := slices.Clone(facts)
	for range random.IntN(4) {
		sent = append(sent, facts[random.IntN(len(facts))])
	}
	random.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
	for len(sent) > 0 {
		n := min(1+random.IntN(3), len(sent)) // sent at the same time
		next := make(chan []byte, n)
		for _, body := range sent[:n] {
			next <- body
		}
		for _, r := range callConcurrently(n, func() apiAnswer { return s.labWebhook(<-next) }) {
			require.Equal(s.t, http.StatusOK, r.Status, "%s", r.Body)
		}
		sent = sent[n:]
	}
	s.awaitStatus(id, "completed.testkit.completed")
	s.await(func() bool {
		for _, f := range s.story(id).Facts {
			if f.State != "applied" && f.State != "late" {
				return false
			}
		}
		return true
	}, "order %s has inbox items that are not resolved", id)

	o := s.order(id)
	require.Equal(s.t, "completed.testkit.completed", o.LastEvent.Status, "a late report takes nothing back")
	s.requireWebhooks(id)
	require.Len(s.t, s.story(id).Facts, len(facts))
	require.Equal(s.t, "9400100000000000000024", s.storedOrder(id).Shipment.Outbound.Number)
	require.Equal(s.t, http.StatusOK, s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil).Status)
	s.awaitAttention(id)
}

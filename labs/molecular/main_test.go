package molecular_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user     = "practice-9"
	token    = "5f0c2a52-7a0e-4a53-9f5a-3d9f6f2f8a11"
	number   = "K7Q2M9XW4T1B8C5D"
	settings = `{"physicians": {"AZ": 5501, "WA": 5502},
		"endpoints": {"results": "/Results", "order_info": "/OrderInfo", "notifications": "/Notifications",
		"cancel": "/CancelOrder"}}`
	placingOnlySettings = `{"default_physician": 5500}`
)

var now = time.Date(2026, 3, 2, 10, 0, 0, 123456000, time.UTC)

func clock() time.Time { return now }

// lab is a server that stores the requests it gets.
type lab struct {
	*httptest.Server

	mu       sync.Mutex
	requests []receivedRequest
}

type receivedRequest struct {
	Method, Path, Query string
	Header              http.Header
	Body                string
}

func newLab(t *testing.T, handler http.HandlerFunc) *lab {
	t.Helper()
	l := &lab{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		l.mu.Lock()
		l.requests = append(l.requests, receivedRequest{r.Method, r.URL.Path, r.URL.RawQuery, r.Header, string(body)})
		l.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *lab) received() []receivedRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]receivedRequest(nil), l.requests...)
}

func (l *lab) paths() []string {
	var paths []string
	for _, r := range l.received() {
		paths = append(paths, r.Method+" "+r.Path)
	}
	return paths
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func account(baseURL, settings string) labs.Account {
	return labs.Account{
		ID: "acc-1", Partner: "molecular", BaseURL: baseURL, User: user, Token: token,
		Settings: []byte(settings), Environment: labs.Sandbox,
	}
}

func newClient(t *testing.T, a labs.Account, o labs.Options) *molecular.Client {
	t.Helper()
	if o.Now == nil {
		o.Now = clock
	}
	client, err := molecular.New(a, o)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// newFullClient returns a client of a server, with all calls configured.
func newFullClient(t *testing.T, l *lab) *molecular.Client {
	t.Helper()
	return newClient(t, account(l.URL, settings), labs.Options{})
}

func requisition() labs.Requisition {
	second := "Unit 4"
	return labs.Requisition{
		OrderNumber: number,
		Order: &order.Order{
			Modality: lifecycle.Testkit,
			Patient: &order.Patient{
				FirstName: "Ines", LastName: "Okafor", DOB: order.Date{Year: 1988, Month: time.November, Day: 30},
				Gender: "female", Phone: "+12535550142", Email: "ines@example.org",
			},
			Address: &order.Address{
				ReceiverName: "Front Desk", FirstLine: "77 Elm Ct", SecondLine: &second, City: "Tacoma", State: "WA",
				Zip: "98402", Country: "US",
			},
			LabTest:   order.LabTest{PanelIDs: []int{101}},
			CreatedAt: now.Add(-time.Hour),
		},
	}
}

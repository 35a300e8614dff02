package e2e

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// atOnceDefault is how many tests run at the same time without -parallel. It is larger than the number of processors,
// because the tests mostly wait for deadlines, timeouts and pauses.
const atOnceDefault = "5"

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", atOnceDefault); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		printUnanswered(os.Stdout)
		if err := errors.Join(removePrograms(), migratedPostgres.Drop()); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}))
}

// engines runs a test on both databases.
func engines(t *testing.T, test func(t *testing.T, o options)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, options{}) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, options{postgres: true}) })
}

func TestATestkitOrderFromPostToResults(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.playScripts = true
		s := newSystem(t, o)
		id := s.placeOrder(map[string]any{"passthrough": "sandbox:happy"})
		got := s.awaitStatus(id, "completed.testkit.completed")
		require.Equal(t, []string{
			"received.testkit.ordered",
			"received.testkit.requisition_created",
			"collecting_sample.testkit.transit_customer",
			"collecting_sample.testkit.out_for_delivery",
			"collecting_sample.testkit.with_customer",
			"collecting_sample.testkit.transit_lab",
			"sample_with_lab.testkit.delivered_to_lab",
			"completed.testkit.completed",
		}, got.statuses())
		hooks := s.awaitWebhooks(id)
		for i, status := range got.statuses() {
			require.Equal(t, status, hooks[int64(i+1)].Status)
		}
		require.Equal(t, "labtest.order.created", hooks[1].EventType)
		require.Equal(t, "labtest.order.updated", hooks[2].EventType)
		r := s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil)
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	})
}

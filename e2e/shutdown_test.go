package e2e

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// freeAddress returns a free address on this machine.
func freeAddress(t testing.TB) string {
	t.Helper()
	port, err := childprocess.FreePort(t.Context())
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// readyStatus returns the status of a process's readiness check, or 0 if the process does not respond.
func readyStatus(t *testing.T, address string) int {
	t.Helper()
	res, err := uncheckedClient.Get("http://" + address + "/readyz")
	if err != nil {
		return 0
	}
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// slowOrder sends the first half of a request for an order. finish sends the rest and returns the status of the
// response.
func (s *system) slowOrder(address string) (finish func() (int, error)) {
	s.t.Helper()
	body, err := json.Marshal(s.orderBody(nil))
	require.NoError(s.t, err)
	sent, rest := io.Pipe()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://"+address+"/v3/order", sent)
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-vital-api-key", s.key)
	req.Header.Set("Expect", "100-continue") // the handler reads the body before it is sent
	patient := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: timeout}}
	s.t.Cleanup(patient.CloseIdleConnections)
	type result struct {
		status int
		err    error
	}
	done := make(chan result, 1)
	go func() {
		res, err := patient.Do(req)
		if err != nil {
			done <- result{err: err}
			return
		}
		done <- result{res.StatusCode, res.Body.Close()}
	}()
	half := len(body) / 2
	_, err = rest.Write(body[:half])
	require.NoError(s.t, err)
	return func() (int, error) {
		_, _ = rest.Write(body[half:]) // the connection may be closed
		_ = rest.Close()
		r := <-done
		return r.status, r.err
	}
}

// TestAStoppingAPIFinishesItsRequests shows that after a SIGTERM the API first reports that it is not ready, then
// accepts no more connections, and ends when all started requests have their responses.
func TestAStoppingAPIFinishesItsRequests(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	binary, at := buildAliquot(t), freeAddress(t)
	p := s.startCommand(binary, "api", "ALIQUOT_API_ADDR="+at, "ALIQUOT_DRAIN_DELAY=2s", "ALIQUOT_STOP_TIMEOUT=60s")
	s.await(func() bool { return readyStatus(t, at) == http.StatusOK }, "the API is not ready")
	finish := s.slowOrder(at)

	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	s.await(func() bool { return readyStatus(t, at) == http.StatusServiceUnavailable }, "the API stays ready")
	r := s.request(http.MethodGet, "http://"+at+"/v3/lab_tests", nil, "x-vital-api-key", s.key)
	require.Equal(t, http.StatusOK, r.Status, "who has not noticed yet is served")
	s.await(func() bool { return readyStatus(t, at) == 0 }, "the API still takes connections")
	status, err := finish()
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, p.cmd.Wait(), "%s", p.logs)
}

// TestAStoppingAPIWaitsNoLongerThanItMay is the control: a request that is not finished in time is cut off, and the
// process reports that.
func TestAStoppingAPIWaitsNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	binary, at := buildAliquot(t), freeAddress(t)
	p := s.startCommand(binary, "api", "ALIQUOT_API_ADDR="+at, "ALIQUOT_DRAIN_DELAY=0s", "ALIQUOT_STOP_TIMEOUT=1s")
	s.await(func() bool { return readyStatus(t, at) == http.StatusOK }, "the API is not ready")
	finish := s.slowOrder(at)

	began := time.Now()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.Error(t, p.cmd.Wait())
	require.Less(t, time.Since(began), 15*time.Second)
	require.Contains(t, p.logs.String(), "were cut off")
	_, err := finish()
	require.Error(t, err)
}

// TestAStoppingWorkerFinishesItsCalls shows that a stopping worker finishes its current call. A call that waits for its
// turn holds no worker; another worker makes it.
func TestAStoppingWorkerFinishesItsCalls(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workers: noWorkers, spacing: 20 * time.Second})
	binary, at := buildAliquot(t), freeAddress(t)
	p := s.startProcess(binary, "ALIQUOT_METRICS="+at, "ALIQUOT_STOP_TIMEOUT=60s")
	s.await(func() bool { return readyStatus(t, at) == http.StatusOK }, "the worker is not ready")
	calling := s.placeOrder(map[string]any{"activate_by": day(3)})
	s.putScript(calling, map[string]any{"place": map[string]any{"hold": "8s"}, "steps": []any{}})
	require.Equal(t, http.StatusOK, s.callAsClient(http.MethodPatch, "/v3/order/"+calling,
		map[string]any{"activate_by": nil}).Status)
	s.await(func() bool { return len(s.lab.Traffic().CallsFor(s.labOrderNumber(calling))) > 0 }, "the lab was not called")
	waiting := s.placeOrder(nil)
	s.await(func() bool { return len(s.failures(waiting)) == 1 }, "the second order does not wait for its turn")

	late := slices.Contains(s.story(calling).outcomes("place"), "done") // on a busy machine, so that nothing is to finish
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if !late {
		s.await(func() bool { return readyStatus(t, at) == http.StatusServiceUnavailable }, "the worker stays ready")
	}
	require.NoError(t, p.cmd.Wait(), "%s", p.logs)
	require.Equal(t, []string{"done"}, s.story(calling).outcomes("place"))
	require.Empty(t, s.story(waiting).outcomes("place"), "a call that was not made is no attempt")
	require.Empty(t, s.lab.Traffic().CallsFor(s.labOrderNumber(waiting)))

	s.startProcess(binary)
	for _, id := range []string{calling, waiting} {
		s.awaitStatus(id, "received.testkit.requisition_created")
		require.Len(t, s.lab.Traffic().CallsFor(s.labOrderNumber(id)), 1)
	}
	require.NotContains(t, p.logs.String(), "timed out")
}

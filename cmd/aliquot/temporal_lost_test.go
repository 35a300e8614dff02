package main

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
	"github.com/aliquot-labs/aliquot/worker"
)

// lacks reports whether the namespace lacks search attributes of orders; true as well while Temporal does not answer.
func (m *managed) lacks(t *testing.T, c client.Client) bool {
	t.Helper()
	lacks, err := worker.LacksAttributes(t.Context(), c, m.namespace)
	return lacks || err != nil
}

// loseAttributes removes the search attributes and the schedules of a namespace.
func (m *managed) loseAttributes(t *testing.T, c client.Client) {
	t.Helper()
	_, err := c.OperatorService().RemoveSearchAttributes(t.Context(), &operatorservice.RemoveSearchAttributesRequest{
		Namespace: m.namespace, SearchAttributes: []string{dispatch.AttrStatus.GetName(), dispatch.AttrTeam.GetName()}})
	require.NoError(t, err)
	require.NoError(t, c.ScheduleClient().GetHandle(t.Context(), "reconcile-minute").Delete(t.Context()))
	require.True(t, m.lacks(t, c), "the control")
}

// A namespace that loses its search attributes gets them again from a worker that runs.
func TestAWorkerPutsSearchAttributesBack(t *testing.T) {
	t.Parallel()
	m := newManaged(t, nil, func(temporaltest.Call) error { return nil })
	w := m.start(t, "worker")
	w.awaitReady(t)
	direct := m.dial(t)
	m.loseAttributes(t, direct)
	w.await(t, "they are not put back", func() bool { return !m.lacks(t, direct) })
	w.await(t, "the schedule is not put back", func() bool {
		_, err := direct.ScheduleClient().GetHandle(t.Context(), "reconcile-minute").Describe(t.Context())
		return err == nil
	})
	require.Contains(t, w.output(), "Temporal has lost the search attributes")
	require.NoError(t, reconcile(t, direct, setupPatience))
}

// A worker that may not put them back ends. When it is started again, it says what an administrator has to do.
func TestAWorkerThatMayNotPutThemBackEnds(t *testing.T) {
	t.Parallel()
	m := newManaged(t, nil, func(temporaltest.Call) error { return nil })
	w := m.start(t, "worker")
	w.awaitReady(t)
	m.proxy.Refuse(func(c temporaltest.Call) error {
		if strings.HasSuffix(c.Method, "/ListSearchAttributes") {
			return nil
		}
		return temporaltest.AdministrativeCalls(codes.PermissionDenied)(c)
	})
	m.loseAttributes(t, m.dial(t))
	require.Error(t, w.cmd.Wait())
	require.Contains(t, w.output(), "the worker cannot continue")
	require.Contains(t, w.output(), "temporal operator search-attribute create --namespace "+m.namespace)
}

// In the namespace default, which a new server has by itself, nothing tells a worker that Temporal has lost its data.
func TestAWorkerInTheDefaultNamespaceOutlivesTheLossOfTemporalsData(t *testing.T) {
	t.Parallel()
	server := temporaltest.Start(t, temporaltest.Options{})
	m := newManaged(t, nil, func(temporaltest.Call) error { return nil })
	m.server, m.namespace = server, "default"
	m.environ = append(m.environ, "ALIQUOT_TEMPORAL="+server.Address, "ALIQUOT_TEMPORAL_NAMESPACE=default")
	w := m.start(t, "worker")
	w.awaitReady(t)
	server.Kill(t)
	_, port, err := net.SplitHostPort(server.Address)
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	m.server = temporaltest.Start(t, temporaltest.Options{Port: number})
	direct := m.dial(t)
	w.await(t, "the search attributes are not put back", func() bool { return !m.lacks(t, direct) })
	require.NoError(t, reconcile(t, direct, setupPatience))
}

package temporaltest_test

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
)

const queue = "greetings"

var status = temporal.NewSearchAttributeKeyKeyword("OrderStatus")

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func greet(ctx workflow.Context, name string) (string, error) {
	err := workflow.UpsertTypedSearchAttributes(ctx, status.ValueSet("greeted"))
	return "hello " + name, err
}

func TestNamespaceRunsWorkflows(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	addStatus(t, c, namespace)
	serve(t, c)

	require.Equal(t, "hello world", run(t, c, "world"))
}

func TestNamespacesAreApart(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	require.Same(t, server, temporaltest.SharedServer(t))
	first, second := server.Namespace(t), server.Namespace(t)
	require.NotEqual(t, first, second)

	start(t, dial(t, server, first), "alone")
	_, err := dial(t, server, second).DescribeWorkflowExecution(t.Context(), "alone", "")
	require.ErrorContains(t, err, "not found")
}

// TestSearchAttributesOfANamespace shows that the development server adds search attributes to one namespace only, and
// that visibility finds workflows by them.
func TestSearchAttributesOfANamespace(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	namespace := server.Namespace(t)
	c := dial(t, server, namespace)
	addStatus(t, c, namespace)
	serve(t, c)
	run(t, c, "world")

	query := &workflowservice.ListWorkflowExecutionsRequest{Query: `OrderStatus = "greeted"`}
	require.Eventually(t, func() bool {
		found, err := c.ListWorkflow(t.Context(), query)
		return err == nil && len(found.Executions) == 1
	}, 30*time.Second, 20*time.Millisecond)

	require.Contains(t, attributes(t, c, namespace), status.GetName())
	require.NotContains(t, attributes(t, c, server.Namespace(t)), status.GetName())
}

func TestStartedServerKeepsItsFileAndPort(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/temporal.db"
	first := temporaltest.Start(t, temporaltest.Options{DBFile: file})
	namespace := first.Namespace(t)
	start(t, dial(t, first, namespace), "survivor")
	first.Kill(t)

	second := temporaltest.Start(t, temporaltest.Options{DBFile: file, Port: port(t, first.Address)})
	require.Equal(t, first.Address, second.Address)
	found, err := dial(t, second, namespace).DescribeWorkflowExecution(t.Context(), "survivor", "")
	require.NoError(t, err)
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, found.WorkflowExecutionInfo.Status)

	second.Stop(t)
	third := temporaltest.Start(t, temporaltest.Options{Port: port(t, first.Address)})
	_, err = dial(t, third, namespace).DescribeWorkflowExecution(t.Context(), "survivor", "")
	require.ErrorContains(t, err, namespace, "a server without the file does not have the namespace")
}

// TestBinaryIsMissing changes the environment, so it is not parallel.
func TestBinaryIsMissing(t *testing.T) {
	t.Setenv("ALIQUOT_TEST_TEMPORAL", t.TempDir()+"/temporal")
	_, err := temporaltest.FindBinary()
	require.ErrorIs(t, err, temporaltest.ErrNoBinary)
	require.ErrorContains(t, err, "make tools")
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	return number
}

func dial(t *testing.T, server *temporaltest.DevServer, namespace string) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: server.Address, Namespace: namespace})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflow(greet)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
}

// start starts a workflow on a task queue without a worker.
func start(t *testing.T, c client.Client, id string) {
	t.Helper()
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "no-worker"}, greet, id)
	require.NoError(t, err)
}

func run(t *testing.T, c client.Client, name string) string {
	t.Helper()
	started, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: queue}, greet, name)
	require.NoError(t, err)
	var greeting string
	require.NoError(t, started.Get(t.Context(), &greeting))
	return greeting
}

func addStatus(t *testing.T, c client.Client, namespace string) {
	t.Helper()
	_, err := c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
		Namespace:        namespace,
		SearchAttributes: map[string]enums.IndexedValueType{status.GetName(): status.GetValueType()},
	})
	require.NoError(t, err)
}

func attributes(t *testing.T, c client.Client, namespace string) map[string]enums.IndexedValueType {
	t.Helper()
	found, err := c.OperatorService().ListSearchAttributes(t.Context(),
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	require.NoError(t, err)
	return found.CustomAttributes
}

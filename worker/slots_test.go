package worker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTaskSlotsFitTheConnections(t *testing.T) {
	t.Parallel()
	for connections, want := range map[int][2]int{1: {2, 16}, 8: {16, 128}, 40: {80, 640}} {
		localActivities, workflowTasks := taskSlots(connections)
		require.Equal(t, want, [2]int{localActivities, workflowTasks}, "%d connections", connections)
		require.Greater(t, workflowTasks, workflowPollers, "each poller can hold a task")
	}
}

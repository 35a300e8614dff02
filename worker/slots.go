package worker

// How many local activities and workflow tasks a worker runs at once. The SDK's default is 1,000 of each.
//
// A local activity loads or records an order, so it holds a connection of the store's pool for nearly all of its time.
// With many more of them than connections most would wait for a connection, and that wait is part of the five seconds
// after which an attempt has failed. A load that the database could serve would then end as time-outs, which are
// repeated. In the SDK's queue, the wait costs nothing. Two for each connection keep the pool busy while one of them
// decodes or encrypts.
//
// A workflow task keeps its slot until its local activities have ended. More tasks than local activities allow are
// better left at Temporal, where another worker can take them. Eight for each local activity, because most tasks have
// none under way.
//
// Regular activities keep the SDK's default. They wait for partners and receivers most of the time, and there is one
// batch of deliveries for each endpoint. Those that need a connection wait for it within minutes, not seconds.
const (
	localActivitiesPerConnection  = 2
	workflowTasksPerLocalActivity = 8
)

// taskSlots returns the numbers of local activities and of workflow tasks that run at once on a store with the given
// number of connections (SQLite: of readers; recordings also queue for its one writer).
func taskSlots(connections int) (localActivities, workflowTasks int) {
	localActivities = localActivitiesPerConnection * connections
	return localActivities, workflowTasksPerLocalActivity * localActivities
}

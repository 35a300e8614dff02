package simlab

// Unexported identifiers for tests.
var (
	FlowScript  = flowScript
	FlowScripts = flowScripts
	Flows       = flows
	NamedScript = namedScript
	Scripts     = scripts
)

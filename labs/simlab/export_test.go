package simlab

// What the tests see of the package beside its exports.
var (
	FlowScript  = flowScript
	FlowScripts = flowScripts
	Flows       = flows
	NamedScript = namedScript
	Scripts     = scripts
)

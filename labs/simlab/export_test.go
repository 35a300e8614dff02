package simlab

// What the tests see of the package beside its exports.
var (
	FlowScript  = lifeScript
	FlowScripts = lifeScripts
	Flows       = lives
	NamedScript = namedScript
	Scripts     = scripts
)

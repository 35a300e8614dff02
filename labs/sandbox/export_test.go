package sandbox

// What the tests see of the package beside its exports.
var (
	LifeScript  = lifeScript
	LifeScripts = lifeScripts
	Lives       = lives
	NamedScript = namedScript
	Scripts     = scripts
)

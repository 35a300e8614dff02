package api

import (
	"encoding/json"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// policySilent is the name in a policy that makes the orders of an account of the sandbox wait for a simulation.
const policySilent = "silent"

// isSilent reports whether the orders of an account with this policy wait for a simulation.
func isSilent(policy json.RawMessage) bool {
	p, err := order.ResolvePolicy(policy)
	return err == nil && p.Silent
}

// accountPolicy returns the policy that is stored with an account. An account of the sandbox always says whether its
// orders are silent: as the given policy says, otherwise as before. What is no JSON object is returned as it is.
func accountPolicy(given json.RawMessage, environment string, silentBefore bool) json.RawMessage {
	if environment != store.Sandbox {
		return given
	}
	values := map[string]json.RawMessage{}
	if len(given) > 0 && json.Unmarshal(given, &values) != nil {
		return given
	}
	if _, says := values[policySilent]; says {
		return given
	}
	if values == nil { // null
		values = map[string]json.RawMessage{}
	}
	values[policySilent] = json.RawMessage("false")
	if silentBefore {
		values[policySilent] = json.RawMessage("true")
	}
	stored, err := json.Marshal(values)
	if err != nil {
		return given
	}
	return stored
}

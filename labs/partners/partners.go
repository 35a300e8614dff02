// Package partners lists the kinds of partners that Aliquot can speak to. A new one is a package under labs and a line here.
package partners

import (
	"slices"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/labs/neutral"
)

// All lists the protocols of all partners.
func All() []labs.Protocol {
	return []labs.Protocol{molecular.Protocol, neutral.Protocol}
}

// Named is the protocol with a name.
func Named(name string) (labs.Protocol, bool) {
	all := All()
	i := slices.IndexFunc(all, func(p labs.Protocol) bool { return p.Name == name })
	if i < 0 {
		return labs.Protocol{}, false
	}
	return all[i], true
}

// Package registry lists the kinds of partners that Aliquot can speak to. A new one is a package under labs and a line here.
package registry

import (
	"slices"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/labs/neutral"
)

// Protocols lists the protocols of all partners.
func Protocols() []labs.Protocol {
	return []labs.Protocol{molecular.Protocol, neutral.Protocol}
}

// ProtocolNamed is the protocol with a name.
func ProtocolNamed(name string) (labs.Protocol, bool) {
	all := Protocols()
	i := slices.IndexFunc(all, func(p labs.Protocol) bool { return p.Name == name })
	if i < 0 {
		return labs.Protocol{}, false
	}
	return all[i], true
}

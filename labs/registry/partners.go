// Package registry lists the kinds of partners that Aliquot supports. A new kind is a package below labs and one line
// here.
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

// ProtocolNamed returns the protocol with this name. It returns false if no protocol has it.
func ProtocolNamed(name string) (labs.Protocol, bool) {
	all := Protocols()
	i := slices.IndexFunc(all, func(p labs.Protocol) bool { return p.Name == name })
	if i < 0 {
		return labs.Protocol{}, false
	}
	return all[i], true
}

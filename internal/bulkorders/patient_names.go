package bulkorders

import (
	"math/rand/v2"
	"slices"
	"strings"
)

var (
	firstNames = strings.Fields(`
		James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph
		Jessica Thomas Sarah Christopher Karen Charles Lisa Daniel Nancy Matthew Betty Anthony Sandra Mark Margaret
		Donald Ashley Steven Kimberly Andrew Emily Paul Donna Joshua Michelle Kenneth Carol Kevin Amanda Brian Melissa
		Timothy Deborah Ronald Stephanie`)
	lastNames = strings.Fields(`
		Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson
		Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson
		Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell
		Mitchell Carter Roberts`)
	syllables = strings.Fields(`
		ba be bo da de do fa fe ga go ka ke ko la le lo ma me mo na ne no pa pe ra re ro sa se so ta te to va ve wo`)
)

// randomFirstName draws one of fifty names. About half of all people have one of the fifty most common first names.
func randomFirstName(r *rand.Rand) string { return firstNames[r.IntN(len(firstNames))] }

// randomLastName returns a common name for a third of the patients, otherwise one of 46,656 rare names of three
// syllables.
func randomLastName(r *rand.Rand) string {
	if r.IntN(3) == 0 {
		return lastNames[r.IntN(len(lastNames))]
	}
	name := ""
	for range 3 {
		name += syllables[r.IntN(len(syllables))]
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// IsRareLastName reports whether a last name is one of the rare ones.
func IsRareLastName(name string) bool { return !slices.Contains(lastNames, name) }

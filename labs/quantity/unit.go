package quantity

import (
	"regexp"
	"slices"
	"strings"
)

// unitParts are the parts of units that a range or result without a unit of its own may end with, in small letters.
var unitParts = strings.Fields("% g mg ug ng pg fg kg dg cg mol mmol umol nmol pmol fmol l dl cl ml ul nl fl pl " +
	"iu u miu uiu kiu mu uu ku ui eq meq ueq osm mosm mosmol osmol " +
	"min h hr hour hours hrs s sec secs second seconds d day " +
	"days m2 m^2 mm cm m mmhg kpa hpf lpf cell cells copies copy cp cfu gpl mpl apl kat ukat nkat mkat k c °c creat " +
	"creatinine thou thousand mil million ratio index s/co titer wbc rbc hgb hb gfr bsa iu's units unit")

// powerPattern matches a factor in a unit, such as 10^3, x10*9 or 10e6, or a number such as 1.73 or 24.
var powerPattern = regexp.MustCompile(`^(?:x ?)?10(?:[*^e]\d{1,2})|^x ?10\d|^(?:1\.73|24|100)`)

// isUnit reports whether a text in small letters is a unit. It is for texts without a unit to compare with.
func isUnit(text string) bool {
	parts := strings.Split(text, "/")
	for i, part := range parts {
		part = strings.TrimSpace(part)
		if i == 0 && part == "" && len(parts) > 1 {
			continue // a count, such as /ul
		}
		rest := strings.TrimSpace(powerPattern.ReplaceAllString(part, ""))
		if rest == "" && rest == part {
			return false
		}
		if rest != "" && !slices.Contains(unitParts, rest) || len(parts) == 1 && isFlag(part) {
			return false
		}
	}
	return true
}

// isFlag reports whether a text is one letter, which may be a lab's flag: H is high as well as hour, L low and litre.
func isFlag(text string) bool { return len(text) == 1 && text != "%" }

// matchesUnit reports whether the text after a number is no unit, or the unit of the result. A result without a unit
// has that of the text, if that is one.
func matchesUnit(text, unit string) bool {
	text = bareUnit(text)
	if text == "" {
		return true
	}
	if folded, ok := normalize(unit); ok && folded != "" {
		return unitKey(text) == unitKey(bareUnit(folded))
	}
	return isUnit(text)
}

func bareUnit(text string) string {
	text = strings.TrimSpace(text)
	for _, pair := range []string{"()", "[]"} {
		if inner, ok := strings.CutPrefix(text, pair[:1]); ok && strings.HasSuffix(inner, pair[1:]) {
			return strings.TrimSpace(inner[:len(inner)-1])
		}
	}
	return text
}

// unitKey returns the same text for the ways to write one unit.
func unitKey(text string) string {
	key := strings.NewReplacer(" ", "", "^", "", "*", "", "×", "", ".", "").Replace(text)
	key = strings.TrimPrefix(key, "x")
	for _, pair := range [][2]string{{"10e", "10"}, {"mmhr", "mmh"}, {"/hr", "/h"}, {"/min173", "/min/173"}} {
		key = strings.ReplaceAll(key, pair[0], pair[1])
	}
	return key
}

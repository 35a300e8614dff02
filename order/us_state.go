package order

import (
	"slices"
	"strings"
)

// usStates maps the USPS codes of the states, the federal district, the territories, the freely associated states and
// the military post of the United States to their names.
var usStates = map[string][]string{
	"AL": {"Alabama"}, "AK": {"Alaska"}, "AZ": {"Arizona"}, "AR": {"Arkansas"}, "CA": {"California"},
	"CO": {"Colorado"}, "CT": {"Connecticut"}, "DE": {"Delaware"}, "FL": {"Florida"}, "GA": {"Georgia"},
	"HI": {"Hawaii", "Hawai'i"}, "ID": {"Idaho"}, "IL": {"Illinois"}, "IN": {"Indiana"}, "IA": {"Iowa"},
	"KS": {"Kansas"}, "KY": {"Kentucky"}, "LA": {"Louisiana"}, "ME": {"Maine"}, "MD": {"Maryland"},
	"MA": {"Massachusetts"}, "MI": {"Michigan"}, "MN": {"Minnesota"}, "MS": {"Mississippi"}, "MO": {"Missouri"},
	"MT": {"Montana"}, "NE": {"Nebraska"}, "NV": {"Nevada"}, "NH": {"New Hampshire"}, "NJ": {"New Jersey"},
	"NM": {"New Mexico"}, "NY": {"New York", "New York State"}, "NC": {"North Carolina"}, "ND": {"North Dakota"},
	"OH": {"Ohio"}, "OK": {"Oklahoma"}, "OR": {"Oregon"}, "PA": {"Pennsylvania"}, "RI": {"Rhode Island"},
	"SC": {"South Carolina"}, "SD": {"South Dakota"}, "TN": {"Tennessee"}, "TX": {"Texas"}, "UT": {"Utah"},
	"VT": {"Vermont"}, "VA": {"Virginia"}, "WA": {"Washington", "Washington State"}, "WV": {"West Virginia"},
	"WI": {"Wisconsin"}, "WY": {"Wyoming"},
	"DC": {"District of Columbia", "Washington DC", "Washington, D.C."},
	"AS": {"American Samoa"}, "GU": {"Guam"}, "MP": {"Northern Mariana Islands", "Northern Marianas"},
	"PR": {"Puerto Rico"}, "VI": {"Virgin Islands", "US Virgin Islands", "Virgin Islands of the United States"},
	"FM": {"Federated States of Micronesia"}, "MH": {"Marshall Islands"}, "PW": {"Palau"},
	"AA": {"Armed Forces Americas"}, "AE": {"Armed Forces Europe"}, "AP": {"Armed Forces Pacific"},
}

// codesOfStates maps folded names and codes to codes.
var codesOfStates = func() map[string]string {
	out := map[string]string{}
	for code, names := range usStates {
		out[foldPlace(code)] = code
		for _, name := range names {
			out[foldPlace(name)] = code
		}
	}
	return out
}()

// unitedStates are the folded names of the United States as a country.
var unitedStates = []string{"us", "usa", "united states", "united states of america", "the united states",
	"the united states of america"}

// foldPlace returns the same text for the ways of writing a place: in lower case, without dots, commas and apostrophes,
// with single blanks.
func foldPlace(name string) string {
	name = strings.NewReplacer(".", "", ",", " ", "'", "", "’", "", "ʻ", "", "-", " ").Replace(strings.ToLower(name))
	return strings.Join(strings.Fields(name), " ")
}

// USStateCode returns the USPS code of a state or territory of the United States, which may be given by its code or its
// name. The second result is false for any other text.
func USStateCode(text string) (string, bool) {
	code, ok := codesOfStates[foldPlace(text)]
	return code, ok
}

// IsUSState reports whether a text is a USPS code as it is printed, in capitals.
func IsUSState(code string) bool {
	_, ok := usStates[code]
	return ok
}

// IsUnitedStates reports whether a text names the United States as a country.
func IsUnitedStates(country string) bool { return slices.Contains(unitedStates, foldPlace(country)) }

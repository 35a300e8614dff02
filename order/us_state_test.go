package order

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatesAndTerritories(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"New York": "NY", "new york": "NY", " NEW  YORK ": "NY", "ny": "NY", "NY": "NY", "N.Y.": "NY", "North-Carolina": "NC",
		"Guam": "GU", "gu": "GU", "U.S. Virgin Islands": "VI", "Virgin Islands": "VI", "American Samoa": "AS",
		"Northern Mariana Islands": "MP", "Puerto Rico": "PR", "D.C.": "DC", "Washington, D.C.": "DC", "Washington DC": "DC",
		"District of Columbia": "DC", "Washington": "WA", "West Virginia": "WV", "Virginia": "VA", "Hawaiʻi": "HI",
		"ae": "AE", "AP": "AP", "AA": "AA", "Armed Forces Europe": "AE",
		"": "", "ZZ": "", "Ontario": "", "York": "", "N Y": "", "Armed Forces": "",
	} {
		code, ok := USStateCode(text)
		require.Equal(t, want, code, "%q", text)
		require.Equal(t, want != "", ok, "%q", text)
	}
	require.True(t, IsUSState("GU"))
	require.False(t, IsUSState("gu"))
	require.Len(t, usStates, 50+1+5+3+3)
}

func TestCountriesThatAreTheUnitedStates(t *testing.T) {
	t.Parallel()
	for country, want := range map[string]bool{
		"US": true, "USA": true, "us": true, "U.S.": true, "U.S.A.": true, "United States": true, " united  states ": true,
		"United States of America": true, "The United States": true,
		"": false, "CA": false, "United Kingdom": false, "United Arab Emirates": false, "Puerto Rico": false,
		"Usa Today": false,
	} {
		require.Equal(t, want, IsUnitedStates(country), "%q", country)
	}
}

package molecular

import (
	"strings"

	"github.com/aliquot-labs/aliquot/labs"
)

var _ labs.AddressChecker = (*Client)(nil)

// RefusedAddressFields implements labs.AddressChecker. MTL ships within the United States and takes codes of states.
func (c *Client) RefusedAddressFields(state, country string) []string {
	var fields []string
	if !statePattern.MatchString(upperState(state)) {
		fields = append(fields, "state")
	}
	if countryCode(country) == "" {
		fields = append(fields, "country")
	}
	return fields
}

// upperState returns the code of a state as MTL takes it. The API has turned names into codes before.
func upperState(state string) string { return strings.ToUpper(strings.TrimSpace(state)) }

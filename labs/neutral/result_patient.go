package neutral

import (
	"encoding/json"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
	"github.com/aliquot-labs/aliquot/order"
)

// testedPatient is the patient whom a lab report names; nil: nobody.
type testedPatient struct{ who *order.TestedPatient }

// UnmarshalJSON never fails: a report is not lost for its patient. A patient that is no object counts as absent, and so
// does a part in a form that cannot be read.
func (p *testedPatient) UnmarshalJSON(data []byte) error {
	var parts map[string]json.RawMessage
	if json.Unmarshal(data, &parts) != nil || parts == nil {
		return nil //nolint:nilerr // see above
	}
	read := func(name string) string {
		var part textValue
		if json.Unmarshal(parts[name], &part) != nil {
			return ""
		}
		return string(part)
	}
	p.who = &order.TestedPatient{FirstName: read("first_name"), LastName: read("last_name"), DOB: read("dob")}
	if bodytext.IsNullWord(p.who.DOB) {
		p.who.DOB = ""
	}
	return nil
}

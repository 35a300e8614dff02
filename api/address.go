package api

import (
	"cmp"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/order"
)

// Address is where a user lives, or where somebody or something is that is not the patient of an order. The SDK has zip and a country; the
// documentation's samples have zip_code, and no country (client-api#conflict-23).
type Address struct {
	FirstLine   string  `json:"first_line" minLength:"1"`
	SecondLine  *string `json:"second_line,omitempty" doc:"Defaults to an empty text."`
	Country     string  `json:"country" required:"false" default:"US" minLength:"1"`
	Zip         string  `json:"zip" required:"false" doc:"Required, unless zip_code has it."`
	ZipCode     string  `json:"zip_code,omitempty" writeOnly:"true" doc:"Another name of zip, which wins."`
	City        string  `json:"city" minLength:"1"`
	State       string  `json:"state" minLength:"1"`
	AccessNotes *string `json:"access_notes,omitempty" maxLength:"1000"`
}

// Resolve checks what a schema cannot say.
func (a *Address) Resolve(_ huma.Context, path *huma.PathBuffer) []error {
	if a.Zip == "" && a.ZipCode == "" {
		return []error{missingProblem(path.String() + ".zip")}
	}
	return nil
}

// normalised is the address as it is kept and told. It has been checked.
func (a *Address) normalised() Address {
	out := *a
	out.Zip, out.ZipCode = cmp.Or(a.Zip, a.ZipCode), ""
	out.State, out.SecondLine = normaliseState(a.State), orEmpty(a.SecondLine)
	return out
}

func (a *Address) toOrderAddress() order.Address {
	second := a.SecondLine
	if emptyIfNil(second) == "" {
		second = nil // nothing is printed, and nothing sent
	}
	return order.Address{
		FirstLine: a.FirstLine, SecondLine: second, City: a.City, State: a.State, Zip: a.Zip, Country: a.Country, AccessNotes: a.AccessNotes,
	}
}

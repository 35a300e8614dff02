package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/order"
)

// UserInfo is the personal data of a user.
type UserInfo struct {
	FirstName         string            `json:"first_name" maxLength:"255" minLength:"1" pattern:"^([a-zA-Z0-9]{1})([a-zA-Z0-9-.,']*(\\s[a-zA-Z0-9-.,']+)*[a-zA-Z0-9-.,']?)$"`
	LastName          string            `json:"last_name" maxLength:"255" minLength:"1" pattern:"^([a-zA-Z0-9]{1})([a-zA-Z0-9-.,']*(\\s[a-zA-Z0-9-.,']+)*[a-zA-Z0-9-.,']?)$"`
	Email             string            `json:"email" maxLength:"320" format:"email"`
	PhoneNumber       string            `json:"phone_number" maxLength:"64" minLength:"1"`
	Gender            string            `json:"gender" maxLength:"64" minLength:"1" doc:"In any case."`
	DOB               string            `json:"dob" maxLength:"64" minLength:"1" doc:"YYYY-MM-DD; or midnight."`
	Address           Address           `json:"address"`
	MedicalProxy      *GuarantorDetails `json:"medical_proxy,omitempty"`
	Race              *string           `json:"race,omitempty" enum:"african_american_or_black,asian,indigenous_native_american_alaska_native,other,pacific_islander_or_hawaiian,white_caucasian"`
	Ethnicity         *string           `json:"ethnicity,omitempty" enum:"hispanic,non_hispanic,ashkenazi_jewish,other"`
	SexualOrientation *string           `json:"sexual_orientation,omitempty" enum:"lesbian_gay_or_homosexual,heterosexual_or_straight,bisexual,dont_know,other"`
	GenderIdentity    *string           `json:"gender_identity,omitempty" enum:"male,female,female_to_male_ftm_transgender_male_trans_man,male_to_female_mtf_transgender_female_trans_woman,genderqueer,other"`
}

type userInfoInput struct {
	UserPath
	Body UserInfo
}

// Resolve checks what a schema cannot say.
func (in *userInfoInput) Resolve(ctx huma.Context) []error {
	errs := checkBirthDate(in.Body.DOB, "body.dob", callerOf(ctx.Context()).today)
	errs = append(errs, checkPhone(in.Body.PhoneNumber, "body.phone_number")...)
	errs = append(errs, checkEmail(in.Body.Email, "body.email")...)
	return append(errs, in.Body.MedicalProxy.check("body.medical_proxy")...)
}

func (s *server) userInfoRoutes() {
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "put-user-info", Method: http.MethodPatch, Path: "/v2/user/{user_id}/info", Tags: []string{tagUsers},
		Summary: "Set the personal data of a user", Errors: []int{http.StatusNotFound},
		Description: "Replaces all of it: a field that is left out is deleted.",
	}, s.putUserInfo)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-user-info", Method: http.MethodGet, Path: "/v2/user/{user_id}/info/latest",
		Tags:    []string{tagUsers},
		Summary: "Read the personal data of a user", Errors: []int{http.StatusNotFound},
	}, s.getUserInfo)
}

func (s *server) putUserInfo(ctx context.Context, in *userInfoInput) (*body[UserInfo], error) {
	team, id := callerOf(ctx).team.ID, canonicalUUID(in.UserID)
	info, err := in.Body.normalise()
	if err != nil {
		return nil, err
	}
	document, err := json.Marshal(info)
	if err != nil {
		return nil, fmt.Errorf("encoding the user info of user %s: %w", id, err)
	}
	if err := s.Store.PutUserInfo(ctx, team, id, document); err != nil {
		return nil, mapNotFound(err, "User")
	}
	s.appendChangeAudit(ctx, "user.change_info", team, "", "user="+id)
	return newAnswer(info), nil
}

// normalise returns checked user info in the form in which it is stored and returned.
func (u UserInfo) normalise() (UserInfo, error) {
	dob, err := parseBirthDate(u.DOB)
	if err != nil {
		return u, err
	}
	u.FirstName, u.LastName = collapseSpaces(u.FirstName), collapseSpaces(u.LastName)
	u.DOB, u.Gender, u.PhoneNumber = dob.String(), normaliseGender(u.Gender), normalisePhone(u.PhoneNumber)
	u.Address, u.MedicalProxy = u.Address.normalise(), u.MedicalProxy.normalise()
	return u, nil
}

func (s *server) getUserInfo(ctx context.Context, in *userInput) (*body[UserInfo], error) {
	team, id := callerOf(ctx).team.ID, canonicalUUID(in.UserID)
	document, err := s.Store.UserInfo(ctx, team, id)
	if err != nil {
		return nil, mapNotFound(err, "User info")
	}
	if err := s.appendReadAudit(ctx, "user.read_info", team, "", "user="+id); err != nil {
		return nil, err
	}
	var info UserInfo
	if err := json.Unmarshal(document, &info); err != nil {
		return nil, fmt.Errorf("decoding the user info of user %s: %w", id, err)
	}
	return newAnswer(info), nil
}

// Address is the address of a user, an insured person, a guarantor or a payor. The SDK sends zip and a country; the
// samples of the original API's documentation have zip_code and no country (client-api#conflict-23).
type Address struct {
	FirstLine   string  `json:"first_line" maxLength:"255" minLength:"1"`
	SecondLine  *string `json:"second_line,omitempty" maxLength:"255" doc:"Defaults to an empty text."`
	Country     string  `json:"country" maxLength:"255" required:"false" default:"US" minLength:"1"`
	Zip         string  `json:"zip" maxLength:"255" required:"false" doc:"Required, unless zip_code is given."`
	ZipCode     string  `json:"zip_code,omitempty" maxLength:"255" writeOnly:"true" doc:"Instead of zip."`
	City        string  `json:"city" maxLength:"255" minLength:"1"`
	State       string  `json:"state" maxLength:"255" minLength:"1"`
	AccessNotes *string `json:"access_notes,omitempty" maxLength:"1000"`
}

// Resolve checks what a schema cannot say.
func (a *Address) Resolve(_ huma.Context, path *huma.PathBuffer) []error {
	if a.Zip == "" && a.ZipCode == "" {
		return []error{missingProblem(path.String() + ".zip")}
	}
	return nil
}

// normalise returns a checked address in the form in which it is stored and returned.
func (a *Address) normalise() Address {
	out := *a
	out.Zip, out.ZipCode = cmp.Or(a.Zip, a.ZipCode), ""
	out.State, out.SecondLine = normaliseState(a.State), orEmpty(a.SecondLine)
	return out
}

func (a *Address) toOrderAddress() order.Address {
	second := a.SecondLine
	if emptyIfNil(second) == "" {
		second = nil // so that documents and requests to labs leave it out
	}
	return order.Address{
		FirstLine: a.FirstLine, SecondLine: second, City: a.City, State: a.State, Zip: a.Zip, Country: a.Country,
		AccessNotes: a.AccessNotes,
	}
}

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/billing"
)

// ClientFacingDiagnosisInformation is a billable ICD-10-CM code.
type ClientFacingDiagnosisInformation struct {
	DiagnosisCode string `json:"diagnosis_code"`
	Description   string `json:"description"`
	IsSecondary   bool   `json:"is_secondary" doc:"It cannot be the first code of a bill."`
}

// ValidateICDCodesResponse says whether codes can be on the same bill.
type ValidateICDCodesResponse struct {
	Valid      bool                   `json:"valid" doc:"True without errors and violations."`
	Errors     []string               `json:"errors" nullable:"false"`
	Violations []ICDExcludesViolation `json:"violations" nullable:"false" doc:"Codes that are never coded together."`
	Warnings   []ICDExcludesWarning   `json:"warnings" nullable:"false"`
}

// ICDExcludesViolation are two codes that are never coded together (ICD-10-CM: Excludes1).
type ICDExcludesViolation struct {
	Code          string `json:"code"`
	ConflictsWith string `json:"conflicts_with"`
	Type          string `json:"type" enum:"excludes1"`
}

// ICDExcludesWarning are two codes of which the first does not include the second, so that both may be coded
// (ICD-10-CM: Excludes2).
type ICDExcludesWarning struct {
	Code         string `json:"code"`
	OverlapsWith string `json:"overlaps_with"`
	Type         string `json:"type" enum:"excludes2"`
}

type searchDiagnosisInput struct {
	DiagnosisQuery string `query:"diagnosis_query" required:"true" minLength:"1" maxLength:"200"`
}

type validateCodesInput struct {
	Body struct {
		Codes []string `json:"codes" maxLength:"64" nullable:"false" maxItems:"100"`
	}
}

func (s *server) diagnosisRoutes() {
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "search-diagnoses", Method: http.MethodGet, Path: "/v3/insurance/search/diagnosis",
		Tags:    []string{tagInsurance},
		Summary: "Search ICD-10-CM codes",
		Description: "Returns at most 50 codes: first those that begin with the query, then those whose description " +
			"contains its words.",
	}, s.searchDiagnoses)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "validate-icd-codes", Method: http.MethodPost, Path: "/v3/insurance/validate_icd_codes",
		Tags:    []string{tagInsurance},
		Summary: "Check whether ICD-10-CM codes can be on the same bill",
	}, s.validateCodes)
}

func (s *server) searchDiagnoses(_ context.Context,
	in *searchDiagnosisInput) (*body[[]ClientFacingDiagnosisInformation], error) {
	return newAnswer(convertAll(s.Billing.SearchDiagnoses(in.DiagnosisQuery),
		func(d billing.Diagnosis) ClientFacingDiagnosisInformation {
			return ClientFacingDiagnosisInformation{
				DiagnosisCode: d.Code, Description: d.Description, IsSecondary: d.Secondary,
			}
		})), nil
}

func (s *server) validateCodes(_ context.Context, in *validateCodesInput) (*body[ValidateICDCodesResponse], error) {
	out := ValidateICDCodesResponse{Errors: s.invalidCodeTexts(in.Body.Codes), Violations: []ICDExcludesViolation{},
		Warnings: []ICDExcludesWarning{}}
	for _, c := range s.Billing.Conflicts(in.Body.Codes) {
		if c.Kind == billing.Excludes1 {
			out.Violations = append(out.Violations,
				ICDExcludesViolation{Code: c.Code, ConflictsWith: c.With, Type: c.Kind})
		} else {
			out.Warnings = append(out.Warnings, ICDExcludesWarning{Code: c.Code, OverlapsWith: c.With, Type: c.Kind})
		}
	}
	out.Valid = len(out.Errors) == 0 && len(out.Violations) == 0
	return newAnswer(out), nil
}

// invalidCodeTexts returns a text for each code that is not valid. If all are valid it returns a text when none of them
// can be the first code of a bill.
func (s *server) invalidCodeTexts(codes []string) []string {
	errs, leading := []string{}, false
	for _, code := range codes {
		if err := s.Billing.CheckDiagnosisCode(code); err != nil {
			errs = append(errs, code+" "+err.Error())
			continue
		}
		d, _ := s.Billing.DiagnosisByCode(code)
		leading = leading || !d.Secondary
	}
	switch {
	case len(codes) == 0:
		errs = append(errs, "At least one code is required")
	case len(errs) == 0 && !leading:
		errs = append(errs, "None of the codes may stand first on a bill")
	}
	return errs
}

package policy

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// patientFields are fields that identify a patient, in lower case and without underscores, as log keys and as Go
// fields.
var patientFields = map[string]bool{
	"firstname": true, "lastname": true, "fullname": true, "patientname": true, "receivername": true,
	"dob": true, "dateofbirth": true, "birthdate": true, "email": true, "emailaddress": true,
	"phone": true, "phonenumber": true, "address": true, "patientaddress": true, "firstline": true,
	"secondline": true, "zip": true, "zipcode": true, "postcode": true, "ssn": true,
}

// ambiguousKeys are keys that may or may not be a patient's. A log key has to say whose they are ("worker",
// "endpoint").
var ambiguousKeys = map[string]bool{"name": true}

// logCalls are the logging methods of slog and of Temporal's loggers, slog's constructors of attributes, and those of
// spans. A call is found by its method name, whatever the name of the logger.
var logCalls = map[string]bool{
	"Debug": true, "Info": true, "Warn": true, "Error": true, "Log": true, "LogAttrs": true, "With": true,
	"DebugContext": true, "InfoContext": true, "WarnContext": true, "ErrorContext": true,
}

// applicationErrors matches the constructors of activity errors. Temporal stores their texts in histories.
var applicationErrors = regexp.MustCompile("^New(NonRetryable)?ApplicationError(With[A-Za-z]+)?$")

// patientDataReports lists the log calls and error texts that contain a patient's data.
func patientDataReports(s source) []string {
	if s.isTest() {
		return nil
	}
	var reports []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !writesText(call) {
			return true
		}
		for _, arg := range call.Args {
			if field := patientField(arg); field != "" {
				reports = append(reports, fmt.Sprintf("%s: %s in a log or an error", s.position(arg), field))
			}
		}
		return true
	})
	return reports
}

// writesText reports whether a call writes a log line or an error, or creates an attribute of a log line or a span.
func writesText(call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	if x, ok := selector.X.(*ast.Ident); ok && (x.Name == "slog" || x.Name == "attribute") {
		return true
	}
	return logCalls[selector.Sel.Name] || isSelector(selector, "fmt", "Errorf") || isSelector(selector, "errors", "New") ||
		applicationErrors.MatchString(selector.Sel.Name)
}

// patientField returns the patient's field in an argument, as a key ("email") or as a value (patient.Email), or "". It
// also looks inside sums, conversions and calls.
func patientField(arg ast.Expr) (field string) {
	if literal, ok := arg.(*ast.BasicLit); ok {
		key, err := strconv.Unquote(literal.Value)
		if literal.Kind == token.STRING && err == nil &&
			(patientFields[normalizeName(key)] || ambiguousKeys[normalizeName(key)]) {
			return key
		}
	}
	ast.Inspect(arg, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok && patientFields[normalizeName(selector.Sel.Name)] {
			field = selector.Sel.Name
		}
		return field == ""
	})
	return field
}

func normalizeName(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", ""))
}

func TestNoPatientDataIsLogged(t *testing.T) {
	t.Parallel()
	var reports []string
	for _, s := range sources(t) {
		reports = append(reports, patientDataReports(s)...)
	}
	require.Empty(t, reports)
}

// TestLoggedPatientDataIsReported is the control.
func TestLoggedPatientDataIsReported(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		`slog.Info("placed", "order", o.ID)`:                          false,
		`slog.Info("placed", "first_name", x)`:                        true,
		`slog.Info("placed", "order", patient.LastName)`:              true,
		`slog.Info("placed", "order", *patient.Email)`:                true,
		`slog.Info("placed", slog.String("dob", x))`:                  true,
		`s.log.ErrorContext(ctx, "placed", "phone_number", x)`:        true,
		`log.With("address", x).Warn("placed")`:                       true,
		`workflow.GetLogger(ctx).Info("placed", "name", x)`:           true,
		`fmt.Errorf("placing for %s", patient.FirstName)`:             true,
		`fmt.Errorf("placing %s: first name is missing", o.ID)`:       false,
		`errors.New("placing for " + patient.LastName)`:               true,
		`fmt.Errorf("at %s", strings.ToUpper(o.Patient.Address.Zip))`: true,
		`slog.Info("placed", "order", string(patient.Email))`:         true,
		`slog.Info("placed", "order", fmt.Sprint(patient.DOB))`:       true,
		`temporal.NewApplicationError("for "+patient.LastName, "T")`:  true,
		`temporal.NewApplicationError("refused", "T")`:                false,
		`errors.New("email is missing")`:                              false,
		`row.Scan(&patient.FirstName)`:                                false,
		`json.Marshal(patient.Email)`:                                 false,
		`slog.LogAttrs(ctx, level, "x", slog.Any("zip", a.Zip))`:      true,
		`attribute.String("endpoint_id", e.ID)`:                       false,
		`attribute.String("to", patient.Email)`:                       true,
		`logger.Debug("placed", "worker", w.Name, "queue", w.Queue)`:  false,
	}
	for call, reported := range tests {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			text := "package a\n\nfunc f() { _ = " + call + " }\n"
			reports := patientDataReports(parseSource(t, "api/a.go", []byte(text)))
			require.Equal(t, reported, len(reports) > 0, "%v", reports)
		})
	}
}

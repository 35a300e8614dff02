package api

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// problem is one item of a 422 answer. It does not repeat the value that was sent, which may be patient data.
type problem struct {
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
	Type string `json:"type"`
}

func (p *problem) Error() string { return p.Type }

// newProblem returns a problem of a type (kind) at a path such as "body.patient_details.dob".
func newProblem(kind, msg, path string) *problem {
	return &problem{Loc: splitPath(path), Msg: msg, Type: kind}
}

func missingProblem(path string) *problem { return newProblem("missing", "Field required", path) }

// validationError returns the 422 answer to a request that failed validation, with all problems at once.
func validationError(all ...*problem) *Error {
	return &Error{Detail: all, status: http.StatusUnprocessableEntity}
}

// splitPath turns "body.consents[0].version" into ["body","consents",0,"version"].
func splitPath(path string) []any {
	out := []any{}
	for part := range strings.SplitSeq(path, ".") {
		name, rest, _ := strings.Cut(part, "[")
		if name != "" {
			out = append(out, name)
		}
		for rest != "" {
			index, more, _ := strings.Cut(rest, "]")
			if n, err := strconv.Atoi(index); err == nil {
				out = append(out, n)
			}
			rest = strings.TrimPrefix(more, "[")
		}
	}
	return out
}

// maxProblems is the most problems of an answer. Each problem is compared with all others.
const maxProblems = 500

// toProblems translates errors of huma and of our checks, and leaves out problems that only follow from another one. It
// returns the first maxProblems of them.
func toProblems(errs []error) []*problem {
	errs = errs[:min(len(errs), maxProblems)]
	out := make([]*problem, 0, len(errs))
	for _, err := range errs {
		var own *problem
		var detail *huma.ErrorDetail
		switch {
		case errors.As(err, &own):
			out = append(out, own)
		case errors.As(err, &detail):
			out = append(out, fromHumaDetail(detail))
		default:
			out = append(out, newProblem("value_error", "Value is not valid", "body"))
		}
	}
	if slices.ContainsFunc(out, func(p *problem) bool { return p.inPart("body") && len(p.Loc) == 1 }) {
		// The body as a whole is wrong and was not decoded: fields that seem to be missing may be there.
		out = slices.DeleteFunc(out, func(p *problem) bool { return p.inPart("body") && len(p.Loc) > 1 })
	}
	out = slices.CompactFunc(out, func(p, q *problem) bool { // the format and the pattern of an id
		return p.Type == q.Type && p.Msg == q.Msg && slices.Equal(p.Loc, q.Loc)
	})
	found := slices.Clone(out)
	return slices.DeleteFunc(out, func(p *problem) bool { return slices.ContainsFunc(found, p.isCausedBy) })
}

// isCausedBy reports whether p only follows from q: p is inside an object that is missing or is not an object, or p
// says that a field is missing for which q says that its value is wrong.
func (p *problem) isCausedBy(q *problem) bool {
	if slices.Equal(q.Loc, p.Loc) {
		return p.Type == "missing" && q.Type != "missing"
	}
	hollow := q.Type == "missing" || q.Type == "dict_type"
	return hollow && len(q.Loc) < len(p.Loc) && slices.Equal(q.Loc, p.Loc[:len(q.Loc)])
}

// inPart reports whether the problem is in that part of the request: body, query or path.
func (p *problem) inPart(part string) bool { return len(p.Loc) > 0 && p.Loc[0] == part }

// problemTypes map the beginnings of huma's messages to the problem types of the original API. The first match decides.
// Where msg is empty, huma's message is used; it does not repeat the value.
var problemTypes = []struct{ begins, kind, msg string }{
	{"unexpected property", "extra_forbidden", "Extra inputs are not permitted"},
	{"expected string to match pattern", "string_pattern_mismatch", ""},
	{"expected string to be RFC 5322 email", "value_error", "Value is not a valid email address"},
	{"expected string to be RFC 4122 uuid", "uuid_parsing", "Input should be a valid UUID"},
	{"expected string to be RFC 3339 date-time", "datetime_parsing", "Input should be a valid datetime"},
	{"expected string to be RFC 3339 date", "date_from_datetime_parsing",
		"Input should be a valid date in the format YYYY-MM-DD"},
	{"expected string to be", "value_error", "Value is not valid"},
	{"expected string", "string_type", "Input should be a valid string"},
	{"expected boolean", "bool_type", "Input should be a valid boolean"},
	{"expected integer", "int_type", "Input should be a valid integer"},
	{"expected number >=", "greater_than_equal", ""},
	{"expected number <=", "less_than_equal", ""},
	{"expected number", "float_type", "Input should be a valid number"},
	{"expected array length >=", "too_short", ""},
	{"expected array length <=", "too_long", ""},
	{"expected array", "list_type", "Input should be a valid list"},
	{"expected object", "dict_type", "Input should be a valid object"},
	{"expected value to be one of", "enum", ""},
	{"expected length >=", "string_too_short", ""},
	{"expected length <=", "string_too_long", ""},
	{"invalid integer", "int_parsing", "Input should be a valid integer"},
	{"invalid boolean", "bool_parsing", "Input should be a valid boolean"},
	{"invalid date/time", "datetime_parsing", "Input should be a valid datetime"},
	{"invalid character", "json_invalid", "JSON decode error"},
	{"unexpected end of JSON input", "json_invalid", "JSON decode error"},
	{"json: cannot unmarshal number", "float_parsing", "A number is too large"},
	{errDuplicateKey.Error(), "json_invalid", "An object has the same key twice"},
	{errNUL.Error(), "value_error", "Texts with NUL characters are not allowed"},
	{errNotUTF8.Error(), "json_invalid", "The body is not UTF-8"},
	{errWide.Error(), "json_invalid", "The body is UTF-16 or UTF-32: send UTF-8"},
	{errNestedTooDeeply.Error(), "json_invalid", "The body is nested too deeply"},
	{errTooManyValues.Error(), "json_invalid", "The body has too many values"},
	{errHalfCharacter.Error(), "value_error", "A text has half of a surrogate pair, such as \\ud83d alone"},
}

// fromHumaDetail translates a problem that huma found.
func fromHumaDetail(d *huma.ErrorDetail) *problem {
	if rest, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
		name, _, _ := strings.Cut(rest, " ")
		return missingProblem(d.Location + "." + name)
	}
	if strings.HasPrefix(d.Message, "required ") { // a parameter
		return missingProblem(d.Location)
	}
	if path, kind, isType := typeErrorOf(d.Message); isType && d.Location == "body" {
		return newProblem(kind, "Input should be a valid "+strings.TrimSuffix(kind, "_type"), "body."+path)
	}
	for _, k := range problemTypes {
		if !strings.HasPrefix(d.Message, k.begins) {
			continue
		}
		msg := k.msg
		if msg == "" {
			msg = d.Message
		}
		return newProblem(k.kind, msg, d.Location)
	}
	return newProblem("value_error", "Value is not valid", d.Location)
}

// typeErrorPattern is the text of a json.UnmarshalTypeError, of which huma keeps the text only. The schema accepts a
// number that is too large for its field.
var typeErrorPattern = regexp.MustCompile(
	`^json: cannot unmarshal .* into Go struct field [^.]+\.([^ ]+) of type (\S+)$`)

// typeErrorOf returns the path of the field of a decoding error, and the type of its problem.
func typeErrorOf(message string) (path, kind string, ok bool) {
	found := typeErrorPattern.FindStringSubmatch(message)
	if found == nil {
		return "", "", false
	}
	kind = "string_type"
	switch {
	case strings.Contains(found[2], "int"):
		kind = "int_type"
	case strings.Contains(found[2], "float"):
		kind = "float_type"
	}
	return found[1], kind, true
}

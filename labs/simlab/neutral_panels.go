package simlab

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The types of a result (client-api#biomarkerresult).
const (
	typeNumeric = "numeric"
	typeRange   = "range"
	typeComment = "comment"
	typeCoded   = "coded_value"
)

const (
	normal   = "normal"
	unknown  = "unknown"
	abnormal = "abnormal"
	critical = "critical"
)

// interpretations are ordered by severity.
var interpretations = []string{normal, unknown, abnormal, critical}

// analyte is one measurement of a test.
type analyte struct {
	code, name, loinc string
	unit              string // numeric and range only
	low, high         float64
	digits            int    // after the decimal point
	kind              string // type of the result; empty: numeric if there is a unit, and otherwise coded
}

// panelsByCode holds the lab's panels by code. A test is found by the code or name of a panel, or by the code, LOINC
// code or name of an analyte. Any other test has one generic number.
var panelsByCode = map[string][]analyte{
	"101": {
		{code: "1010", name: "Total Cholesterol", loinc: "2093-3", unit: "mg/dL", low: 100, high: 199},
		{code: "1011", name: "HDL Cholesterol", loinc: "2085-9", unit: "mg/dL", low: 40, high: 100},
		{code: "1012", name: "LDL Cholesterol", loinc: "13457-7", unit: "mg/dL", low: 0, high: 129},
		{code: "1013", name: "Triglycerides", loinc: "2571-8", unit: "mg/dL", low: 0, high: 149},
	},
	"102": {
		{code: "1020", name: "Chlamydia trachomatis", loinc: "21613-5"},
		{code: "1021", name: "Neisseria gonorrhoeae", loinc: "24111-7"},
		{code: "1022", name: "Trichomonas vaginalis", loinc: "46154-1"},
	},
	"201": {
		{code: "2010", name: "Glucose", loinc: "2345-7", unit: "mg/dL", low: 65, high: 99},
		{code: "2011", name: "Sodium", loinc: "2951-2", unit: "mmol/L", low: 135, high: 146},
		{code: "2012", name: "Potassium", loinc: "2823-3", unit: "mmol/L", low: 3.5, high: 5.3, digits: 1},
		{code: "2013", name: "Creatinine", loinc: "2160-0", unit: "mg/dL", low: 0.5, high: 1.05, digits: 2},
		{code: "2014", name: "eGFR", loinc: "98979-8", unit: "mL/min/1.73m2", low: 60, high: 120},
		{code: "2015", name: "C-Reactive Protein", loinc: "30522-7", unit: "mg/L", high: 3, digits: 1, kind: typeRange},
	},
	"202": {
		{code: "2020", name: "White Blood Cell Count", loinc: "6690-2", unit: "10*3/uL", low: 3.8, high: 10.8, digits: 1},
		{code: "2021", name: "Red Blood Cell Count", loinc: "789-8", unit: "10*6/uL", low: 3.8, high: 5.1, digits: 2},
		{code: "2022", name: "Hemoglobin", loinc: "718-7", unit: "g/dL", low: 11.7, high: 15.5, digits: 1},
		{code: "2023", name: "Platelet Count", loinc: "777-3", unit: "10*3/uL", low: 140, high: 400},
		{code: "2024", name: "Smear Review", loinc: "5909-7", kind: typeComment},
	},
	"203": {{code: "2030", name: "Hemoglobin A1c", loinc: "4548-4", unit: "%", low: 4, high: 5.6, digits: 1}},
	"204": {{code: "2040", name: "TSH", loinc: "3016-3", unit: "mIU/L", low: 0.4, high: 4.5, digits: 2}},
}

// panelNames maps names of panels to their codes.
var panelNames = map[string]string{
	"lipids": "101", "lipid panel": "101", "sexually transmitted infections": "102", "sti": "102",
	"metabolic panel": "201", "comprehensive metabolic panel": "201", "complete blood count": "202", "cbc": "202",
	"hemoglobin a1c": "203", "tsh": "204", "thyroid": "204",
}

// analytesOf returns the analytes of a test.
func analytesOf(test orderedTest) []analyte {
	if panel, ok := panelsByCode[test.Code]; ok {
		return panel
	}
	for _, name := range []string{test.Code, test.Name} {
		if code, ok := panelNames[strings.ToLower(name)]; ok {
			return panelsByCode[code]
		}
	}
	for _, code := range slices.Sorted(maps.Keys(panelsByCode)) {
		for _, a := range panelsByCode[code] {
			if test.Code == a.code || test.Code == a.loinc || strings.EqualFold(test.Name, a.name) {
				a.code = test.Code
				return []analyte{a}
			}
		}
	}
	name := test.Name
	if name == "" {
		name = "Test " + test.Code
	}
	return []analyte{{code: test.Code, name: name, unit: "units", low: 10, high: 90}}
}

// generateNeutralResults returns plausible results of the tests. They are the same for every call with the same order
// number. The first result has the given interpretation; empty: normal.
func generateNeutralResults(number string, tests []orderedTest, interpretation, at string) []neutralResult {
	random := randomOf(number)
	results := []neutralResult{}
	for _, test := range tests {
		for _, a := range analytesOf(test) {
			// The value is within the range, so that generated results are normal.
			value := a.low + (a.high-a.low)*(0.25+random.Float64()/2)
			wanted := normal
			if len(results) == 0 && interpretation != "" {
				wanted = interpretation
			}
			results = append(results, a.result(value, wanted, at))
		}
	}
	return results
}

// outOfRangeFactor is the factor by which a result exceeds its range. A result with another interpretation is within
// its range.
var outOfRangeFactor = map[string]float64{abnormal: 1.3, critical: 3}

var flags = map[string]map[string]string{
	typeNumeric: {abnormal: "H", critical: "HH"}, typeRange: {abnormal: "H", critical: "HH"},
	typeCoded: {abnormal: "A", critical: "AA"}, typeComment: {abnormal: "A", critical: "AA"},
}

func (a analyte) result(value float64, interpretation, at string) neutralResult {
	r := neutralResult{
		Code: a.code, Name: a.name, LOINC: a.loinc, Type: a.resultType(), Unit: a.unit,
		Interpretation: interpretation, At: at, Flag: flags[a.resultType()][interpretation],
	}
	over, out := outOfRangeFactor[interpretation]
	switch r.Type {
	case typeNumeric:
		if out {
			value = a.high * over
		}
		r.setValue(value, a.digits)
		low, high := a.low, a.high
		r.Min, r.Max, r.ReferenceRange = &low, &high, a.formatValue(a.low)+"-"+a.formatValue(a.high)
	case typeRange:
		high := a.high
		r.Max, r.ReferenceRange = &high, "<"+a.formatValue(a.high)
		r.Result = "<" + a.formatValue(a.high/10)
		if out {
			r.Result = ">" + a.formatValue(a.high*over)
		}
	case typeComment:
		r.Result = "No abnormal cells seen."
		if out {
			r.Result = "Abnormal cells seen, see the report."
		}
	default:
		r.Result, r.ReferenceRange = "NOT_DETECTED", "NOT_DETECTED"
		if out {
			r.Result = "DETECTED"
		}
	}
	return r
}

func (a analyte) resultType() string {
	switch {
	case a.kind != "":
		return a.kind
	case a.unit != "":
		return typeNumeric
	}
	return typeCoded
}

func (a analyte) formatValue(value float64) string {
	return strconv.FormatFloat(value, 'f', a.digits, 64)
}

func (r *neutralResult) setValue(value float64, digits int) {
	scale := math.Pow10(digits)
	value = math.Round(value*scale) / scale
	r.Value, r.Result = &value, strconv.FormatFloat(value, 'f', digits, 64)
}

var resultTypes = []string{typeNumeric, typeRange, typeComment, typeCoded}

// convertTo returns the result as one of another type, with the same interpretation.
func (r *neutralResult) convertTo(kind string) neutralResult {
	if r.Type == kind {
		return *r
	}
	a := analyte{code: r.Code, name: r.Name, loinc: r.LOINC, low: 10, high: 90, kind: kind}
	if kind == typeNumeric || kind == typeRange {
		a.unit = "units"
	}
	return a.result((a.low+a.high)/2, r.Interpretation, r.At)
}

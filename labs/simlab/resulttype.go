package simlab

var resultTypes = []string{typeNumeric, typeRange, typeComment, typeCoded}

// convertTo is the result as another kind of test would have it, with the same interpretation.
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

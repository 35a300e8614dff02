package sandbox

var resultTypes = []string{typeNumeric, typeRange, typeComment, typeCoded}

// as is the result as another kind of test would have it, with the same interpretation.
func (r *neutralResult) as(kind string) neutralResult {
	if r.Type == kind {
		return *r
	}
	a := assay{code: r.Code, name: r.Name, loinc: r.LOINC, low: 10, high: 90, kind: kind}
	if kind == typeNumeric || kind == typeRange {
		a.unit = "units"
	}
	return a.result((a.low+a.high)/2, r.Interpretation, r.At)
}

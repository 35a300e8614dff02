package simlab

// generateShapedObservations returns observations of the panels whose types and interpretations the step asks for. The
// first one has the step's interpretation, all others are normal.
func generateShapedObservations(number string, panelIDs []int, step Step, at string) []Observation {
	random := randomOf(number)
	var observations []Observation
	for _, id := range panelIDs {
		for _, m := range panelMarkers(id) {
			wanted := normal
			if len(observations) == 0 && step.Interpretation != "" {
				wanted = step.Interpretation
			}
			a := m.analyteOf(step.ResultTypes, len(observations))
			value := a.low + (a.high-a.low)*(0.25+random.Float64()/2)
			reported := a.result(value, wanted, at)
			observations = append(observations, reported.toObservation())
		}
	}
	return observations
}

// analyteOf returns the marker as an analyte of the type that is its turn; without types, of its own type.
func (m marker) analyteOf(types []string, turn int) analyte {
	a := analyte{name: m.name, loinc: m.loinc, unit: m.unit, low: float64(m.low), high: float64(m.high)}
	if len(types) > 0 {
		a.kind = types[turn%len(types)]
	}
	if kind := a.resultType(); a.unit == "" && (kind == typeNumeric || kind == typeRange) {
		a.unit, a.low, a.high = "units", 10, 90
	}
	return a
}

// toObservation returns the result in Molecular's form: the flag is the lab's word, and a coded value is one of two
// words.
func (r *neutralResult) toObservation() Observation {
	o := Observation{TestName: r.Name, LOINC: r.LOINC, AssayedAt: r.At, Interpretation: r.Interpretation,
		Result: r.Result, ResultValue: r.Result, Units: r.Unit, ReferenceRange: r.ReferenceRange}
	switch {
	case r.Type == typeCoded:
		o.Result, o.Units, o.ReferenceRange = resultNotDetected, "", ""
		if r.Result == "DETECTED" {
			o.Result = resultDetected
		}
		o.ResultValue = o.Result
	case r.Type == typeComment:
		o.Units = ""
	case r.Flag != "":
		o.Result = r.Flag
	}
	return o
}

// shape leaves out the results that the step does not report, and states the report's interpretation, which may be that
// of a result that is left out.
func (r *molecularReport) shape(step Step) {
	r.Interpretation = step.Interpretation
	if step.Partial {
		r.Status = statusPartial
		r.Observations = r.Observations[:(len(r.Observations)+1)/2]
	}
	if last := len(r.Observations) - 1; step.Missing != "" && last >= 0 {
		r.Missing = []missingObservation{{TestName: r.Observations[last].TestName, LOINC: r.Observations[last].LOINC,
			Failure: step.Missing, Note: "Test not performed."}}
		r.Observations = r.Observations[:last]
	}
}

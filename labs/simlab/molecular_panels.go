package simlab

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
)

const (
	resultDetected    = "Detected"
	resultNotDetected = "Not Detected"
)

// marker is one test of a panel. A marker without a unit is either detected or not.
type marker struct {
	name      string
	loinc     string
	unit      string
	low, high int
}

// panels are the panels of the simulated lab. Any other panel id has one generic test.
var panels = map[int][]marker{
	// Lipids.
	101: {
		{name: "Total Cholesterol", loinc: "2093-3", unit: "mg/dL", low: 100, high: 199},
		{name: "HDL Cholesterol", loinc: "2085-9", unit: "mg/dL", low: 40, high: 100},
		{name: "LDL Cholesterol", loinc: "13457-7", unit: "mg/dL", low: 0, high: 129},
		{name: "Triglycerides", loinc: "2571-8", unit: "mg/dL", low: 0, high: 149},
	},
	// Sexually transmitted infections.
	102: {
		{name: "Chlamydia trachomatis", loinc: "21613-5"},
		{name: "Neisseria gonorrhoeae", loinc: "24111-7"},
		{name: "Trichomonas vaginalis", loinc: "46154-1"},
	},
}

// randomOf returns the source of the results of an order number. It is the same for every call.
func randomOf(number string) *rand.Rand {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(number)) // a hash never fails
	return rand.New(rand.NewPCG(hash.Sum64(), 0))
}

// generateObservations returns plausible observations for the panels. They are the same for every call with the same
// order number.
func generateObservations(number string, panelIDs []int, at string) []Observation {
	random := randomOf(number)
	var observations []Observation
	for _, id := range panelIDs {
		for _, m := range panelMarkers(id) {
			observations = append(observations, m.generateObservation(random, at))
		}
	}
	return observations
}

func panelMarkers(panelID int) []marker {
	if known, ok := panels[panelID]; ok {
		return known
	}
	return []marker{{name: "Panel " + strconv.Itoa(panelID)}}
}

func (m marker) generateObservation(random *rand.Rand, at string) Observation {
	o := Observation{TestName: m.name, LOINC: m.loinc, AssayedAt: at, Result: resultDetected}
	if m.unit != "" {
		// The value is within the range, so that generated results are normal.
		o.ResultValue = strconv.Itoa(m.low + (m.high-m.low)/4 + random.IntN((m.high-m.low)/2))
		o.Units, o.ReferenceRange = m.unit, strconv.Itoa(m.low)+"-"+strconv.Itoa(m.high)
		return o
	}
	if random.IntN(10) > 0 {
		o.Result = resultNotDetected
	}
	o.ResultValue = o.Result
	return o
}

// correctObservations changes the first observation, differently for every version.
func correctObservations(observations []Observation, version int) {
	if len(observations) == 0 {
		return
	}
	first := &observations[0]
	isFlagged := first.Result != first.ResultValue
	value, err := strconv.Atoi(first.ResultValue)
	switch {
	case err == nil:
		first.ResultValue = strconv.Itoa(value + version)
	case first.Result != resultDetected && first.Result != resultNotDetected:
		first.Result = "C" + strconv.Itoa(version) // a comment or a bound gets another flag
		return
	case version%2 == 0:
		return
	case first.Result == resultDetected:
		first.ResultValue = resultNotDetected
	default:
		first.ResultValue = resultDetected
	}
	if !isFlagged {
		first.Result = first.ResultValue
	}
}

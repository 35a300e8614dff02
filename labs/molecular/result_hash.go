package molecular

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// contentHash returns the hash of everything that makes a later lab report a correction: the status, the observations
// in any order, and the PDF, because a lab may correct the PDF only. The lab's version number is not included.
func (a reportAnswer) contentHash(pdf []byte) string {
	document := sha256.Sum256(pdf)
	lines := make([]string, 0, len(a.Observations))
	for _, o := range a.Observations {
		lines = append(lines, joinTexts(
			o.TestName, o.Result, o.ResultValue, o.SNP, o.AssayedAt, o.Units, o.ReferenceRange, o.LOINC))
		if o.Interpretation != "" {
			lines = append(lines, joinTexts(o.TestName, o.Interpretation))
		}
	}
	for _, m := range a.Missing {
		lines = append(lines, joinTexts("missing", m.TestName, m.LOINC, m.Failure, m.Note))
	}
	if a.Interpretation != "" {
		lines = append(lines, joinTexts("interpretation", a.Interpretation))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(joinTexts(textValue(a.reportStatus()), a.Tempstrip,
		textValue(hex.EncodeToString(document[:]))) + strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// joinTexts encodes texts so that two different lists never have the same encoding.
func joinTexts(list ...textValue) string {
	encoded, err := json.Marshal(list)
	if err != nil {
		panic(err) // a list of strings can always be encoded
	}
	return string(encoded)
}

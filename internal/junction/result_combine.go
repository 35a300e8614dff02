package junction

import (
	"slices"

	"github.com/aliquot-labs/aliquot/order"
)

// OrderResult is an order with the newest version of its results that the client sees.
type OrderResult struct {
	Order  order.Order
	Result order.ResultVersion
}

// CombineResults is what the orders of one transaction have reported together, oldest order first: where two report the same marker, the
// newer order counts, and what an order misses is missing only where no order has reported it. The metadata is that of the newest, but
// that nothing is called better than what an older one has reported and still counts. There is at least one.
func CombineResults(all []OrderResult) LabResultsRaw {
	var out LabResultsRaw
	results, missing, kept := []BiomarkerResult{}, []MissingResult{}, 0
	samples := map[string]SampleData{}
	for _, part := range all {
		r := FromResultVersion(part.Order, part.Result)
		results = slices.DeleteFunc(results, func(old BiomarkerResult) bool {
			return slices.ContainsFunc(r.Results,
				func(b BiomarkerResult) bool { return sameMarker(old.identity(), b.identity()) })
		})
		missing = slices.DeleteFunc(missing, func(old MissingResult) bool {
			return slices.ContainsFunc(r.MissingResults,
				func(m MissingResult) bool { return sameMarker(old.identity(), m.identity()) })
		})
		kept = len(results)
		results, missing = append(results, r.Results...), append(missing, r.MissingResults...)
		for id, s := range r.SampleInformation {
			samples[id] = s
		}
		out = r
	}
	out.Results = results
	out.Metadata.Interpretation = worstInterpretation(out.Metadata.Interpretation, results[:kept])
	out.MissingResults = slices.DeleteFunc(missing, func(m MissingResult) bool {
		return slices.ContainsFunc(results, func(b BiomarkerResult) bool { return sameMarker(m.identity(), b.identity()) })
	})
	if len(samples) > 0 {
		out.SampleInformation = samples
	}
	return out
}

// worstInterpretation is the interpretation of a report together with other results.
func worstInterpretation(report *string, others []BiomarkerResult) *string {
	for _, b := range others {
		together := b.Interpretation
		if report != nil {
			together = string(order.WorseInterpretation(order.Interpretation(*report), order.Interpretation(together)))
		}
		report = &together
	}
	return report
}

// markerIdentity is what two reports have in common when they speak of the same marker.
type markerIdentity struct {
	slug              string
	providerID, loinc *string
}

func (b BiomarkerResult) identity() markerIdentity {
	return markerIdentity{b.Slug, b.ProviderID, b.LOINC}
}

func (m MissingResult) identity() markerIdentity {
	return markerIdentity{m.Slug, m.ProviderID, m.LOINC}
}

// sameMarker compares by the lab's own code where both have one, else by LOINC code, else by slug.
func sameMarker(a, b markerIdentity) bool {
	switch {
	case a.providerID != nil && b.providerID != nil:
		return *a.providerID == *b.providerID
	case a.loinc != nil && b.loinc != nil:
		return *a.loinc == *b.loinc
	default:
		return a.slug != "" && a.slug == b.slug // a name without a letter or digit of ours has none
	}
}

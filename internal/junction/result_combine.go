package junction

import (
	"slices"

	"github.com/aliquot-labs/aliquot/order"
)

// OrderResult is an order with the newest result version that is visible to the client.
type OrderResult struct {
	Order  order.Order
	Result order.ResultVersion
}

// CombineResults combines the results of the orders of one transaction, which are passed oldest first; there must be at
// least one. Of two results of the same marker, that of the newer order is used. A marker counts as missing only when
// no order has a result of it. The metadata is that of the newest order. Its interpretation is the worst of the newest
// report and of the older results that are still used.
func CombineResults(all []OrderResult) LabResultsRaw {
	var out LabResultsRaw
	results, missing, olderCount := []BiomarkerResult{}, []MissingResult{}, 0
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
		olderCount = len(results)
		results, missing = append(results, r.Results...), append(missing, r.MissingResults...)
		for id, s := range r.SampleInformation {
			samples[id] = s
		}
		out = r
	}
	out.Results = results
	out.Metadata.Interpretation = worstInterpretation(out.Metadata.Interpretation, results[:olderCount])
	out.MissingResults = slices.DeleteFunc(missing, func(m MissingResult) bool {
		return slices.ContainsFunc(results, func(b BiomarkerResult) bool { return sameMarker(m.identity(), b.identity()) })
	})
	if len(samples) > 0 {
		out.SampleInformation = samples
	}
	return out
}

// worstInterpretation returns the worst of a report's interpretation and those of other results. A nil report has none.
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

// markerIdentity holds the fields by which sameMarker recognizes the same marker in two lab reports.
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

// sameMarker reports whether two identities mean the same marker. It compares the lab's codes when both have one, else
// the LOINC codes when both have one, else the slugs.
func sameMarker(a, b markerIdentity) bool {
	switch {
	case a.providerID != nil && b.providerID != nil:
		return *a.providerID == *b.providerID
	case a.loinc != nil && b.loinc != nil:
		return *a.loinc == *b.loinc
	default:
		return a.slug != "" && a.slug == b.slug // names in other scripts have no slug
	}
}

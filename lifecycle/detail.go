package lifecycle

// Detail is the status_detail of an event: why the lab is held up, or why the sample failed. Empty means none.
type Detail string

// The statuses that each group goes with are those of order-lifecycle#status-details.
const (
	// FulfillmentError is part of the enumeration, but no document says with which status it goes.
	FulfillmentError Detail = "fulfillment_error"

	// With lab_processing_blocked.
	DateOfCollectionUnspecified       Detail = "date_of_collection_unspecified"
	DemographicInformationUnspecified Detail = "demographic_information_unspecified"
	DemographicInformationMismatch    Detail = "demographic_information_mismatch"

	// With sample_error.
	SampleQuantityNotSufficient Detail = "sample_quantity_not_sufficient"
	SampleContaminated          Detail = "sample_contaminated"
	SampleImproperCollection    Detail = "sample_improper_collection"
	SampleHemolyzed             Detail = "sample_hemolyzed"
	SampleStabilityExceeded     Detail = "sample_stability_exceeded"
)

// Details lists the nine details.
func Details() []Detail {
	return []Detail{
		FulfillmentError,
		DateOfCollectionUnspecified, DemographicInformationUnspecified, DemographicInformationMismatch,
		SampleQuantityNotSufficient, SampleContaminated, SampleImproperCollection, SampleHemolyzed, SampleStabilityExceeded,
	}
}

// AllowedWith reports whether an event with the status l may carry d. No detail is allowed with every status; FulfillmentError, whose use
// is undocumented, with none.
func (d Detail) AllowedWith(l LowStatus) bool {
	switch d {
	case "":
		return true
	case DateOfCollectionUnspecified, DemographicInformationUnspecified, DemographicInformationMismatch:
		return l.In(StageBlocked)
	case SampleQuantityNotSufficient, SampleContaminated, SampleImproperCollection, SampleHemolyzed,
		SampleStabilityExceeded:
		return l == SampleError
	}
	return false
}

package lifecycle

// Detail is the status_detail of an event: why the lab cannot process the kit, or why the sample failed. Empty means
// none.
type Detail string

// The statuses of each group are those of order-lifecycle#status-details.
const (
	// FulfillmentError is part of the enumeration, but no document names its status.
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

// AllowedWith reports whether an event with the status l may have the detail d. Every status allows an empty detail. No
// status allows FulfillmentError, because its use is not documented.
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

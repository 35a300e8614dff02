package order

import "reflect"

// ConfidentialTypes lists the types that hold, or may hold, something about a patient. They exist in the store, sealed,
// and in memory. dispatch.NewConverter refuses to pass them to Temporal. A test checks that every type of this package
// is either listed here or known to be free of patient data.
func ConfidentialTypes() []reflect.Type { return confidentialTypes }

var confidentialTypes = []reflect.Type{
	reflect.TypeFor[Address](),
	reflect.TypeFor[AoEAnswer](),
	reflect.TypeFor[AppointmentDocument](),
	reflect.TypeFor[BilledInsurance](),
	reflect.TypeFor[BookingBody](),
	reflect.TypeFor[Consent](),
	reflect.TypeFor[Correction](),
	reflect.TypeFor[Image](),
	reflect.TypeFor[InsuredPerson](),
	reflect.TypeFor[LabReport](),
	reflect.TypeFor[Location](),
	reflect.TypeFor[MatchReview](),
	reflect.TypeFor[MatchReviewAcceptance](),
	reflect.TypeFor[MatchableOrder](),
	reflect.TypeFor[MissingMarker](),
	reflect.TypeFor[NameRun](),
	reflect.TypeFor[NameWord](),
	reflect.TypeFor[Order](),
	reflect.TypeFor[Patient](),
	reflect.TypeFor[Physician](),
	reflect.TypeFor[Registration](),
	reflect.TypeFor[Result](),
	reflect.TypeFor[ResultSummary](),
	reflect.TypeFor[ResultVersion](),
	reflect.TypeFor[Shipment](),
	reflect.TypeFor[ShippingAddress](),
	reflect.TypeFor[TestedPatient](),
}

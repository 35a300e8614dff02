package order

import "reflect"

// ConfidentialTypes lists the types that hold something about a patient, or may. They stay in the store, sealed, and in memory: nothing of
// them may enter Temporal, which dispatch.NewConverter holds. A test makes sure that every type of this package is either here or
// known to travel.
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

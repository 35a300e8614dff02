package order

import "reflect"

// Confidential lists the types that hold something about a patient, or may. They stay in the store, sealed, and in memory: nothing of
// them may enter Temporal, which dispatch.NewConverter holds. A test makes sure that every type of this package is either here or
// known to travel.
func Confidential() []reflect.Type { return confidential }

var confidential = []reflect.Type{
	reflect.TypeFor[Acceptance](),
	reflect.TypeFor[Address](),
	reflect.TypeFor[AoEAnswer](),
	reflect.TypeFor[AppointmentDocument](),
	reflect.TypeFor[BookingBody](),
	reflect.TypeFor[Consent](),
	reflect.TypeFor[Correction](),
	reflect.TypeFor[Cover](),
	reflect.TypeFor[Image](),
	reflect.TypeFor[Insured](),
	reflect.TypeFor[Matchable](),
	reflect.TypeFor[Missing](),
	reflect.TypeFor[Order](),
	reflect.TypeFor[Patient](),
	reflect.TypeFor[Physician](),
	reflect.TypeFor[Place](),
	reflect.TypeFor[Registration](),
	reflect.TypeFor[Report](),
	reflect.TypeFor[Result](),
	reflect.TypeFor[ResultSummary](),
	reflect.TypeFor[ResultVersion](),
	reflect.TypeFor[Review](),
	reflect.TypeFor[Shipment](),
	reflect.TypeFor[ShippingAddress](),
	reflect.TypeFor[Tested](),
}

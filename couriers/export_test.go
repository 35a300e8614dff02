package couriers

// Unexported identifiers that the tests use.
var (
	CourierOfShippingMethod = fromShippingMethod
	IdentifyCourier         = identify
	TrackingPage            = trackingPage
)

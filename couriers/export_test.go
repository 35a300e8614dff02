package couriers

// What the tests see of the package beside its exports.
var (
	CourierOfShippingMethod = fromShippingMethod
	IdentifyCourier         = identify
	TrackingPage            = trackingPage
)

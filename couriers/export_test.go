package couriers

// What the tests see of the package beside its exports.
var (
	FromShippingMethod = fromShippingMethod
	Identify           = identify
	TrackingPage       = trackingPage
)

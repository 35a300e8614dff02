// Package couriers knows the carriers that bring kits to customers and samples to labs: whose a
// tracking number is and where it can be followed, what a courier's report means for an order,
// and the port through which a number is handed to a tracking service. Adapters of tracking
// services are packages below it.
//
// Couriers are optional: an order is complete without them, because the lab itself says what it
// has shipped and received.
package couriers

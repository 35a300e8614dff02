// Package couriers knows the carriers that bring kits to customers and samples to labs: which carrier a tracking number
// belongs to and where it can be followed, what a courier's report means for an order, and the interface of a tracking
// service. Adapters of tracking services are packages below it.
//
// Couriers are optional. An order is complete without them, because the lab itself reports what it has shipped and
// received.
package couriers

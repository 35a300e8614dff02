// Package couriers is about the carriers of kits and samples. It finds the carrier and the tracking page of a tracking
// number, maps the updates of a courier to statuses of an order, and defines the interface of a tracking service.
// Adapters of tracking services are packages below it.
//
// Couriers are optional. An order is complete without them, because the lab itself reports what it has shipped and
// received.
package couriers

// Package chaos kills and stops the processes of a running system while hundreds of orders go through it, and then compares what
// independent witnesses say of the same orders: the callers, the simulated lab, the endpoints for webhooks, the store and Temporal.
//
// The comparison is a pure function (Check) with controls that must fail. What an order has to come to is derived from the script that
// the lab was given for it and from what its caller did (Kinds), by hand, after docs/spec/order-lifecycle.md#edges:
// nothing is asked of the product's own tables.
package chaos

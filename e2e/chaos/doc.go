// Package chaos kills and stops the processes of a running system while hundreds of orders go through it. It then
// compares what independent observers say of the same orders: the callers, the simulated lab, the webhook receivers,
// the store and Temporal.
//
// The comparison is a pure function (FindDiscrepancies) with control tests that must fail. The expected history of an
// order follows from the script of the simulated lab and the steps of its caller (OrderPlans). It is written by hand
// after docs/spec/order-lifecycle.md#edges and does not use the product's own tables.
package chaos

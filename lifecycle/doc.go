// Package lifecycle holds the statuses of a lab-test order and the state machines that say which status may follow
// which, who may ask for it and under what condition.
//
// The tables are those of docs/spec/order-lifecycle.md#edges. An edge is either documented by the vendor whose API we
// are compatible with, or an extension of ours with a reason. A transition that is not listed is refused.
//
// The package is called by workflow code: it does no I/O, has no state between calls and does not depend on map order.
// A change to a table changes what running orders do, and is versioned like any other change to a workflow.
package lifecycle

//go:generate go run ./lifecycledoc -out ../docs/lifecycle.md

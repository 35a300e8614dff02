package lifecycle_test

import (
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// A full status has three parts: the top level, the modality (how the sample is collected) and the low level.
func ExampleStatus() {
	status := lifecycle.Status("collecting_sample.testkit.transit_customer")
	fmt.Println(status.Valid())
	fmt.Println(status.Top())
	fmt.Println(status.Modality())
	fmt.Println(status.Low(), "is in the stage:", status.Low().Stage())
	// Output:
	// true
	// collecting_sample
	// testkit
	// transit_customer is in the stage: outbound
}

// A modality does not have every status: the blood of an on-site collection never travels as a kit.
func ExampleFullStatus() {
	status, ok := lifecycle.FullStatus(lifecycle.AtHomePhlebotomy, lifecycle.DrawCompleted)
	fmt.Println(status, ok)
	_, ok = lifecycle.FullStatus(lifecycle.OnSite, lifecycle.TransitLab)
	fmt.Println(ok)
	// Output:
	// collecting_sample.at_home_phlebotomy.draw_completed true
	// false
}

// UsualPath lists the statuses of an order without problems.
func ExampleMachine_UsualPath() {
	machine := lifecycle.MachineFor(lifecycle.WalkIn, false, false)
	for _, low := range machine.UsualPath() {
		fmt.Println(lifecycle.MustFullStatus(lifecycle.WalkIn, low))
	}
	// Output:
	// received.walk_in_test.ordered
	// received.walk_in_test.requisition_created
	// collecting_sample.walk_in_test.appointment_pending
	// collecting_sample.walk_in_test.appointment_scheduled
	// completed.walk_in_test.completed
}

// Next lists the statuses that may follow, for any actor.
func ExampleMachine_Next() {
	machine := lifecycle.MachineFor(lifecycle.Testkit, false, false)
	for _, low := range machine.Next(lifecycle.DeliveredToLab, lifecycle.Conditions{Shipped: true}) {
		fmt.Println(low)
	}
	// Output:
	// completed
	// do_not_process
	// lab_processing_blocked
	// sample_error
}

// Check says whether an actor may ask for a transition, and why not.
func ExampleMachine_Check() {
	machine := lifecycle.MachineFor(lifecycle.Testkit, false, false)
	shipped := lifecycle.Conditions{Shipped: true}

	fmt.Println(machine.Check(lifecycle.TransitLab, lifecycle.DeliveredToLab, lifecycle.Courier, shipped))

	err := machine.Check(lifecycle.TransitLab, lifecycle.DeliveredToLab, lifecycle.Client, shipped)
	var refused *lifecycle.RefusedError
	if errors.As(err, &refused) {
		fmt.Println(refused.Reason)
	}
	fmt.Println(machine.Check(lifecycle.Completed, lifecycle.Ordered, lifecycle.Operations, shipped))
	// Output:
	// <nil>
	// actor
	// Transition from completed.testkit.completed to received.testkit.ordered is not allowed
}

// A guard is a condition on an edge: a client may cancel a registered kit only while it has not been shipped.
func ExampleMachine_Cancellable() {
	machine := lifecycle.MachineFor(lifecycle.Testkit, true, true)
	fmt.Println(machine.Cancellable(lifecycle.Registered, lifecycle.Conditions{}))
	fmt.Println(machine.Cancellable(lifecycle.Registered, lifecycle.Conditions{Shipped: true}))
	// Output:
	// true
	// false
}

// Each edge names the actors who may ask for it. An edge that the vendor does not document says why it exists.
func ExampleMachine_Edges() {
	machine := lifecycle.MachineFor(lifecycle.OnSite, false, false)
	for _, edge := range machine.Edges() {
		if edge.From != lifecycle.Completed {
			continue
		}
		fmt.Printf("%s to %s by %v: %s\n", edge.From, edge.To, edge.Actors, edge.Why)
	}
	// Output:
	// completed to corrected by [lab system]: a lab may correct its report, more than once
}

// An appointment has a small machine of its own, beside the order's.
func ExampleAppointmentAllows() {
	fmt.Println(lifecycle.AppointmentAllows(
		lifecycle.AppointmentStatusPending, lifecycle.AppointmentStatusConfirmed))
	fmt.Println(lifecycle.AppointmentAllows(
		lifecycle.AppointmentStatusCompleted, lifecycle.AppointmentStatusConfirmed))
	// Output:
	// true
	// false
}

package chaos

import "github.com/aliquot-labs/aliquot/e2e/drive"

const (
	booked  = "appointment_pending appointment_scheduled"
	byOther = "ordered requisition_bypassed"
)

// atCenter is an appointment at a patient service center, made after a status.
func atCenter(after string, do Deed) []Act {
	return []Act{{after, do, booked + " completed"}}
}

// importedKinds are orders that somebody else has placed at their lab, some of which reports on before we know them.
func importedKinds() []Kind {
	kind := func(test, script, path string, acts ...Act) Kind {
		return Kind{Name: "imported " + test + " " + script, Test: test, Script: script, Import: true, Path: path, Acts: acts, Weight: 1}
	}
	return []Kind{
		kind(drive.Testkit, "happy", byOther+" transit_customer out_for_delivery with_customer transit_lab delivered_to_lab completed"),
		kind(drive.WalkIn, "walk-in-no-appointment", byOther+" completed"),
		kind(drive.WalkIn, "happy", byOther+" "+booked+" completed", atCenter("requisition_bypassed", Book)...),
		kind(drive.OnSite, "happy", byOther+" draw_completed completed"),
		kind(drive.OnSite, "silent", byOther+" cancelled", Act{"requisition_bypassed", Cancel, "cancelled"}),
	}
}

// bookedKinds have an appointment at a patient service center, which is confirmed at once, later, or while nobody waits for it.
func bookedKinds() []Kind {
	kind := func(script string, do Deed) Kind {
		return Kind{
			Name: "booked " + script, Test: drive.WalkIn, Script: script, Path: toLab + " " + booked + " completed", Weight: 1,
			Acts: atCenter("requisition_created", do),
		}
	}
	return []Kind{
		kind("happy", BookAndWait), kind("book-pending", Book), kind("slow-book-3", Book), kind("fail-book-3", Book), kind("book-unanswered", Book),
	}
}

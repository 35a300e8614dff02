package lifecycle

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// documentedStatuses has every status of client-api#18-order-states: top level, modality, low-level statuses.
const documentedStatuses = `
received testkit: ordered awaiting_registration requisition_created requisition_bypassed registered
received walk_in_test: ordered requisition_created requisition_bypassed
received at_home_phlebotomy: ordered requisition_created requisition_bypassed
received on_site_collection: ordered requisition_created requisition_bypassed
collecting_sample testkit: transit_customer out_for_delivery with_customer transit_lab \
	problem_in_transit_customer problem_in_transit_lab
collecting_sample walk_in_test: appointment_pending appointment_scheduled appointment_cancelled redraw_available
collecting_sample at_home_phlebotomy: appointment_pending appointment_scheduled draw_completed appointment_cancelled
sample_with_lab testkit: delivered_to_lab lab_processing_blocked
sample_with_lab walk_in_test: partial_results
sample_with_lab at_home_phlebotomy: partial_results
sample_with_lab on_site_collection: draw_completed partial_results
completed testkit: completed corrected
completed walk_in_test: completed corrected
completed at_home_phlebotomy: completed corrected
completed on_site_collection: completed corrected
failed testkit: failure_to_deliver_to_customer failure_to_deliver_to_lab sample_error lost
failed walk_in_test: sample_error
failed at_home_phlebotomy: sample_error
failed on_site_collection: sample_error
cancelled testkit: cancelled do_not_process
cancelled walk_in_test: cancelled
cancelled at_home_phlebotomy: cancelled
cancelled on_site_collection: cancelled`

// parseDocumentedStatuses reads documentedStatuses.
func parseDocumentedStatuses(t *testing.T) map[Status]bool {
	t.Helper()
	all := map[Status]bool{}
	for _, line := range tableLines(documentedStatuses) {
		left, right, ok := strings.Cut(line, ":")
		require.True(t, ok, line)
		prefix := strings.Join(strings.Fields(left), ".")
		for _, low := range strings.Fields(right) {
			all[Status(prefix+"."+low)] = true
		}
	}
	require.Len(t, all, 54)
	return all
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	want := parseDocumentedStatuses(t)
	got := Statuses()
	require.Len(t, got, 54)
	for _, s := range got {
		require.True(t, want[s], s)
		require.True(t, s.Valid(), s)
		parts := strings.Split(string(s), ".")
		require.Equal(t, TopStatus(parts[0]), s.Top())
		require.Equal(t, Modality(parts[1]), s.Modality())
		require.Equal(t, LowStatus(parts[2]), s.Low())
		require.Equal(t, s, MustFullStatus(s.Modality(), s.Low()))
		delete(want, s)
	}
	require.Empty(t, want)
	require.Equal(t, Status("received.testkit.ordered"), got[0])
	require.Equal(t, Status("cancelled.on_site_collection.cancelled"), got[53])
}

// TestFullStatus calls FullStatus with every pair. Only the documented ones exist.
func TestFullStatus(t *testing.T) {
	t.Parallel()
	want := parseDocumentedStatuses(t)
	found := 0
	for _, m := range append(Modalities(), "carrier_pigeon", "") {
		for _, low := range allLowStatuses {
			s, ok := FullStatus(m, LowStatus(low))
			require.Equal(t, ok, want[s], "%s %s", m, low)
			if ok {
				found++
				continue
			}
			require.Empty(t, s)
			require.Panics(t, func() { MustFullStatus(m, LowStatus(low)) })
		}
	}
	require.Equal(t, 54, found)
}

func TestInvalidStatuses(t *testing.T) {
	t.Parallel()
	for _, s := range []Status{
		"", "ordered", "received.ordered", "received.testkit.ordered.again", "collecting_sample.testkit.ordered",
		"collecting_sample.on_site_collection.draw_completed", "received.walk_in_test.registered", "received.testkit.Ordered",
		"..",
	} {
		require.False(t, s.Valid(), s)
	}
	require.Empty(t, Status("received.ordered").Low())
	require.True(t, Testkit.Valid())
	require.False(t, Modality("carrier_pigeon").Valid())
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	const terminal = `completed corrected cancelled do_not_process sample_error failure_to_deliver_to_customer
		failure_to_deliver_to_lab lost redraw_available`
	for _, low := range allLowStatuses {
		require.Equal(t, contains(terminal, low), Terminal(LowStatus(low)), low)
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	with := map[string]string{
		"fulfillment_error":                   "",
		"date_of_collection_unspecified":      "lab_processing_blocked",
		"demographic_information_unspecified": "lab_processing_blocked",
		"demographic_information_mismatch":    "lab_processing_blocked",
		"sample_quantity_not_sufficient":      "sample_error",
		"sample_contaminated":                 "sample_error",
		"sample_improper_collection":          "sample_error",
		"sample_hemolyzed":                    "sample_error",
		"sample_stability_exceeded":           "sample_error",
	}
	require.Len(t, Details(), 9)
	for _, d := range Details() {
		status, ok := with[string(d)]
		require.True(t, ok, d)
		for _, low := range allLowStatuses {
			require.Equal(t, low == status, d.AllowedWith(LowStatus(low)), "%s with %s", d, low)
		}
	}
	require.True(t, Detail("").AllowedWith(Ordered))
	require.False(t, Detail("unheard_of").AllowedWith(SampleError))
}

package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// fetchesOf ends a fetch with a report whose patient differs from the order's.
func fetchesOf(version string, differs PatientDifference, change ...func(*FetchOutcome)) happening {
	return func(s State) Decision {
		f := FetchOutcome{Generation: s.Fetch.Generation, ResultID: version, Changed: true, Differs: differs}
		for _, c := range change {
			c(&f)
		}
		return s.decideCall(CallOutcome{ID: "c", Kind: CallFetch, Answer: AnswerDone, Generation: f.Generation, Fetched: f},
			hour(300)).Decision
	}
}

func partial(f *FetchOutcome) { f.Partial = true }

// A report that names somebody else changes no status and is not shown, whatever the order has had before.
func TestResultsOfSomebodyElseAreHeld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before []happening
		report happening
		status lifecycle.LowStatus
		shown  string
		held   string
		mark   AttentionReason // empty: no mark about the patient
	}{
		"somebody else": {nil, fetchesOf("v1", PatientDiffersByBoth), lifecycle.RequisitionCreated, "", "v1",
			AttentionResultOfOtherPatient},
		"somebody else's partial results": {nil, fetchesOf("v1", PatientDiffersByBoth, partial),
			lifecycle.RequisitionCreated, "", "v1", AttentionResultOfOtherPatient},
		"another name": {nil, fetchesOf("v1", PatientDiffersByName), lifecycle.Completed, "v1", "", AttentionPatientMismatch},
		"another date of birth": {nil, fetchesOf("v1", PatientDiffersByBirth), lifecycle.Completed, "v1", "",
			AttentionPatientMismatch},
		"the patient": {nil, fetchesOf("v1", PatientDiffersNot), lifecycle.Completed, "v1", "", ""},
		"a correction about somebody else": {[]happening{fetchesOf("v1", ""), announcementAt(70)},
			fetchesOf("v2", PatientDiffersByBoth), lifecycle.Completed, "v1", "v2", AttentionResultOfOtherPatient},
		"the same, fetched again": {[]happening{fetchesOf("v1", PatientDiffersByBoth), announcementAt(70)},
			fetchesOf("v1", PatientDiffersByBoth), lifecycle.RequisitionCreated, "", "v1", AttentionResultOfOtherPatient},
		"acknowledged, fetched again": {[]happening{fetchesOf("v1", PatientDiffersByBoth),
			acknowledges(AttentionResultOfOtherPatient), announcementAt(70)},
			fetchesOf("v1", PatientDiffersByBoth), lifecycle.RequisitionCreated, "", "", ""},
		"the lab reports on the patient then": {[]happening{fetchesOf("v1", PatientDiffersByBoth), announcementAt(70)},
			fetchesOf("v2", PatientDiffersNot), lifecycle.Completed, "v2", "", ""},
		"accepted": {[]happening{fetchesOf("v1", PatientDiffersByBoth)}, accepts("v1", "v1"), lifecycle.Completed, "v1",
			"", ""},
		"accepted, fetched again": {[]happening{fetchesOf("v1", PatientDiffersByBoth), accepts("v1", "v1"),
			announcementAt(70)}, fetchesOf("v1", PatientDiffersByBoth, func(f *FetchOutcome) { f.Changed = false }),
			lifecycle.Completed, "v1", "", ""},
		"accepted, then a correction about somebody else": {[]happening{fetchesOf("v1", PatientDiffersByBoth),
			accepts("v1", "v1"), announcementAt(70)}, fetchesOf("v2", PatientDiffersByBoth), lifecycle.Completed, "v1", "v2",
			AttentionResultOfOtherPatient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := applyHappenings(placedState(t, nil), append(append([]happening{announcementAt(60)}, c.before...), c.report)...)
			require.Equal(t, c.status, d.Next.Status)
			require.Equal(t, c.shown, d.Next.Fetch.Shown)
			require.Equal(t, c.held, d.Next.heldResultID(AttentionResultOfOtherPatient))
			for _, mark := range []AttentionReason{AttentionResultOfOtherPatient, AttentionPatientMismatch} {
				require.Equal(t, mark == c.mark, d.Next.HasMark(mark), mark)
			}
			require.False(t, d.Next.Fetch.Pending)
		})
	}
}

func TestAHeldReportOfSomebodyElseOpensAReview(t *testing.T) {
	t.Parallel()
	s := applyHappenings(placedState(t, nil), announcementAt(60)).Next
	f := FetchOutcome{Generation: s.Fetch.Generation, ResultID: "v1", Changed: true, Critical: true,
		Differs: PatientDiffersByBoth, CollectedAt: hour(3)}
	rec := s.decideCall(CallOutcome{ID: "c", Kind: CallFetch, Answer: AnswerDone, Fetched: f}, hour(61))
	require.Equal(t, "v1", rec.HeldResultID)
	require.Empty(t, rec.ResultID)
	require.False(t, rec.NewlyCritical, "the client is not told of somebody else's critical result")
	require.Equal(t, ReasonOtherPatient, rec.Decision.Reason)
	require.Empty(t, rec.Decision.Steps)
	require.True(t, rec.Decision.Next.CollectedAt.IsZero())
}

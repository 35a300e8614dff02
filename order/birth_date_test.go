package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBirthDatesAsLabsWriteThem(t *testing.T) {
	t.Parallel()
	may := Date{1922, time.May, 31}
	for _, written := range []string{"1922-05-31", " 1922-05-31\n", "\u200e1922-05-31", "1922-5-31", "1922/05/31",
		"1922/5/31", "1922.05.31", "1922–05–31", "19220531", "192205310000", "19220531000000", "05/31/1922", "5/31/1922",
		"31/05/1922",
		"31.5.1922", "31-05-1922", "31 May 1922", "31-MAY-1922", "31MAY1922", "May 31, 1922", "may 31 1922", "MAY 31 1922",
		"1922-05-31T00:00:00Z", "1922-05-31T00:00:00.000-05:00", "1922-05-31 00:00:00", "05/31/1922 12:00:00 AM",
		"31 OCT 1922 00:00"} {
		want := []Date{may}
		if written == "31 OCT 1922 00:00" {
			want = []Date{{1922, time.October, 31}}
		}
		require.Equal(t, want, (&TestedPatient{DOB: written}).BirthDates(), "%q", written)
	}
	for _, written := range []string{"05/31/22", "5/31/22", "31-May-22", "May 31, 22", "31.05.22"} {
		require.Equal(t, []Date{may, {2022, time.May, 31}}, (&TestedPatient{DOB: written}).BirthDates(), "%q", written)
	}
	require.Equal(t, []Date{{1980, time.January, 2}, {1980, time.February, 1}},
		(&TestedPatient{DOB: "01/02/1980"}).BirthDates())
	for _, written := range []string{"", "unknown", "1922", "00/00/0000", "0000-00-00", "1922-13-40", "05/31", "XXXX",
		"31:05"} {
		require.Empty(t, (&TestedPatient{DOB: written}).BirthDates(), "%q", written)
	}
}

// TestAnotherPatientInAnyFormOfDate: the form of the date does not decide whether a report is held.
func TestAnotherPatientInAnyFormOfDate(t *testing.T) {
	t.Parallel()
	maria := &Patient{FirstName: "Maria", LastName: "Garcia", DOB: Date{1980, time.March, 1}}
	for _, written := range []string{"12/12/22", "1922.12.12", "Dec 12 1922", "19221212000000", "12DEC1922"} {
		boris := &TestedPatient{FirstName: "BORIS", LastName: "OTHERMAN", DOB: written}
		require.Equal(t, PatientDiffersByBoth, boris.DifferenceFrom(maria), written)
	}
	require.Equal(t, PatientDiffersNot,
		(&TestedPatient{FirstName: "MARIA", LastName: "GARCIA", DOB: "03/01/80"}).DifferenceFrom(maria))
}

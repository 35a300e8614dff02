package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestRecoveryWindow(t *testing.T) {
	t.Parallel()
	s := in(t, lifecycle.LabProcessingBlocked, nil)
	for i, name := range []DeadlineName{"recovery_reminder_1", "recovery_reminder_2", "recovery_reminder_3"} {
		s, _ = fire(t, s, name)
		require.Equal(t, []Attention{{Reason: RecoveryNeeded, Since: hour(90), Reminders: i + 1}}, s.Attention)
	}
	s, d := fire(t, s, DeadlineRecoveryWindow)
	require.Equal(t, []Step{{To: lifecycle.SampleError, Detail: lifecycle.SampleStabilityExceeded, At: hour(90).Add(14 * Day)}}, d.Steps)
	require.Equal(t, lifecycle.SampleStabilityExceeded, s.Detail)
	require.Equal(t, []string{"replacement_needed"}, s.AttentionReasons())
	require.Empty(t, s.Deadlines)
	require.Equal(t, RecoveryState{}, s.Recovery)
}

func TestRemindersRenewTheMarkThatIsOpen(t *testing.T) {
	t.Parallel()
	blocked := in(t, lifecycle.LabProcessingBlocked, nil)
	told := blocked.ApplyDemand(Demand{Kind: DemandRecover, By: lifecycle.Operations}, hour(91)).Next
	told, _ = fire(t, told, "recovery_reminder_1")
	require.Equal(t, []Attention{{Reason: TellLab, Since: hour(91), Reminders: 1}}, told.Attention)
	acknowledged := blocked.ApplyDemand(Demand{Kind: DemandAcknowledge, Reason: string(RecoveryNeeded)}, hour(91)).Next
	require.Empty(t, acknowledged.Attention)
	acknowledged, _ = fire(t, acknowledged, "recovery_reminder_1")
	require.True(t, acknowledged.Needs(RecoveryNeeded), "a kit that is still blocked is raised again")
}

func TestRecoveryWindowRestartsAtMostTwice(t *testing.T) {
	t.Parallel()
	s := in(t, lifecycle.LabProcessingBlocked, nil)
	s, _ = fire(t, s, "recovery_reminder_1")
	for i, h := range []int{100, 110} {
		s, _ = run(s, rejected(h, true))
		require.Equal(t, RecoveryState{OpenedAt: hour(h), Restarts: i + 1}, s.Recovery)
		require.Equal(t, due("recovery_reminder_1", h, 3), s.Deadlines[0], "reminders start again")
	}
	s, d := run(s, rejected(120, true))
	require.Equal(t, ReasonRepeated, d.Reason)
	require.Equal(t, due(DeadlineRecoveryWindow, 110, 14), s.Deadlines[len(s.Deadlines)-1], "no third restart")
	require.Equal(t, hour(120), s.FactAt)
}

func TestRecoveryWindowOpensAtThePlausibleTimeOfTheRejection(t *testing.T) {
	t.Parallel()
	for sent, want := range map[time.Time]time.Time{
		hour(90):  hour(90),  // told a day late
		hour(-1):  hour(114), // before the order existed
		hour(115): hour(114), // an hour ahead
	} {
		f := rejected(90, true)
		f.SentAt, f.ReceivedAt = sent, hour(114)
		s, _ := run(placed(t, nil), f)
		require.Equal(t, want, s.Recovery.OpenedAt)
		require.Equal(t, want.Add(14*Day), s.Deadlines[len(s.Deadlines)-1].Due)
	}
}

func TestUnreadableRecoverableIsMarkedEachTime(t *testing.T) {
	t.Parallel()
	unclear := func(h int) Fact { f := rejected(h, true); f.Recoverable = nil; return f }
	s, _ := run(placed(t, nil), unclear(90))
	require.Equal(t, lifecycle.LabProcessingBlocked, s.Status)
	require.Equal(t, []string{"recoverable_unclear", "recovery_needed"}, s.AttentionReasons())
	s, _ = run(s, fact(KitReceived, 95))
	require.Empty(t, s.Attention, "both go with the status")
	s, _ = run(in(t, lifecycle.LabProcessingBlocked, nil), unclear(95))
	require.Equal(t, []string{"recoverable_unclear", "recovery_needed"}, s.AttentionReasons())
}

// Where the lab can be told by a call, the order is back in production once it has accepted what was missing.
func TestALabThatIsToldByACall(t *testing.T) {
	t.Parallel()
	supply := Demand{ID: "d1", Kind: DemandRecover, By: lifecycle.Operations, Correctable: true}
	s := in(t, lifecycle.LabProcessingBlocked, nil).ApplyDemand(supply, hour(91)).Next
	require.Equal(t, "d1", s.Correcting.DemandID)
	require.Empty(t, s.Attention, "nobody has to do anything")
	require.Equal(t, lifecycle.LabProcessingBlocked, s.Status)

	d := s.ApplyCorrected(hour(92))
	require.Equal(t, []lifecycle.Low{lifecycle.DeliveredToLab}, lows(d.Steps))
	require.Nil(t, d.Next.Correcting)

	refused := s.ApplyCorrectionRefused(hour(92)).Next
	require.True(t, refused.Needs(TellLab))
	require.Nil(t, refused.Correcting)
	unanswered := s.ApplyCorrectionUnanswered(hour(92)).Next
	require.True(t, unanswered.Needs(TellLab))
	require.Equal(t, 1, unanswered.Correcting.Tries, "it is told on")

	back, _ := run(s, fact(KitReceived, 95))
	require.Nil(t, back.Correcting, "the lab was faster")
	require.Empty(t, back.ApplyCorrected(hour(96)).Steps)
}

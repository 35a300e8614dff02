package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestRecoveryWindow(t *testing.T) {
	t.Parallel()
	s := stateIn(t, lifecycle.LabProcessingBlocked, nil)
	for i, name := range []DeadlineName{"recovery_reminder_1", "recovery_reminder_2", "recovery_reminder_3"} {
		s, _ = fireDeadline(t, s, name)
		require.Equal(t, []Attention{{Reason: AttentionRecoveryNeeded, Since: hour(90), Reminders: i + 1}}, s.Attention)
	}
	s, d := fireDeadline(t, s, DeadlineRecoveryWindow)
	require.Equal(t,
		[]Step{{To: lifecycle.SampleError, Detail: lifecycle.SampleStabilityExceeded, At: hour(90).Add(14 * Day)}}, d.Steps)
	require.Equal(t, lifecycle.SampleStabilityExceeded, s.Detail)
	require.Equal(t, []string{"replacement_needed"}, s.Agenda().MarkReasons())
	require.Empty(t, s.Deadlines)
	require.Equal(t, RecoveryState{}, s.Recovery)
}

func TestRemindersRenewTheMarkThatIsOpen(t *testing.T) {
	t.Parallel()
	blocked := stateIn(t, lifecycle.LabProcessingBlocked, nil)
	supplied := blocked.ApplyDemand(Demand{Kind: DemandRecover, By: lifecycle.Operations}, hour(91)).Next
	supplied, _ = fireDeadline(t, supplied, "recovery_reminder_1")
	require.Equal(t, []Attention{{Reason: AttentionTellLab, Since: hour(91), Reminders: 1}}, supplied.Attention)
	acknowledged := blocked.ApplyDemand(Demand{Kind: DemandAcknowledgeMark, Reason: string(AttentionRecoveryNeeded)},
		hour(91)).Next
	require.Empty(t, acknowledged.Attention)
	acknowledged, _ = fireDeadline(t, acknowledged, "recovery_reminder_1")
	require.True(t, acknowledged.HasMark(AttentionRecoveryNeeded), "a kit that is still blocked is raised again")
}

func TestRecoveryWindowRestartsAtMostTwice(t *testing.T) {
	t.Parallel()
	s := stateIn(t, lifecycle.LabProcessingBlocked, nil)
	s, _ = fireDeadline(t, s, "recovery_reminder_1")
	for i, h := range []int{100, 110} {
		s, _ = applyFacts(s, rejectionFact(h, true))
		require.Equal(t, RecoveryState{OpenedAt: hour(h), Restarts: i + 1}, s.Recovery)
		require.Equal(t, deadlineAt("recovery_reminder_1", h, 3), s.Deadlines[0], "reminders start again")
	}
	s, d := applyFacts(s, rejectionFact(120, true))
	require.Equal(t, ReasonRepeated, d.Reason)
	require.Equal(t, deadlineAt(DeadlineRecoveryWindow, 110, 14), s.Deadlines[len(s.Deadlines)-1], "no third restart")
	require.Equal(t, hour(120), s.NewestFactAt)
}

func TestRecoveryWindowOpensAtThePlausibleTimeOfTheRejection(t *testing.T) {
	t.Parallel()
	for sent, want := range map[time.Time]time.Time{
		hour(90):  hour(90),  // received a day late
		hour(-1):  hour(114), // before the order's creation
		hour(115): hour(114), // an hour ahead
	} {
		f := rejectionFact(90, true)
		f.SentAt, f.ReceivedAt = sent, hour(114)
		s, _ := applyFacts(placedState(t, nil), f)
		require.Equal(t, want, s.Recovery.OpenedAt)
		require.Equal(t, want.Add(14*Day), s.Deadlines[len(s.Deadlines)-1].Due)
	}
}

func TestUnreadableRecoverableIsMarkedEachTime(t *testing.T) {
	t.Parallel()
	unclear := func(h int) Fact { f := rejectionFact(h, true); f.Recoverable = nil; return f }
	s, _ := applyFacts(placedState(t, nil), unclear(90))
	require.Equal(t, lifecycle.LabProcessingBlocked, s.Status)
	require.Equal(t, []string{"recoverable_unclear", "recovery_needed"}, s.Agenda().MarkReasons())
	s, _ = applyFacts(s, newFact(FactKitReceived, 95))
	require.Empty(t, s.Attention, "both go with the status")
	s, _ = applyFacts(stateIn(t, lifecycle.LabProcessingBlocked, nil), unclear(95))
	require.Equal(t, []string{"recoverable_unclear", "recovery_needed"}, s.Agenda().MarkReasons())
}

// TestCorrectionByCall: an order is back in production once its lab has accepted the correction by a call.
func TestCorrectionByCall(t *testing.T) {
	t.Parallel()
	supply := Demand{ID: "d1", Kind: DemandRecover, By: lifecycle.Operations, LabTakesCorrections: true}
	s := stateIn(t, lifecycle.LabProcessingBlocked, nil).ApplyDemand(supply, hour(91)).Next
	require.Equal(t, "d1", s.PendingCorrection.DemandID)
	require.Empty(t, s.Attention, "nobody has to act")
	require.Equal(t, lifecycle.LabProcessingBlocked, s.Status)

	d := s.ApplyCorrectionAccepted(hour(92))
	require.Equal(t, []lifecycle.LowStatus{lifecycle.DeliveredToLab}, lowStatuses(d.Steps))
	require.Nil(t, d.Next.PendingCorrection)

	refused := s.ApplyCorrectionRefused(hour(92)).Next
	require.True(t, refused.HasMark(AttentionTellLab))
	require.Nil(t, refused.PendingCorrection)
	unanswered := s.ApplyCorrectionUnanswered(hour(92)).Next
	require.True(t, unanswered.HasMark(AttentionTellLab))
	require.Equal(t, 1, unanswered.PendingCorrection.UnansweredRounds, "attempts go on")

	back, _ := applyFacts(s, newFact(FactKitReceived, 95))
	require.Nil(t, back.PendingCorrection, "the lab was faster")
	require.Empty(t, back.ApplyCorrectionAccepted(hour(96)).Steps)
}

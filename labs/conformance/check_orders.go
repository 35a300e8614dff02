package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func checkPlacing(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := openClient(t, f, f.FullAccount, p.URL, nil)
	first, err := c.Place(t.Context(), f.NewRequisition(OrderNumber))
	require.NoError(t, err)
	require.False(t, first.AlreadyPlaced)
	require.NotEmpty(t, first.Raw, "the answer is in Raw")

	again, err := c.Place(t.Context(), f.NewRequisition(OrderNumber))
	require.NoError(t, err, "the lab has the order from an earlier attempt")
	require.True(t, again.AlreadyPlaced)
	require.Equal(t, first.Accession, again.Accession)

	other, err := c.Place(t.Context(), f.NewRequisition(otherOrderNumber))
	require.NoError(t, err)
	require.False(t, other.AlreadyPlaced)
	if first.Accession != "" {
		require.NotEqual(t, first.Accession, other.Accession)
	}
}

func checkRefusal(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := openClient(t, f, f.FullAccount, p.URL, nil)
	_, err := c.Place(t.Context(), f.NewRefusedRequisition(OrderNumber))
	refused := requireError[*labs.RefusedError](t, f, err, "refused by the lab")
	require.NotEmpty(t, refused.Code)
	require.NotEmpty(t, refused.Raw, "the lab's reason is in Raw")

	for _, m := range lifecycle.Modalities() {
		r := f.NewRequisition(otherOrderNumber)
		r.Order.Modality = m
		sent := c.transport.requests.Load()
		_, err := c.Place(t.Context(), r)
		if supports(c.capabilities, m) {
			continue
		}
		_ = requireError[*labs.RefusedError](t, f, err, "an unsupported collection method: "+string(m))
		require.Equal(t, sent, c.transport.requests.Load(), "nothing is sent")
	}
}

func supports(can labs.Capabilities, m lifecycle.Modality) bool {
	for _, method := range can.Methods {
		if method == m {
			return true
		}
	}
	return false
}

// checkRegistration orders a kit without a patient, and registers the patient if the account supports that.
func checkRegistration(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	r := f.NewRequisition(OrderNumber)
	withPatient := *r.Order
	kit := withPatient
	kit.Modality, kit.Registrable, kit.Patient, kit.Address, kit.Physician = lifecycle.Testkit, true, nil, nil, nil
	kit.Shipping = &order.ShippingAddress{
		ReceiverName: Canary, FirstLine: "1 Main St", City: "Phoenix", State: "AZ", Zip: "85004", Country: "US",
		Phone: "+16025550123",
	}
	r.Order = &kit
	for _, account := range []labs.Account{f.FullAccount, f.MinimalAccount} {
		c := openClient(t, f, account, p.URL, nil)
		placed, err := c.Place(t.Context(), r)
		if !c.capabilities.Registrable {
			_ = requireError[*labs.RefusedError](t, f, err, "an account without registrable kits")
			require.Zero(t, c.transport.requests.Load(), "nothing is sent")
			continue
		}
		require.NoError(t, err)
		withPatient.Modality, withPatient.Registrable, withPatient.Registered = lifecycle.Testkit, true, true
		registration := r
		registration.Order = &withPatient
		registered, err := c.Place(t.Context(), registration)
		require.NoError(t, err)
		require.Equal(t, placed.Accession, registered.Accession, "it is the same kit")
		again, err := c.Place(t.Context(), registration)
		require.NoError(t, err)
		require.Equal(t, registered.Accession, again.Accession)
	}
}

func checkResultVersions(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := openClient(t, f, f.FullAccount, p.URL, nil)
	if !c.capabilities.Results {
		return // checkCapabilities checks this case
	}
	_, err := c.Place(t.Context(), f.NewRequisition(OrderNumber))
	require.NoError(t, err)
	fetch := func() labs.FetchedResults {
		t.Helper()
		got, err := c.FetchResults(t.Context(), OrderNumber)
		require.NoError(t, err)
		return got
	}
	none := fetch()
	require.Nil(t, none.LabReport, "no results yet")
	require.Empty(t, none.Hash)

	reports := map[ReportStage]labs.FetchedResults{}
	for _, r := range []ReportStage{PartialReport, FinalReport, RepeatedReport, CorrectedReport} {
		p.PublishReport(t, OrderNumber, r)
		got := fetch()
		require.NotNil(t, got.LabReport)
		require.NotEmpty(t, got.Raw, "the answer is in Raw")
		require.NotEmpty(t, got.Hash)
		require.NotEmpty(t, got.LabReport.Results)
		require.False(t, got.LabReport.ReportedAt.IsZero())
		for _, result := range got.LabReport.Results {
			require.NotEmpty(t, result.Name)
			require.NotEmpty(t, result.Slug)
			require.NotEmpty(t, result.Type)
			require.NotEmpty(t, result.Interpretation)
		}
		require.Equal(t, got.Hash, fetch().Hash, "the same content has the same hash")
		reports[r] = got
	}
	require.Equal(t, "partial", reports[PartialReport].LabReport.Status)
	require.Equal(t, "final", reports[FinalReport].LabReport.Status)
	require.NotEqual(t, reports[PartialReport].Hash, reports[FinalReport].Hash)
	require.Equal(t, reports[FinalReport].Hash, reports[RepeatedReport].Hash, "the same content is no correction")
	require.NotEqual(t, reports[FinalReport].Hash, reports[CorrectedReport].Hash, "other content is a correction")
}

func checkCancelling(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := openClient(t, f, f.FullAccount, p.URL, nil)
	if !c.capabilities.Cancel {
		return // checkCapabilities checks this case
	}
	placed, err := c.Place(t.Context(), f.NewRequisition(OrderNumber))
	require.NoError(t, err)
	require.NoError(t, c.Cancel(t.Context(), OrderNumber, placed.Accession))
	require.NoError(t, c.Cancel(t.Context(), OrderNumber, placed.Accession), "cancelling can be repeated")
	err = c.Cancel(t.Context(), otherOrderNumber, "")
	_ = requireError[*labs.RefusedError](t, f, err, "an order that the lab does not have")
}

// checkPolling checks that a polled fact has the key and hash of its webhook, so that the two count once.
func checkPolling(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := openClient(t, f, f.FullAccount, p.URL, nil)
	if p.SendFact == nil {
		_, err := c.PollFacts(t.Context(), OrderNumber)
		require.ErrorIs(t, err, labs.ErrNotSupported)
		return
	}
	none, err := c.PollFacts(t.Context(), OrderNumber)
	require.NoError(t, err, "an order that the lab does not have")
	require.Empty(t, none)
	_, err = c.Place(t.Context(), f.NewRequisition(OrderNumber))
	require.NoError(t, err)

	webhook := f.decode(t, p.SendFact(t, OrderNumber))
	polled, err := c.PollFacts(t.Context(), OrderNumber)
	require.NoError(t, err)
	require.NotEmpty(t, polled)
	last := polled[len(polled)-1]
	require.Equal(t, f.Protocol.Name, last.Partner)
	require.Equal(t, webhook.Key, last.Key)
	require.Equal(t, webhook.Hash, last.Hash)
	require.Equal(t, webhook.Kind, last.Kind)
	require.NotEmpty(t, last.Body)
	require.NotNil(t, last.Fact)
	last.Fact.ReceivedAt = webhook.Fact.ReceivedAt
	require.Equal(t, webhook.Fact, last.Fact)
}

package labtest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func anOrderIsPlacedOnce(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := open(t, f, f.Full, p.URL, nil)
	first, err := c.Place(t.Context(), f.Order(Number))
	require.NoError(t, err)
	require.False(t, first.Already)
	require.NotEmpty(t, first.Raw, "the answer is kept")

	again, err := c.Place(t.Context(), f.Order(Number))
	require.NoError(t, err, "the lab has the order from an earlier attempt")
	require.True(t, again.Already)
	require.Equal(t, first.Accession, again.Accession)

	other, err := c.Place(t.Context(), f.Order(otherNumber))
	require.NoError(t, err)
	require.False(t, other.Already)
	if first.Accession != "" {
		require.NotEqual(t, first.Accession, other.Accession)
	}
}

func aRefusalIsOne(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := open(t, f, f.Full, p.URL, nil)
	_, err := c.Place(t.Context(), f.Refused(Number))
	refused := fails[*labs.RefusedError](t, f, err, "refused by the lab")
	require.NotEmpty(t, refused.Code)
	require.NotEmpty(t, refused.Raw, "the lab's reason is kept")

	for _, m := range lifecycle.Modalities() {
		r := f.Order(otherNumber)
		r.Order.Modality = m
		sent := c.wire.sent.Load()
		_, err := c.Place(t.Context(), r)
		if served(c.can, m) {
			continue
		}
		_ = fails[*labs.RefusedError](t, f, err, "a sample that the account does not take: "+string(m))
		require.Equal(t, sent, c.wire.sent.Load(), "the lab is not asked")
	}
}

func served(can labs.Capabilities, m lifecycle.Modality) bool {
	for _, method := range can.Methods {
		if method == m {
			return true
		}
	}
	return false
}

// aKitIsRegistered orders a kit that is nobody's yet, and registers it where that can be done.
func aKitIsRegistered(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	r := f.Order(Number)
	known := *r.Order
	kit := known
	kit.Modality, kit.Registrable, kit.Patient, kit.Address, kit.Physician = lifecycle.Testkit, true, nil, nil, nil
	kit.Shipping = &order.ShippingAddress{
		ReceiverName: Canary, FirstLine: "1 Main St", City: "Phoenix", State: "AZ", Zip: "85004", Country: "US", Phone: "+16025550123",
	}
	r.Order = &kit
	for _, account := range []labs.Account{f.Full, f.Least} {
		c := open(t, f, account, p.URL, nil)
		placed, err := c.Place(t.Context(), r)
		if !c.can.Registrable {
			_ = fails[*labs.RefusedError](t, f, err, "an account without registrable kits")
			require.Zero(t, c.wire.sent.Load(), "the lab is not asked")
			continue
		}
		require.NoError(t, err)
		known.Modality, known.Registrable, known.Registered = lifecycle.Testkit, true, true
		registration := r
		registration.Order = &known
		registered, err := c.Place(t.Context(), registration)
		require.NoError(t, err)
		require.Equal(t, placed.Accession, registered.Accession, "it is the same kit")
		again, err := c.Place(t.Context(), registration)
		require.NoError(t, err)
		require.Equal(t, registered.Accession, again.Accession)
	}
}

func resultsAreVersions(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := open(t, f, f.Full, p.URL, nil)
	if !c.can.Results {
		return // which capabilitiesAreHonest has looked at
	}
	_, err := c.Place(t.Context(), f.Order(Number))
	require.NoError(t, err)
	fetch := func() labs.Reported {
		t.Helper()
		got, err := c.Results(t.Context(), Number)
		require.NoError(t, err)
		return got
	}
	none := fetch()
	require.Nil(t, none.Report, "no results yet")
	require.Empty(t, none.Hash)

	reports := map[Report]labs.Reported{}
	for _, r := range []Report{SomeResults, AllResults, SameResults, OtherResults} {
		p.Publish(t, Number, r)
		got := fetch()
		require.NotNil(t, got.Report)
		require.NotEmpty(t, got.Raw, "the answer is kept")
		require.NotEmpty(t, got.Hash)
		require.NotEmpty(t, got.Report.Results)
		require.False(t, got.Report.ReportedAt.IsZero())
		for _, result := range got.Report.Results {
			require.NotEmpty(t, result.Name)
			require.NotEmpty(t, result.Slug)
			require.NotEmpty(t, result.Type)
			require.NotEmpty(t, result.Interpretation)
		}
		require.Equal(t, got.Hash, fetch().Hash, "asked again, the same")
		reports[r] = got
	}
	require.Equal(t, "partial", reports[SomeResults].Report.Status)
	require.Equal(t, "final", reports[AllResults].Report.Status)
	require.NotEqual(t, reports[SomeResults].Hash, reports[AllResults].Hash)
	require.Equal(t, reports[AllResults].Hash, reports[SameResults].Hash, "the same content is no correction")
	require.NotEqual(t, reports[AllResults].Hash, reports[OtherResults].Hash, "other content is a correction")
}

func anOrderIsCancelled(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := open(t, f, f.Full, p.URL, nil)
	if !c.can.Cancel {
		return // which capabilitiesAreHonest has looked at
	}
	placed, err := c.Place(t.Context(), f.Order(Number))
	require.NoError(t, err)
	require.NoError(t, c.Cancel(t.Context(), Number, placed.Accession))
	require.NoError(t, c.Cancel(t.Context(), Number, placed.Accession), "cancelled is cancelled")
	err = c.Cancel(t.Context(), otherNumber, "")
	_ = fails[*labs.RefusedError](t, f, err, "an order that the lab does not have")
}

// whatWasToldCanBePolled: a polled notice and the webhook that it repeats count once.
func whatWasToldCanBePolled(t testing.TB, f Fixture) {
	t.Helper()
	p := f.Start(t)
	c := open(t, f, f.Full, p.URL, nil)
	if p.Tell == nil {
		_, err := c.Poll(t.Context(), Number)
		require.ErrorIs(t, err, labs.ErrNotSupported)
		return
	}
	none, err := c.Poll(t.Context(), Number)
	require.NoError(t, err, "an order that the lab does not have")
	require.Empty(t, none)
	_, err = c.Place(t.Context(), f.Order(Number))
	require.NoError(t, err)

	webhook := f.decode(t, p.Tell(t, Number))
	notices, err := c.Poll(t.Context(), Number)
	require.NoError(t, err)
	require.NotEmpty(t, notices)
	last := notices[len(notices)-1]
	require.Equal(t, f.Protocol.Name, last.Partner)
	require.Equal(t, webhook.Key, last.Key)
	require.Equal(t, webhook.Hash, last.Hash)
	require.Equal(t, webhook.Kind, last.Kind)
	require.NotEmpty(t, last.Body)
	require.NotNil(t, last.Fact)
	last.Fact.ReceivedAt = webhook.Fact.ReceivedAt
	require.Equal(t, webhook.Fact, last.Fact)
}

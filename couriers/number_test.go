package couriers_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/couriers"
)

const label = "9420900204173500182641"

func TestIdentifyCourier(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		number string
		want   couriers.Courier
		check  couriers.CheckDigit
	}{
		// The vectors of molecular-api#couriers; the seed is api/testdata/seed_001_kit_shipped.json.
		"label":                    {label, couriers.USPS, couriers.CheckDigitRight},
		"routed label":             {"42098402" + label, couriers.USPS, couriers.CheckDigitRight},
		"20 digits":                {"03071790000523483741", couriers.USPS, couriers.CheckDigitRight},
		"postal item":              {"RB123456785US", couriers.USPS, couriers.CheckDigitNone},
		"FedEx express":            {"772081149359", couriers.FedEx, couriers.CheckDigitRight},
		"FedEx ground":             {"390004182755161", couriers.FedEx, couriers.CheckDigitRight},
		"FedEx ground 96":          {"9611020987654312345672", couriers.FedEx, couriers.CheckDigitNone},
		"seed outbound, 19 digits": {"1111497584974311111", "", couriers.CheckDigitNone},
		"seed inbound, 19 digits":  {"1111498798437922222", "", couriers.CheckDigitNone},
		"empty":                    {"", "", couriers.CheckDigitNone},

		// Normalized first.
		"blanks":           {" 9420 9002 0417 3500 1826 41\t", couriers.USPS, couriers.CheckDigitRight},
		"hyphens":          {"7720-8114-9359", couriers.FedEx, couriers.CheckDigitRight},
		"lower case":       {"rb 123 456 785 us", couriers.USPS, couriers.CheckDigitNone},
		"no-break space":   {"7720\u00a08114\u00a09359", couriers.FedEx, couriers.CheckDigitRight},
		"non-ASCII digits": {"٧٧٢٠٨١١٤٩٣٥٩", "", couriers.CheckDigitNone},

		// The limits of each rule.
		"routed, 9-digit ZIP": {"420984021234" + label, couriers.USPS, couriers.CheckDigitRight},
		"routed, 26-digit label": {"42098402" + "94123456789012345678901235", couriers.USPS,
			couriers.CheckDigitRight},
		"routed 30, wrong check": {"42098402" + "9420900204173500182718", "", couriers.CheckDigitNone},
		"routed 34, wrong check, is FedEx": {"420984021234" + "9420900204173500182718", couriers.FedEx,
			couriers.CheckDigitNone},
		"label, wrong check is noted":       {"9420900204173500182718", couriers.USPS, couriers.CheckDigitWrong},
		"label of 26":                       {"92123456789012345678901237", couriers.USPS, couriers.CheckDigitRight},
		"label of 24 is none":               {"942090020417350018264100", "", couriers.CheckDigitNone},
		"label of type 90 is none":          {"9020900204173500182641", "", couriers.CheckDigitNone},
		"20 digits, right behind 91":        {"70810000000000000013", couriers.USPS, couriers.CheckDigitRight},
		"20 digits, wrong check":            {"03071790000523483742", "", couriers.CheckDigitNone},
		"96 of 34":                          {"9611020987654312345672123456789012", couriers.FedEx, couriers.CheckDigitNone},
		"96 of 26 is none":                  {"96110209876543123456721234", "", couriers.CheckDigitNone},
		"12 digits, wrong check is noted":   {"772081149350", couriers.FedEx, couriers.CheckDigitWrong},
		"15 digits, wrong check is noted":   {"390004182755160", couriers.FedEx, couriers.CheckDigitWrong},
		"34 from 0 to 8":                    {"8" + strings.Repeat("1", 33), couriers.FedEx, couriers.CheckDigitNone},
		"34 from 9 is none":                 {"9" + strings.Repeat("1", 33), "", couriers.CheckDigitNone},
		"32 from 3":                         {"3" + strings.Repeat("1", 31), couriers.FedEx, couriers.CheckDigitNone},
		"32 from 4 is none":                 {"4" + strings.Repeat("1", 31), "", couriers.CheckDigitNone},
		"18 from 00":                        {"00" + strings.Repeat("1", 16), couriers.FedEx, couriers.CheckDigitNone},
		"18 from 01 is none":                {"01" + strings.Repeat("1", 16), "", couriers.CheckDigitNone},
		"postal item of another country":    {"RB123456785GB", "", couriers.CheckDigitNone},
		"postal item with a digit in front": {"R1123456785US", "", couriers.CheckDigitNone},
		"letters in the middle":             {"7720811A9359", "", couriers.CheckDigitNone},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			courier, check := couriers.IdentifyCourier(tt.number)
			require.Equal(t, tt.want, courier)
			require.Equal(t, tt.check, check)
		})
	}
}

func TestTrackingURL(t *testing.T) {
	t.Parallel()
	require.Equal(t, "https://tools.usps.com/go/TrackConfirmAction?tLabels="+label,
		couriers.TrackingPage(couriers.USPS, label))
	require.Equal(t, "https://www.fedex.com/apps/fedextrack/?tracknumbers=772081149359",
		couriers.TrackingPage(couriers.FedEx, "7720 8114-9359"))
	require.Equal(t, "https://www.fedex.com/apps/fedextrack/?tracknumbers=A%26B%3D%2F",
		couriers.TrackingPage(couriers.FedEx, "a&b=/"))
	require.Empty(t, couriers.TrackingPage("", label))
	require.Empty(t, couriers.TrackingPage("ups", label))
	require.Empty(t, couriers.TrackingPage(couriers.USPS, " - "))
}

func TestCourierOfShippingMethod(t *testing.T) {
	t.Parallel()
	want := map[int]couriers.Courier{6: "", 7: couriers.USPS, 8: couriers.USPS, 9: couriers.USPS, 10: couriers.FedEx,
		11: "", 0: "", -7: ""}
	for id, courier := range want {
		require.Equal(t, courier, couriers.CourierOfShippingMethod(id), "method %d", id)
	}
}

func TestDescribeNumber(t *testing.T) {
	t.Parallel()
	const unknown = "1111497584974311111"
	tests := map[string]struct {
		number  string
		leg     couriers.Leg
		method  int
		courier couriers.Courier
		url     string
		cleaned string
	}{
		"known": {"9420-9002 04173500182641", couriers.Inbound, 0, couriers.USPS,
			couriers.TrackingPage(couriers.USPS, label), label},
		"shape wins over the hint": {label, couriers.Outbound, 10, couriers.USPS,
			couriers.TrackingPage(couriers.USPS, label), label},
		"hint outbound": {unknown, couriers.Outbound, 7, couriers.USPS,
			couriers.TrackingPage(couriers.USPS, unknown), unknown},
		"hint outbound, FedEx": {unknown, couriers.Outbound, 10, couriers.FedEx,
			couriers.TrackingPage(couriers.FedEx, unknown), unknown},
		"no hint inbound":             {unknown, couriers.Inbound, 7, "", "", unknown},
		"method without a courier":    {unknown, couriers.Outbound, 11, "", "", unknown},
		"empty is no leg":             {"", couriers.Outbound, 7, "", "", ""},
		"only separators is no leg":   {" -- ", couriers.Outbound, 7, "", "", ""},
		"unknown leg has no hint too": {unknown, "sideways", 7, "", "", unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			courier, link, cleaned := couriers.DescribeNumber(tt.number, tt.leg, tt.method)
			require.Equal(t, tt.courier, courier)
			require.Equal(t, tt.url, link)
			require.Equal(t, tt.cleaned, cleaned)
		})
	}
}

func FuzzDescribeNumber(f *testing.F) {
	for _, seed := range []string{
		"", "-", label, "42098402" + label, "RB123456785US", "772081149359", "96", "420", "\xff\x00", "00" + label,
		strings.Repeat("9", 34), "４２０", "ǅ",
	} {
		f.Add(seed, 7, true)
		f.Add(seed, 10, false)
	}
	f.Fuzz(func(t *testing.T, number string, method int, outbound bool) {
		leg := couriers.Inbound
		if outbound {
			leg = couriers.Outbound
		}
		courier, link, cleaned := couriers.DescribeNumber(number, leg, method)
		require.Equal(t, cleaned, couriers.NormalizeNumber(cleaned), "cleaning twice changes nothing")
		require.Equal(t, courier == "", link == "", "a link exactly where the courier is known")
		if link == "" {
			return
		}
		u, err := url.Parse(link)
		require.NoError(t, err)
		require.Equal(t, "https", u.Scheme)
		require.Equal(t, []string{cleaned}, append(u.Query()["tLabels"], u.Query()["tracknumbers"]...))
	})
}

package couriers_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/couriers"
)

func TestScannedNumbersHaveAPrintedForm(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		scanned, printed string
		courier          couriers.Courier
	}{
		"FedEx 34":               {"1071804952390002087800925989385163", "925989385163", couriers.FedEx},
		"FedEx 34, in groups":    {"1071 8049 5239 0002 0878 0092 5989 3851 63", "925989385163", couriers.FedEx},
		"FedEx 12":               {"925989385163", "925989385163", couriers.FedEx},
		"FedEx 12, in groups":    {"9259 8938 5163", "925989385163", couriers.FedEx},
		"FedEx 12 with its form": {"9259 8938 5163 0201", "925989385163", couriers.FedEx},
		"FedEx 32":               {"3" + strings.Repeat("1", 15) + "9259893851630430", "925989385163", couriers.FedEx},
		"FedEx ground 96 of 34":  {"9622" + strings.Repeat("1", 16) + "00925989385163", "925989385163", couriers.FedEx},
		"FedEx ground 96":        {"9611020987654312345672", "987654312345672", couriers.FedEx},
		"FedEx ground":           {"390004182755161", "390004182755161", couriers.FedEx},
		"FedEx 34, wrong check": {"1071804952390002087800925989385164", "1071804952390002087800925989385164",
			couriers.FedEx},
		"USPS":                     {label, label, couriers.USPS},
		"USPS with ZIP":            {"42098402" + label, label, couriers.USPS},
		"USPS with ZIP, in groups": {"420 98402 9420 9002 0417 3500 1826 41", label, couriers.USPS},
		"USPS with ZIP+4":          {"420984021234" + label, label, couriers.USPS},
		"USPS 26 with ZIP": {"42098402" + "92123456789012345678901237", "92123456789012345678901237",
			couriers.USPS},
		"USPS 26 with ZIP+4": {"420984021234" + "92123456789012345678901237", "92123456789012345678901237",
			couriers.USPS},
		"USPS with ZIP, in brackets": {"(420)98402(94)20900204173500182641", label, couriers.USPS},
		"USPS, wrong check":          {"42098402" + "9420900204173500182718", "42098402" + "9420900204173500182718", ""},
		"international":              {"rb 123 456 785 us", "RB123456785US", couriers.USPS},
		"UPS":                        {"1z 999 aa1 01 2345 6784", "1Z999AA10123456784", ""},
		"16 digits without a form":   {"9259893851631234", "9259893851631234", ""},
		"seed outbound, 19 digits":   {"1111497584974311111", "1111497584974311111", ""},
		"nothing":                    {" - ", "", ""},
		"digits of another alphabet": {"٩٢٥٩٨٩٣٨٥١٦٣", "٩٢٥٩٨٩٣٨٥١٦٣", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.printed, couriers.PrintedNumber(tt.scanned))
			require.Equal(t, tt.printed, couriers.PrintedNumber(tt.printed), "it is its own printed form")
			courier, page, shown := couriers.DescribeNumber(tt.scanned, couriers.Inbound, 0)
			require.Equal(t, tt.printed, shown)
			require.Equal(t, tt.courier, courier)
			if courier != "" {
				require.True(t, strings.HasSuffix(page, tt.printed), page)
			}
		})
	}
}

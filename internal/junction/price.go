package junction

import (
	"strconv"

	"github.com/aliquot-labs/aliquot/order"
)

// currency is the currency of all prices.
const currency = "USD"

// referToContract means that there is no price here, because a contract sets it.
const referToContract = "refer_to_contract"

// Pricing is a price, or the reason why there is none: SpecifiedPricing or UnspecifiedPricing of
// client-api#7-lab-tests-markers-labs.
type Pricing struct {
	BaseAmountMinor *int64            `json:"base_amount_minor,omitempty" doc:"US cents."`
	Modifiers       []PricingModifier `json:"modifiers,omitempty"`
	Unspecified     string            `json:"unspecified,omitempty" enum:"refer_to_contract,price_unavailable"`
}

// PricingModifier is an amount that is added to a price under conditions.
type PricingModifier struct {
	DeltaAmountMinor int64                   `json:"delta_amount_minor" doc:"US cents."`
	Conditions       MarkerPricingConditions `json:"conditions"`
}

// MarkerPricingConditions are the conditions of a PricingModifier.
type MarkerPricingConditions struct {
	USState USStatePricingCondition `json:"us_state"`
}

// USStatePricingCondition holds when the patient lives in one of the states.
type USStatePricingCondition struct {
	AnyOf []string `json:"any_of" nullable:"false"`
}

// GetLabTestPricingResponse holds the prices of lab tests, by id.
type GetLabTestPricingResponse struct {
	Currency string                         `json:"currency"`
	Data     map[string]LabTestPanelPricing `json:"data"`
}

// LabTestPanelPricing is the price of a lab test.
type LabTestPanelPricing struct {
	Pricing Pricing `json:"pricing"`

	MarkerBreakdown map[string]Pricing `json:"marker_breakdown" doc:"Prices of its markers when ordered alone, by id."`
}

// MarkerPricingResponse holds the prices of markers, by id.
type MarkerPricingResponse struct {
	Currency string             `json:"currency"`
	Data     map[string]Pricing `json:"data"`
}

// LabTestPricing returns the prices of the lab tests.
func LabTestPricing(tests []order.LabTest) *GetLabTestPricingResponse {
	data := map[string]LabTestPanelPricing{}
	for _, t := range tests {
		data[t.ID] = LabTestPanelPricing{Pricing: fromMarkerPrice(t.Pricing), MarkerBreakdown: pricesByMarker(t.Markers)}
	}
	return &GetLabTestPricingResponse{Currency: currency, Data: data}
}

// MarkerPricing returns the prices of the markers.
func MarkerPricing(markers []order.Marker) *MarkerPricingResponse {
	return &MarkerPricingResponse{Currency: currency, Data: pricesByMarker(markers)}
}

func pricesByMarker(markers []order.Marker) map[string]Pricing {
	data := map[string]Pricing{}
	for _, m := range markers {
		data[strconv.FormatInt(m.ID, 10)] = fromMarkerPrice(m.Pricing)
	}
	return data
}

func fromMarkerPrice(p *order.Price) Pricing {
	if p == nil {
		return Pricing{Unspecified: referToContract}
	}
	out := Pricing{BaseAmountMinor: &p.BaseCents}
	for _, m := range p.Modifiers {
		out.Modifiers = append(out.Modifiers, PricingModifier{
			DeltaAmountMinor: m.DeltaCents,
			Conditions:       MarkerPricingConditions{USState: USStatePricingCondition{AnyOf: m.States}},
		})
	}
	return out
}

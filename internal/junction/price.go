package junction

import (
	"strconv"

	"github.com/aliquot-labs/aliquot/order"
)

// currency is that of every price.
const currency = "USD"

// referToContract is why something has no price: it is agreed on elsewhere.
const referToContract = "refer_to_contract"

// Pricing is what something costs, or why that is not told: SpecifiedPricing or UnspecifiedPricing of
// client-api#7-lab-tests-markers-labs.
type Pricing struct {
	BaseAmountMinor *int64            `json:"base_amount_minor,omitempty" doc:"US cents."`
	Modifiers       []PricingModifier `json:"modifiers,omitempty"`
	Unspecified     string            `json:"unspecified,omitempty" enum:"refer_to_contract,price_unavailable"`
}

// PricingModifier changes a price under conditions.
type PricingModifier struct {
	DeltaAmountMinor int64                   `json:"delta_amount_minor" doc:"US cents."`
	Conditions       MarkerPricingConditions `json:"conditions"`
}

// MarkerPricingConditions are those under which a price changes.
type MarkerPricingConditions struct {
	USState USStatePricingCondition `json:"us_state"`
}

// USStatePricingCondition is that the patient lives in one of some states.
type USStatePricingCondition struct {
	AnyOf []string `json:"any_of" nullable:"false"`
}

// GetLabTestPricingResponse is what lab tests cost, by id.
type GetLabTestPricingResponse struct {
	Currency string                         `json:"currency"`
	Data     map[string]LabTestPanelPricing `json:"data"`
}

// LabTestPanelPricing is what a lab test costs.
type LabTestPanelPricing struct {
	Pricing         Pricing            `json:"pricing"`
	MarkerBreakdown map[string]Pricing `json:"marker_breakdown" doc:"What its markers cost when they are ordered one by one, by id."`
}

// MarkerPricingResponse is what markers cost, by id.
type MarkerPricingResponse struct {
	Currency string             `json:"currency"`
	Data     map[string]Pricing `json:"data"`
}

// LabTestPricing is the pricing of the lab tests.
func LabTestPricing(tests []order.LabTest) *GetLabTestPricingResponse {
	data := map[string]LabTestPanelPricing{}
	for _, t := range tests {
		data[t.ID] = LabTestPanelPricing{Pricing: fromMarkerPrice(t.Pricing), MarkerBreakdown: pricesByMarker(t.Markers)}
	}
	return &GetLabTestPricingResponse{Currency: currency, Data: data}
}

// MarkerPricing is the pricing of the markers.
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

package junction

import "github.com/aliquot-labs/aliquot/order"

// ClientFacingMarkerComplete is a marker with the results that it leads to.
type ClientFacingMarkerComplete struct {
	ClientFacingMarker
	ExpectedResults []ClientFacingResult `json:"expected_results" nullable:"false" doc:"Empty: labs have not told which."`
}

// ClientFacingResult is a result that a marker leads to. It has no fields here, because none is known.
type ClientFacingResult struct{}

// FromMarker is the marker.
func FromMarker(m order.Marker) ClientFacingMarker { return fromMarker(m) }

// FromMarkerComplete is the marker with the results that it leads to.
func FromMarkerComplete(m order.Marker) ClientFacingMarkerComplete {
	return ClientFacingMarkerComplete{ClientFacingMarker: fromMarker(m), ExpectedResults: []ClientFacingResult{}}
}

// currency is that of every price.
const currency = "USD"

// UnspecifiedPricing says why no price is given.
type UnspecifiedPricing struct {
	Unspecified string `json:"unspecified" enum:"refer_to_contract,price_unavailable"`
}

// byContract is the price of everything.
var byContract = UnspecifiedPricing{Unspecified: "refer_to_contract"}

// GetLabTestPricingResponse is what lab tests cost, by id.
type GetLabTestPricingResponse struct {
	Currency string                         `json:"currency"`
	Data     map[string]LabTestPanelPricing `json:"data"`
}

// LabTestPanelPricing is what a lab test costs.
type LabTestPanelPricing struct {
	Pricing UnspecifiedPricing `json:"pricing"`
}

// MarkerPricingResponse is what markers cost, by id.
type MarkerPricingResponse struct {
	Currency string                        `json:"currency"`
	Data     map[string]UnspecifiedPricing `json:"data"`
}

// LabTestPricing is the pricing of the lab tests with these ids.
func LabTestPricing(ids []string) *GetLabTestPricingResponse {
	data := map[string]LabTestPanelPricing{}
	for _, id := range ids {
		data[id] = LabTestPanelPricing{Pricing: byContract}
	}
	return &GetLabTestPricingResponse{Currency: currency, Data: data}
}

// MarkerPricing is the pricing of the markers with these ids.
func MarkerPricing(ids []string) *MarkerPricingResponse {
	data := map[string]UnspecifiedPricing{}
	for _, id := range ids {
		data[id] = byContract
	}
	return &MarkerPricingResponse{Currency: currency, Data: data}
}

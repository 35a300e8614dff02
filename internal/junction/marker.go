package junction

import "github.com/aliquot-labs/aliquot/order"

// ClientFacingMarker is a marker of a lab: a test or a panel with a code of its own.
type ClientFacingMarker struct {
	ID               int64   `json:"id"`
	Name             string  `json:"name"`
	Slug             string  `json:"slug"`
	Description      *string `json:"description"`
	LabID            *int    `json:"lab_id"`
	ProviderID       *string `json:"provider_id" doc:"The lab's own code."`
	Type             *string `json:"type"`
	Unit             *string `json:"unit"`
	Price            *string `json:"price" doc:"US dollars; null where a contract sets the price."`
	AOE              *AoE    `json:"aoe" doc:"Null where the lab asks no questions at order entry."`
	ALaCarteEnabled  bool    `json:"a_la_carte_enabled"`
	CommonTATDays    *int    `json:"common_tat_days"`
	WorstCaseTATDays *int    `json:"worst_case_tat_days"`
	IsOrderable      bool    `json:"is_orderable"`
}

// AoE holds the questions that a lab asks at order entry.
type AoE struct {
	Questions []Question `json:"questions" nullable:"false"`
}

// Question is one question that a lab asks at order entry.
type Question struct {
	ID         int64    `json:"id"`
	Required   bool     `json:"required"`
	Code       string   `json:"code"`
	Value      string   `json:"value" doc:"The question."`
	Type       string   `json:"type" enum:"choice,text,numeric,multi_choice"`
	Sequence   int      `json:"sequence"`
	Answers    []Answer `json:"answers" nullable:"false" doc:"Empty for texts and numbers."`
	Constraint *string  `json:"constraint"`
	Default    *string  `json:"default"`
}

// Answer is one of the possible answers to a question. An order contains its code.
type Answer struct {
	ID    int64  `json:"id"`
	Code  string `json:"code"`
	Value string `json:"value"`
}

// ClientFacingMarkerComplete is a marker with the results that a lab reports for it.
type ClientFacingMarkerComplete struct {
	ClientFacingMarker
	ExpectedResults []ClientFacingResult `json:"expected_results" nullable:"false"`
}

// ClientFacingResult is a result that a lab reports for a marker.
type ClientFacingResult struct {
	ID         int64              `json:"id"`
	Name       string             `json:"name"`
	Slug       string             `json:"slug"`
	LabID      *int               `json:"lab_id"`
	ProviderID *string            `json:"provider_id" doc:"The lab's own code of the result."`
	Required   bool               `json:"required"`
	LOINC      *ClientFacingLoinc `json:"loinc"`
}

// ClientFacingLoinc is a code of the LOINC terminology.
type ClientFacingLoinc struct {
	ID   int64   `json:"id"`
	Name string  `json:"name"`
	Slug string  `json:"slug"`
	Code string  `json:"code"`
	Unit *string `json:"unit"`
}

// FromMarker returns the client-facing form of a marker.
func FromMarker(m order.Marker) ClientFacingMarker {
	return ClientFacingMarker{
		ID:               m.ID,
		Name:             m.Name,
		Slug:             m.Slug,
		Description:      m.Description,
		LabID:            m.LabID,
		ProviderID:       m.ProviderID,
		Type:             m.Type,
		Unit:             m.Unit,
		Price:            m.Price,
		AOE:              fromQuestions(m.Questions),
		ALaCarteEnabled:  m.ALaCarte,
		CommonTATDays:    m.CommonTATDays,
		WorstCaseTATDays: m.WorstCaseTATDays,
		IsOrderable:      m.Orderable(),
	}
}

// FromMarkerComplete returns the client-facing form of a marker with its expected results.
func FromMarkerComplete(m order.Marker) ClientFacingMarkerComplete {
	out := ClientFacingMarkerComplete{ClientFacingMarker: FromMarker(m),
		ExpectedResults: make([]ClientFacingResult, len(m.ExpectedResults))}
	for i, e := range m.ExpectedResults {
		out.ExpectedResults[i] = ClientFacingResult{
			ID: e.ID, Name: e.Name, Slug: e.Slug, LabID: m.LabID, ProviderID: e.ProviderID, Required: e.Required,
			LOINC: (*ClientFacingLoinc)(e.LOINC),
		}
	}
	return out
}

func fromQuestions(all []order.Question) *AoE {
	if len(all) == 0 {
		return nil
	}
	out := &AoE{Questions: make([]Question, len(all))}
	for i, q := range all {
		answers := make([]Answer, len(q.Choices))
		for j, c := range q.Choices {
			answers[j] = Answer{ID: c.ID, Code: c.Code, Value: c.Text}
		}
		out.Questions[i] = Question{
			ID: q.ID, Required: q.Required, Code: q.Code, Value: q.Text, Type: string(q.Type), Sequence: q.Sequence,
			Answers: answers, Constraint: q.Constraint, Default: q.Default,
		}
	}
	return out
}

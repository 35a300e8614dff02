package store

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/aliquot-labs/aliquot/order"
)

// sealedDocuments are the sealed columns of an order.
type sealedDocuments struct {
	patient, address, shipping, physician, clinical, results []byte
}

// clinicalDocument holds what says or may say something about the patient, besides persons and addresses.
type clinicalDocument struct {
	Consents      []order.Consent        `json:"consents,omitempty"`
	AoEAnswers    []order.AoEAnswer      `json:"aoe_answers,omitempty"`
	ICDCodes      []string               `json:"icd_codes,omitempty"`
	Passthrough   *string                `json:"passthrough,omitempty"`
	ClinicalNotes *string                `json:"clinical_notes,omitempty"`
	Notes         *string                `json:"notes,omitempty"`
	Insurance     json.RawMessage        `json:"health_insurance,omitempty"`
	InsuranceID   string                 `json:"health_insurance_id,omitempty"`
	Cover         *order.BilledInsurance `json:"cover,omitempty"`
	AccountNotes  *string                `json:"account_notes,omitempty"`
}

// sealDocuments encrypts all documents, including absent ones, so that a column does not reveal whether there is a
// document.
func (s *Store) sealDocuments(o *order.Order) (sealedDocuments, error) {
	var d sealedDocuments
	for _, c := range []struct {
		column string
		to     *[]byte
		from   any
	}{
		{"patient", &d.patient, o.Patient},
		{"address", &d.address, o.Address},
		{"shipping", &d.shipping, o.Shipping},
		{"physician", &d.physician, o.Physician},
		{"clinical", &d.clinical, clinicalDocument{
			o.Consents, o.AoEAnswers, o.ICDCodes, o.Passthrough, o.ClinicalNotes, o.Notes, o.Insurance, o.InsuranceID,
			o.BilledInsurance, o.AccountNotes,
		}},
		{"results", &d.results, o.Results},
	} {
		sealed, err := s.keys.SealJSON(sealContext("order_documents", o.ID, c.column), c.from)
		if err != nil {
			return sealedDocuments{}, fmt.Errorf("sealing %s of order %s: %w", c.column, o.ID, err)
		}
		*c.to = sealed
	}
	return d, nil
}

// openDocuments opens the documents and sets them in the order that they were sealed for.
func (s *Store) openDocuments(o *order.Order, d sealedDocuments) error {
	var c clinicalDocument
	for _, column := range []struct {
		name string
		from []byte
		to   any
	}{
		{"patient", d.patient, &o.Patient},
		{"address", d.address, &o.Address},
		{"shipping", d.shipping, &o.Shipping},
		{"physician", d.physician, &o.Physician},
		{"clinical", d.clinical, &c},
		{"results", d.results, &o.Results},
	} {
		if err := s.keys.OpenJSON(sealContext("order_documents", o.ID, column.name), column.from, column.to); err != nil {
			return fmt.Errorf("opening %s of order %s: %w", column.name, o.ID, err)
		}
	}
	o.Consents, o.AoEAnswers, o.ICDCodes = c.Consents, c.AoEAnswers, c.ICDCodes
	o.Passthrough, o.ClinicalNotes, o.Notes, o.AccountNotes = c.Passthrough, c.ClinicalNotes, c.Notes, c.AccountNotes
	o.Insurance, o.InsuranceID, o.BilledInsurance = c.Insurance, c.InsuranceID, c.Cover
	return nil
}

// encodeJSON returns v as JSON text for a column that is not sealed.
func encodeJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encoding a document: %w", err)
	}
	return string(b), nil
}

func decodeJSON(text string, v any) error {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("decoding a document: %w", err)
	}
	return nil
}

// maxCachedDocuments is the most texts that a cache holds. A deployment has about as many as it has lab tests and
// policies.
const maxCachedDocuments = 1000

// jsonCache caches decoded JSON documents that many orders share: lab tests as ordered, and policies. Without it,
// decoding them takes half of the time to read an order. Callers must not change a cached value.
type jsonCache[T any] struct {
	mu     sync.RWMutex
	byText map[string]T
}

func newJSONCache[T any]() *jsonCache[T] { return &jsonCache[T]{byText: map[string]T{}} }

// decode decodes a document, or returns the cached value.
func (d *jsonCache[T]) decode(text string) (T, error) {
	d.mu.RLock()
	v, known := d.byText[text]
	d.mu.RUnlock()
	if known {
		return v, nil
	}
	if err := decodeJSON(text, &v); err != nil {
		return v, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.byText) >= maxCachedDocuments {
		clear(d.byText)
	}
	d.byText[text] = v
	return v, nil
}

// decodeState decodes the column state.
func (s *Store) decodeState(text string) (order.State, error) {
	var stored struct {
		order.State
		Policy json.RawMessage `json:"policy"`
	}
	if err := decodeJSON(text, &stored); err != nil || stored.Policy == nil {
		return stored.State, err
	}
	var err error
	stored.State.Policy, err = s.policyCache.decode(string(stored.Policy))
	return stored.State, err
}

package api

import "github.com/danielgtaylor/huma/v2"

// fieldTexts are the descriptions of fields that are too long for a struct tag, by schema and field.
//
//nolint:gosec // texts about secrets, not secrets
var fieldTexts = map[string]map[string]string{
	"AppointmentBookingRequest": {
		"async_confirmation": "For patient service centers, when the provider does not confirm in time: true answers with " +
			"a pending appointment; false, the default, answers with an error.",
		"sync_confirmation_timeout_millisecond": "With async_confirmation: how long the answer waits for the provider. " +
			"Defaults to 2500.",
		"async_confirmation_timeout_millisecond": "With async_confirmation: the time after which an unconfirmed " +
			"appointment is cancelled. Defaults to 15 minutes.",
	},
	"CreateOrderRequest": {
		"activate_by":      "Today or later. The order stays in status ordered until that day.",
		"health_insurance": "Use the user's insurance and billing_type.",
	},
	"CatalogueRequest": {
		"retire": "Retire what was imported of the files' labs before and is not in the files.",
	},
	"CreateEndpointInputBody": {
		"filter_types": "Event types to send. Defaults to all except operational ones.",
		"secret":       "whsec_ and base64 of 24 to 64 bytes. Defaults to a generated one.",
	},
	"CreatePayorBody": {
		"provider": "The clearing house that knows the payor.",
	},
	"CreateRegistrableTestkitOrderRequest": {
		"user_id": "The patient, or a user that represents a stock of kits.",
	},
	"CreateUnmatchedResultTestBody": {
		"interpretation": "Defaults to normal.",
		"lab_test_id": "The lab test of the result. Defaults to that of the orders; for managed orders, to any lab test " +
			"that the team can order.",
		"order_source":      "managed: the test creates its orders. provided: the request names them.",
		"wrong_lab_test_id": "For wrong_lab with managed orders: the lab test to order, at another lab.",
	},
	"HealthInsuranceCreateRequest": {
		"responsible_details": "Required unless the relationship is Self.",
	},
	"ImportOrderBody": {
		"sample_id": "The lab's own number of the requisition. It is unique.",
	},
	"PutLabAccountInputBody": {
		"end_rotation": "End the rotation: webhooks with the previous credentials are refused. A change of the " +
			"credentials begins a rotation.",
		"profile": "What clients see of the account and which orders it allows: docs/operations.md.",
	},
	"RecoverInputBody": {
		"confirmed_by_lab": "The lab has confirmed that it processes the kit again.",
	},
	"RegisterTestkitRequest": {
		"user_id": "The user to whom the order moves. Without it the order stays with its user.",
	},
	"ReplayInputBody": {
		"missed": "Also send messages that were never sent to the endpoint, because it was disabled or did not exist.",
	},
	"ResendMessageInputBody": {
		"endpoint_id": "The only endpoint to send to. Defaults to all enabled endpoints that get the message.",
	},
	"RotateKeyInputBody": {
		"overlap_seconds": "How long the old secret stays valid. Defaults to one day.",
	},
	"SimulationFlags": {
		"interpretation": "Of the first result, and so of all results. Defaults to normal.",
		"result_types":   "The types of the results, in turn.",
	},
	"UserCreateBody": {
		"client_user_id": "Your own stable id of the user, unique in the team. It must not contain personal data.",
	},
	"ValidateICDCodesResponse": {
		"warnings": "Codes of which the first does not include the second, so that both may be coded.",
	},
	"CreateTokenInputBody": {
		"lifetime_seconds": "How long the token is valid. Defaults to 600.",
	},
}

// parameterTexts are the descriptions of parameters that are too long for a struct tag, by operation and parameter.
var parameterTexts = map[string]map[string]string{
	"area-info": {
		"labs": "Defaults to all labs that have patient service centers.",
	},
	"list-orders": {
		"order_activation_types": "scheduled: orders that are activated on a later day than today. current: all others.",
		"order_key":              "patient_name can sort at most 5,000 orders, because names are stored encrypted.",
		"search_input": "The id of an order or of a user, a date of birth, or whole words of the patient's or the " +
			"recipient's name.",
	},
	"list-unmatched-results": {
		"status": "Without it, resolved results are left out.",
	},
	"ops-list-reviews": {
		"status": "Without it, resolved results are left out.",
	},
	"ops-list-messages": {
		"state": "The state of a delivery, to endpoint_id if that is given.",
	},
	"ops-verify-audit": {
		"limit": "The number of rows to verify. 20,000 take about a second.",
	},
	"order-psc-info": {
		"capabilities": "Sites that have all of these.",
	},
	"psc-info": {
		"capabilities": "Sites that have all of these.",
	},
	"search-diagnoses": {
		"diagnosis_query": "The beginning of a code, or words of its description.",
	},
}

// addLongTexts sets the descriptions that are too long for struct tags. It panics for a schema or field that does not
// exist.
func addLongTexts(doc *huma.OpenAPI) {
	schemas := doc.Components.Schemas.Map()
	for name, fields := range fieldTexts {
		for field, text := range fields {
			schemas[name].Properties[field].Description = text
		}
	}
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				if text, ok := parameterTexts[op.OperationID][p.Name]; ok {
					p.Description, p.Schema.Description = text, text
				}
			}
		}
	}
}

package molecular_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

var receivedAt = time.Date(2026, 3, 2, 11, 0, 0, 987654000, time.UTC)

func decode(body string) labs.InboundMessage { return molecular.Decode([]byte(body), receivedAt) }

// documentedWebhook reads one of the four payloads of MTL's documentation, verbatim.
func documentedWebhook(t *testing.T, kind string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "webhooks", kind+".json"))
	require.NoError(t, err)
	return string(body)
}

func TestDocumentedWebhooks(t *testing.T) {
	t.Parallel()
	sentAt := time.Date(2018, 1, 11, 19, 53, 8, 885569000, time.UTC)
	tests := map[string]struct {
		accession, reason string
		fact              order.Fact
	}{
		"kit_shipped": {accession: "M000031828", fact: order.Fact{
			Kind: order.FactKitShipped, OutboundNumber: "1111497584974311111", InboundNumber: "1111498798437922222",
		}},
		"kit_received": {accession: "M000057021", fact: order.Fact{Kind: order.FactKitReceived}},
		"kit_rejected": {
			accession: "F000057212", reason: "No patient identifiers listed on the sample container / envelope.",
			fact: order.Fact{Kind: order.FactKitRejected, Recoverable: new(true)},
		},
		"report_ready": {accession: "M000057021", fact: order.Fact{Kind: order.FactReportReady}},
	}
	for kind, tt := range tests {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := decode(documentedWebhook(t, kind))

			tt.fact.SentAt, tt.fact.ReceivedAt, tt.fact.Accession = sentAt, receivedAt, tt.accession
			require.Equal(t, labs.InboundMessage{
				OrderNumber: "123123", Kind: kind, Reason: tt.reason, Fact: &tt.fact,
				Key: molecular.FactKey(order.FactKind(kind), "123123", tt.accession, sentAt), Hash: n.Hash,
			}, n)
			require.Len(t, n.Key, 64)
			require.Len(t, n.Hash, 64)
			require.NotEqual(t, n.Key, n.Hash)
		})
	}
}

func TestShippedDetails(t *testing.T) {
	t.Parallel()
	shipped := func(info string) *order.Fact {
		return decode(`{"order_number":"1","accession_number":"M1","type":"kit_shipped","ship_info":` + info + `}`).Fact
	}
	f := shipped(`{"outbound":" 9420 9002-0417 ","inbound":"RB123456785US","kit_reg_code":"AB-12",
		"oraquick_lot_exp":"6671234 / 2026-10"}`)
	require.Equal(t, "9420 9002-0417", f.OutboundNumber)
	require.Equal(t, "RB123456785US", f.InboundNumber)
	require.Equal(t, "AB-12", f.KitRegCode)
	require.Equal(t, "6671234 / 2026-10", f.OraQuickLot)

	// Text that is not a number or code is in the stored body only.
	f = shipped(`{"outbound":null,"inbound":"","kit_reg_code":42,"oraquick_lot_exp":"for <Ines>"}`)
	require.Equal(t, &order.Fact{Kind: order.FactKitShipped, ReceivedAt: receivedAt, Accession: "M1", KitRegCode: "42",
		Unreadable: []string{"oraquick_lot_exp"}}, f)
	f = shipped(`{"outbound":"` + strings.Repeat("9", 65) + `"}`)
	require.Empty(t, f.OutboundNumber)
	require.Equal(t, []string{"outbound"}, f.Unreadable)
}

func TestWebhookProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body    string
		problem labs.Problem
		number  string
		kind    string
	}{
		"empty":              {``, labs.Malformed, "", ""},
		"no JSON":            {`order_number=1`, labs.Malformed, "", ""},
		"cut off":            {`{"order_number":"1"`, labs.Malformed, "", ""},
		"an array":           {`[{"order_number":"1","type":"kit_received"}]`, labs.Malformed, "", ""},
		"null":               {`null`, labs.Malformed, "", ""},
		"a text":             {`"kit_received"`, labs.Malformed, "", ""},
		"two objects":        {`{} {}`, labs.Malformed, "", ""},
		"something after it": {`{"order_number":"1","type":"kit_received","rcvd_info":{}} x`, labs.Malformed, "", ""},
		"too deep": {strings.Repeat(`{"a":`, 20_000) + `1` + strings.Repeat(`}`, 20_000), labs.Malformed, "",
			""},
		"no keys":      {`{}`, labs.MissingFields, "", ""},
		"no type":      {`{"order_number":"1"}`, labs.MissingFields, "1", ""},
		"empty type":   {`{"order_number":"1","type":" "}`, labs.MissingFields, "1", ""},
		"type no text": {`{"order_number":"1","type":7}`, labs.MissingFields, "1", ""},
		"no number":    {`{"type":"kit_received","rcvd_info":{}}`, labs.MissingFields, "", "kit_received"},
		"null number": {`{"order_number":null,"type":"kit_received","rcvd_info":{}}`, labs.MissingFields, "",
			"kit_received"},
		"empty number": {`{"order_number":"","type":"kit_received","rcvd_info":{}}`, labs.MissingFields, "",
			"kit_received"},
		"number no text": {`{"order_number":1,"type":"kit_received","rcvd_info":{}}`, labs.MissingFields, "",
			"kit_received"},
		"number that cannot be": {`{"order_number":"` + strings.Repeat("1",
			65) + `","type":"kit_received","rcvd_info":{}}`, labs.MissingFields, "", "kit_received"},
		"number with a zero byte": {`{"order_number":"1\u0000","type":"kit_received","rcvd_info":{}}`, labs.MissingFields,
			"", "kit_received"},
		"keys in another case":      {`{"Order_Number":"1","Type":"kit_received"}`, labs.MissingFields, "", ""},
		"unknown type, no number":   {`{"type":"kit_lost"}`, labs.MissingFields, "", "kit_lost"},
		"unknown type":              {`{"order_number":"1","type":"kit_lost"}`, labs.UnknownType, "1", "kit_lost"},
		"unknown type that is text": {`{"order_number":"1","type":"Ines's kit!"}`, labs.UnknownType, "1", ""},
		"no info":                   {`{"order_number":"1","type":"kit_received"}`, labs.IncompleteData, "1", "kit_received"},
		"null info": {`{"order_number":"1","type":"kit_shipped","ship_info":null}`, labs.IncompleteData, "1",
			"kit_shipped"},
		"info no object": {`{"order_number":"1","type":"kit_rejected","rej_info":"QNS"}`, labs.IncompleteData, "1",
			"kit_rejected"},
		"info of another type": {`{"order_number":"1","type":"report_ready","rcvd_info":{}}`, labs.IncompleteData, "1",
			"report_ready"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := decode(tt.body)
			require.Equal(t, tt.problem, n.Problem)
			require.Equal(t, tt.number, n.OrderNumber)
			require.Equal(t, tt.kind, n.Kind)
			require.Nil(t, n.Fact)
			require.Len(t, n.Key, 64)
			require.Equal(t, n.Hash, n.Key, "without a time the content is the identity (molecular-api#d16)")
		})
	}
}

func TestTimeOfAFact(t *testing.T) {
	t.Parallel()
	sentAt := time.Date(2024, 3, 12, 9, 5, 40, 118002000, time.UTC)
	tests := map[string]time.Time{
		`"2024-03-12T09:05:40.118002Z"`:      sentAt,
		`" 2024-03-12T09:05:40.118002Z "`:    sentAt,
		`"2024-03-12T10:05:40.118002+01:00"`: sentAt,
		`"2024-03-12T09:05:40.118002999Z"`:   sentAt,
		`"2024-03-12T09:05:40Z"`:             sentAt.Truncate(time.Second),
		`"2024-03-12T09:05:40.118002"`:       {}, // no time zone
		`"2024-03-12 09:05:40Z"`:             {},
		`"2024-02-30T09:05:40Z"`:             {},
		`"0001-01-01T00:00:00Z"`:             {},
		`"9999-12-31T23:59:59-23:59"`:        {}, // year 10000
		`"0000-01-01T00:00:00+23:59"`:        {}, // year -1
		`"yesterday"`:                        {},
		`""`:                                 {},
		`null`:                               {},
		`1710234340`:                         {},
	}
	for written, want := range tests {
		t.Run(written, func(t *testing.T) {
			t.Parallel()
			n := decode(`{"order_number":"1","accession_number":"M1","type":"kit_received","rcvd_info":{"received_datetime":` +
				written + `}}`)
			require.Empty(t, n.Problem, "a fact without a time is applied (molecular-api#d7b)")
			require.Equal(t, want, n.Fact.SentAt)
			require.Equal(t, receivedAt, n.Fact.ReceivedAt)
			if want.IsZero() {
				require.Equal(t, n.Hash, n.Key)
				return
			}
			require.Equal(t, molecular.FactKey(order.FactKitReceived, "1", "M1", want), n.Key)
		})
	}
}

func TestRecoverable(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]*bool{
		`,"recoverable":true`: new(true), `,"recoverable":false`: new(false),
		``: nil, `,"recoverable":null`: nil, `,"recoverable":"false"`: nil, `,"recoverable":0`: nil,
	} {
		n := decode(`{"order_number":"1","type":"kit_rejected","rej_info":{"rejected_reason":"QNS."` + written + `}}`)
		require.Equal(t, want, n.Fact.Recoverable, written)
		require.Equal(t, "QNS.", n.Reason, "verbatim")
	}
}

func TestFactKeysAndHashes(t *testing.T) {
	t.Parallel()
	shipped := documentedWebhook(t, "kit_shipped")
	first := decode(shipped)
	change := func(old, replacement string) labs.InboundMessage {
		t.Helper()
		require.Contains(t, shipped, old)
		return decode(strings.Replace(shipped, old, replacement, 1))
	}

	duplicates := map[string]labs.InboundMessage{
		"other blanks": change(`{ "order_number": `, "{\n\t\"order_number\":"),
		"null and empty": change(`"kit_reg_code": null, "oraquick_lot_exp": ""`,
			`"kit_reg_code": "", "oraquick_lot_exp": null`),
		"left out": change(`"kit_reg_code": null, `, ``),
		"other order of keys": change(`"order_number": "123123", "accession_number": "M000031828"`,
			`"accession_number": "M000031828", "order_number": "123123"`),
		"escaped":     change(`"kit_shipped"`, `"kit_shi\u0070ped"`),
		"given twice": change(`"order_number": "123123"`, `"order_number": "999", "order_number": "123123"`),
	}
	for name, n := range duplicates {
		require.Equal(t, first, n, name)
	}

	amendments := map[string]labs.InboundMessage{
		"another tracking number": change("1111497584974311111", "1111497584974311112"),
		"one more key":            change(`"outbound":`, `"carrier": "USPS", "outbound":`),
		"the time in other words": change("885569Z", "885569+00:00"),
	}
	for name, n := range amendments {
		require.Equal(t, first.Key, n.Key, name)
		require.NotEqual(t, first.Hash, n.Hash, name)
	}

	others := map[string]labs.InboundMessage{
		"another order":     change(`"123123"`, `"123124"`),
		"another accession": change(`"M000031828"`, `"M000031829"`),
		"a microsecond on":  change("885569Z", "885570Z"),
		"without a time":    change("2018-01-11T19:53:08.885569Z", ""),
	}
	keys := map[string]string{first.Key: "the first"}
	for name, n := range others {
		require.NotContains(t, keys, n.Key, name)
		keys[n.Key] = name
	}
}

func TestKeyPartsDoNotRunTogether(t *testing.T) {
	t.Parallel()
	at := time.Unix(0, 0)
	require.NotEqual(t, molecular.FactKey(order.FactKitShipped, "12", "3", at),
		molecular.FactKey(order.FactKitShipped, "1", "23", at))
	require.NotEqual(t, molecular.FactKey(order.FactKitShipped, `1","`, "3", at),
		molecular.FactKey(order.FactKitShipped, "1", `","3`, at))
}

func TestAccessionOfAWebhook(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		`"M000412207"`: "M000412207", `" M000412207 "`: "M000412207", `412207`: "412207",
		`null`: "", `""`: "", `{}`: "", `true`: "", `"M1 for O'Brien"`: "", `1e999999`: "1e999999",
	} {
		n := decode(`{"order_number":"1","accession_number":` + written + `,"type":"kit_received","rcvd_info":{}}`)
		require.Equal(t, want, n.Fact.Accession, written)
	}
}

func TestRejectionReasons(t *testing.T) {
	t.Parallel()
	tests := map[string]lifecycle.Detail{
		"Quantity not sufficient (QNS)":                        lifecycle.SampleQuantityNotSufficient,
		"QNS.":                                                 lifecycle.SampleQuantityNotSufficient,
		"Specimen leak, quantity insufficient":                 lifecycle.SampleQuantityNotSufficient,
		"SPECIMEN LEAKED IN TRANSIT.":                          lifecycle.SampleQuantityNotSufficient,
		"insufficient volume":                                  lifecycle.SampleQuantityNotSufficient,
		"Hemolyzation":                                         lifecycle.SampleHemolyzed,
		"Specimen is haemolysed.":                              lifecycle.SampleHemolyzed,
		"Cross-contamination by spill":                         lifecycle.SampleContaminated,
		"sample contaminated":                                  lifecycle.SampleContaminated,
		"Invalid specimen type / device":                       lifecycle.SampleImproperCollection,
		"Wrong device":                                         lifecycle.SampleImproperCollection,
		"Over-filled.":                                         lifecycle.SampleImproperCollection,
		"tube overfilled":                                      lifecycle.SampleImproperCollection,
		"Expired device":                                       lifecycle.SampleStabilityExceeded,
		"Collection date > 30 days":                            lifecycle.SampleStabilityExceeded,
		"Collection date outside acceptance criteria":          lifecycle.SampleStabilityExceeded,
		"Patient identifier does not match electronic order":   lifecycle.DemographicInformationMismatch,
		"Patient  identifiers do not match\nelectronic order.": lifecycle.DemographicInformationMismatch,
		"Sex at birth / device discrepancy":                    lifecycle.DemographicInformationMismatch,
		"No patient identifiers listed on the sample container / envelope.": "",
		"Missing collection date":                   "",
		"Damaged in shipment":                       "",
		"No specimen provided":                      "",
		"Kit not used":                              "",
		"Unknown collection site":                   "",
		"Outside CLIA certification":                "",
		"Electronic order issue; pending review":    "",
		"Unregistered kit / lab order not provided": "",
		"Sample integrity compromised":              "",
		"":                                          "",
	}
	for reason, want := range tests {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			escaped := strings.ReplaceAll(reason, "\n", `\n`)
			n := decode(`{"order_number":"1","type":"kit_rejected","rej_info":{"rejected_reason":"` + escaped +
				`","recoverable":true}}`)
			require.Equal(t, want, n.Fact.Detail)
			require.Equal(t, reason, n.Reason)
			require.Equal(t, new(true), n.Fact.Recoverable, "never read from the words")
		})
	}
}

func TestHugeAndDeepBodies(t *testing.T) {
	t.Parallel()
	const fact = `{"order_number":"1","type":"kit_received","rcvd_info":{},"extra":`
	for name, extra := range map[string]string{
		"a number with many digits": strings.Repeat("9", 60_000),
		"a huge exponent":           "1e99999999999",
		"deep arrays":               strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
		"deep objects":              strings.Repeat(`{"a":`, 9_000) + `""` + strings.Repeat("}", 9_000),
		"many keys":                 `{"` + strings.Repeat(`a":1,"b":2,"`, 4_000) + `c":3}`,
		"broken UTF-8":              "\"\xff\xfe\"",
	} {
		n := decode(fact + extra + "}")
		require.Empty(t, n.Problem, name)
		require.Equal(t, "1", n.OrderNumber, name)
		require.Equal(t, n.Hash, decode(fact+extra+"}").Hash, name)
	}
}

package partnerhttp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

// TestCodes has the numbers and codes that partners send, and how they are read.
func TestCodes(t *testing.T) {
	t.Parallel()
	const usps = "420773169261290283641500004181"
	for sent, want := range map[string]struct {
		code       string
		unreadable bool
	}{
		`"9261290283641500004181"`:               {code: "9261290283641500004181"},
		`"\u001d` + usps + `"`:                   {code: usps},
		`"42077316\u001d9261290283641500004181"`: {code: usps},
		`"` + usps + `\r\n"`:                     {code: usps},
		`"9261\u00a02902\u00a08364"`:             {code: "9261 2902 8364"},
		`"9261\u20072902\u202f8364"`:             {code: "9261 2902 8364"},
		`"9261\t2902"`:                           {code: "9261 2902"},
		`"\ufeff9261\u200b2902\u00ad"`:           {code: "92612902"},
		`"\u200e9261\u200f"`:                     {code: "9261"},
		`"9261\u20112902\u20138364\u22121500"`:   {code: "9261-2902-8364-1500"},
		`"\uff19\uff12\uff16\uff11"`:             {code: "9261"},
		`"<GS>` + usps + `"`:                     {code: usps},
		`"]C1` + usps + `"`:                      {code: usps},
		`"\u241d` + usps + `"`:                   {code: usps},
		`"(420)77316(92)61290283641500004181"`:   {code: "(420)77316(92)61290283641500004181"},
		`"A(1)"`:                                 {code: "A(1)"},
		`"A+B & C, 1"`:                           {code: "A+B & C, 1"},
		`["9261"]`:                               {code: "9261"},
		`9261290283641500004181`:                 {code: "9261290283641500004181"},
		`1111497584974311111`:                    {code: "1111497584974311111"},
		`9261290283641500004181.0`:               {code: "9261290283641500004181"},
		`null`:                                   {},
		`""`:                                     {},
		`" "`:                                    {},
		`" null "`:                               {},
		`"NULL"`:                                 {},
		`"\u00a0null\u00a0"`:                     {},
		`[]`:                                     {},
		`["null"]`:                               {},
		`9.261290283641500004181e21`:             {unreadable: true},
		`"9.2613E+21"`:                           {unreadable: true},
		`"9,2613e+21"`:                           {unreadable: true},
		`"9E+21"`:                                {unreadable: true},
		`"5E10"`:                                 {code: "5E10"},
		`"A+E+1"`:                                {code: "A+E+1"},
		`42.5`:                                   {unreadable: true},
		`true`:                                   {unreadable: true},
		`{"number":"9261"}`:                      {unreadable: true},
		`["9261","9262"]`:                        {unreadable: true},
		`[["9261"]]`:                             {unreadable: true},
		`"left with Zo\u00eb"`:                   {unreadable: true},
		`"<b>Ines</b>"`:                          {unreadable: true},
		`"` + strings.Repeat("9", 65) + `"`:      {unreadable: true},
		`"` + strings.Repeat("9", 64) + `"`:      {code: strings.Repeat("9", 64)},
		`"9261 or 9262?"`:                        {unreadable: true},
		`"\u0664\u0662\u0660"`:                   {unreadable: true},
	} {
		decoder := json.NewDecoder(strings.NewReader(sent))
		decoder.UseNumber()
		var value any
		require.NoError(t, decoder.Decode(&value), sent)
		var codes partnerhttp.CodeReader
		require.Equal(t, want.code, codes.Read("outbound", value), sent)
		require.Equal(t, want.unreadable, len(codes.Unreadable) == 1, sent)
		if text, ok := value.(string); ok {
			require.Equal(t, want.code, partnerhttp.SafeCode(text), sent)
		}
	}
}

package documents_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/order"
)

// allText returns all texts of a document, one per line.
func allText(pages []pageContent) string {
	var all []string
	for _, p := range pages {
		all = append(all, p.texts...)
	}
	return strings.Join(all, "\n")
}

func TestTextsDoNotBreakThePDF(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"the end of a string":    {`) Tj ET BT (x`, `) Tj ET BT (x`},
		"backslashes":            {`\) \\( \012 \`, `\) \\( \012 \`},
		"the end of a stream":    {"endstream endobj %%EOF", "endstream endobj %%EOF"},
		"a script":               {`<< /S /JavaScript /JS (app.alert(1)) >>`, `<< /S /JavaScript /JS (app.alert(1)) >>`},
		"the alias of libraries": {"{nb} {nb}", "{nb} {nb}"},
		"our alias":              {"a\ue000b", "ab"},
		"controls":               {"a\x00b\x1b[31m\x07c", "ab[31mc"},
		"marks of direction":     {"a\u202eb\u2066c", "abc"},
		"accents":                {"Zoë Müller-Nuñez, Łódź", "Zoë Müller-Nuñez, Łódź"},
		"composed accents":       {"Zoe\u0308", "Zoë"},
		"accents we lack":        {"Nguy\u1ec5n Th\u1ecb H\u01b0\u01a1ng", "Nguyễn Thị Hương"},
		"Greek and Cyrillic":     {"β2 µg Иван ≤ 5", "β2 µg Иван ≤ 5"},
		"romanised":              {"李小龙 김 😀 مرحبا", "Li Xiao Long Gim ? Mrhba"},
		"not UTF-8":              {"a\xff\xfeb", "a?b"},
		"units in one character": {"㎎/㎗ 37℃ oﬃce", "mg/dl 37°C office"},
		"fractions":              {"2⅓ of ½", "2⅓ of ½"},
		"signs struck through":   {"≮ 5 ≠ 6", "≮ 5 ≠ 6"},
		"hyphens":                {"Ann‑Lee 1‐5", "Ann-Lee 1-5"},
		"odd spaces":             {"a\u00a0b\u2003c\td", "a\u00a0b c d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, v := fullOrder(), fullReport()
			o.ClinicalNotes, o.Patient.FirstName, o.LabTest.Markers[0].Name = &c.text, c.text, c.text
			v.Report.Results[0].Name, v.Report.Results[1].SourceFlag, v.Report.Laboratory = c.text, c.text, c.text
			v.Report.Missing[0].Note = &c.text
			requisition, err := documents.Requisition(o, parties)
			require.NoError(t, err)
			pages := readPDF(t, requisition)
			require.Len(t, pages, 1)
			require.Contains(t, strings.Split(allText(pages), "\n"), c.want)
			require.Equal(t, o.SampleID, scanBarcode(t, pages[0]))
			report, err := documents.Report(o, v)
			require.NoError(t, err)
			require.Contains(t, strings.Join(strings.Fields(allText(readPDF(t, report))), " "),
				strings.Join(strings.Fields(c.want), " "))
			labels, err := documents.Labels(o, 1, collection)
			require.NoError(t, err)
			require.Len(t, readPDF(t, labels), 1)
		})
	}
}

// Long words without a place to break, and texts longer than a page, stay within the pages, and nothing is lost.
func TestLongTextsStayOnThePages(t *testing.T) {
	t.Parallel()
	word, prose := strings.Repeat("W", 5000), strings.Repeat("many words ", 3000)
	o, v := fullOrder(), fullReport()
	o.ClinicalNotes = &prose
	o.Patient.LastName, o.LabTest.Name, o.LabTest.Lab.Name = word, word, word
	for range 80 {
		o.LabTest.Markers = append(o.LabTest.Markers, order.Marker{Name: "Marker", ProviderID: &word})
		v.Report.Results = append(v.Report.Results, v.Report.Results[1])
	}
	o.LabTest.Markers = o.LabTest.Markers[:8]
	v.Report.Results[0].Text, v.Report.Results[1].SourceFlag = word, word
	v.Report.Results[8].Text = prose
	for name, draw := range map[string]func() ([]byte, error){
		"requisition": func() ([]byte, error) { return documents.Requisition(o, parties) },
		"report":      func() ([]byte, error) { return documents.Report(o, v) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := draw()
			require.NoError(t, err)
			pages := readPDF(t, b)
			require.Greater(t, len(pages), 3)
			require.Equal(t, 6000, strings.Count(strings.Join(strings.Fields(allText(pages)), " ")+" ",
				"many ")+strings.Count(allText(pages), "words"))
			requireInside(t, pages)
			for _, p := range pages {
				require.Contains(t, p.texts[0], "Sample A1B2-000123456 · born 1990-01-02 · Ann WWW",
					"every page says whose it is")
			}
		})
	}
	labels, err := documents.Labels(o, 1, collection)
	require.NoError(t, err)
	require.Len(t, readPDF(t, labels), 1)
}

func requireInside(t *testing.T, pages []pageContent) {
	t.Helper()
	for i, p := range pages {
		for _, line := range p.lines {
			x, y := parseNumber(t, strings.Fields(line)[0]), parseNumber(t, strings.Fields(line)[1])
			require.True(t, x >= 42 && x < 570 && y > 30 && y < 760, "page %d: %s", i+1, line)
		}
	}
}

func TestUndrawableRanges(t *testing.T) {
	t.Parallel()
	huge, zero, three, five := math.MaxFloat64, 0.0, 3.0, 5.0
	for name, r := range map[string]order.Result{
		"a range upside down": {Value: &three, Min: &five, Max: &three},
		"a range of a point":  {Value: &three, Min: &three, Max: &three},
		"huge limits":         {Value: &three, Min: &huge, Max: &huge},
		"a huge limit":        {Value: &three, Max: &huge},
		"a huge value":        {Value: &huge, Min: &three, Max: &five},
		"a limit of nothing":  {Value: &three, Max: &zero},
		"no value":            {Min: &three, Max: &five},
		"no limit":            {Value: &three},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r.Name, r.Text, r.Type = "A", "3", "numeric"
			b, err := documents.Report(fullOrder(), order.ResultVersion{Report: order.LabReport{Results: []order.Result{r}}})
			require.NoError(t, err)
			require.NotContains(t, allText(readPDF(t, b)), "NaN")
		})
	}
}

func TestMinimalOrder(t *testing.T) {
	t.Parallel()
	o := order.Order{ID: "1", SampleID: "123"}
	requisition, err := documents.Requisition(o, parties)
	require.NoError(t, err)
	require.Equal(t, "123", scanBarcode(t, readPDF(t, requisition)[0]))
	report, err := documents.Report(order.Order{}, order.ResultVersion{})
	require.NoError(t, err)
	require.Len(t, readPDF(t, report), 1)
}

// A patient signs the price for the patient's state.
func TestTheCostIsThatOfThePatientsState(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]string{"AZ": "$129.50", "HI": "$132.00"} {
		o := medicareOrder()
		o.Address.State = state
		o.LabTest.Pricing = &order.Price{BaseCents: 12950,
			Modifiers: []order.PriceModifier{{DeltaCents: 250, States: []string{"AK", "HI"}}}}
		abn, err := documents.ABN(o)
		require.NoError(t, err)
		require.Contains(t, allText(readPDF(t, abn)), want)
	}
}

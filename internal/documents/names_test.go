package documents_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/order"
)

// names are patients' names with what must be readable on paper.
var names = map[string]struct{ first, last, printed string }{
	"German": {"Hubert Blaine", "Wolfeschlegelsteinhausenbergerdorff",
		"Hubert Blaine Wolfeschlegelsteinhausenbergerdorff"},
	"a longer one": {"Hubert Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren", "Gewissenhaftschafers",
		"Hubert Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren Gewissenhaftschafers"},
	"Vietnamese":  {"Thị Hương", "Nguyễn Đặng Trường", "Thị Hương Nguyễn Đặng Trường"},
	"decomposed":  {"Th\u0323i", "Nguye\u0302\u0303n", "Tḥi Nguyễn"},
	"Polish":      {"Łucja", "Świętosława-Żółkiewska", "Łucja Świętosława-Żółkiewska"},
	"Turkish":     {"İğdır", "Şükrüoğlu", "İğdır Şükrüoğlu"},
	"Romanian":    {"Ștefan", "Țuțea", "Ștefan Țuțea"},
	"Icelandic":   {"Þórður", "Æðvarðsson", "Þórður Æðvarðsson"},
	"Yoruba":      {"Ọlábísí", "Adébáyọ̀", "Ọlábísí Adébáyọ̀"},
	"Hawaiian":    {"Kāne", "Kealiʻiahonui", "Kāne Kealiʻiahonui"},
	"Greek":       {"Ἀλέξανδρος", "Παπαδόπουλος", "Ἀλέξανδρος Παπαδόπουλος"},
	"Russian":     {"Алексей", "Щёкин", "Алексей Щёкин"},
	"Ukrainian":   {"Ґеорґій", "Їжакевич", "Ґеорґій Їжакевич"},
	"Armenian":    {"Արամ", "Խաչատրյան", "Արամ Խաչատրյան"},
	"Chinese":     {"小龙", "李", "Xiao Long Li"},
	"Japanese":    {"はなこ", "田中", "Hanako Tian Zhong"},
	"Korean":      {"민수", "김", "Minsu Gim"},
	"Arabic":      {"محمد", "علي", "Mhmd 'ly"},
	"Hebrew":      {"דוד", "כהן", "Dvd Khhn"},
	"Hindi":       {"प्रिया", "शर्मा", "Priyaa Shrmaa"},
	"Thai":        {"สมชาย", "ดี", "Smchaay Dii"},
	"typographic": {"D’Arcy", "O‘Neill", "D’Arcy O‘Neill"},
	"of the limit": {strings.Repeat("Abcdefgh ", 28), strings.Repeat("Ijklmnop ", 28),
		strings.TrimSpace(strings.Repeat("Abcdefgh ", 28) + strings.Repeat("Ijklmnop ", 28))},
	"without blanks": {strings.Repeat("m", 120), strings.Repeat("W", 100),
		strings.Repeat("m", 120) + " " + strings.Repeat("W", 100)},
}

// Every name is whole on labels, on requisitions and at the top of each page, and stays on the page.
func TestNamesAreWhole(t *testing.T) {
	t.Parallel()
	for script, name := range names {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			o := fullOrder()
			o.Patient.FirstName, o.Patient.LastName = name.first, name.last
			label, err := documents.Labels(o, 1, collection)
			require.NoError(t, err)
			requisition, err := documents.Requisition(o, parties)
			require.NoError(t, err)
			report, err := documents.Report(o, fullReport())
			require.NoError(t, err)
			if *outputDir != "" {
				file := filepath.Join(*outputDir, "name-"+strings.ReplaceAll(script, " ", "-"))
				require.NoError(t, os.WriteFile(file+"-label.pdf", label, 0o600))
				require.NoError(t, os.WriteFile(file+"-requisition.pdf", requisition, 0o600))
			}
			page := readPDF(t, label)[0]
			requireWhole(t, name.printed, page.texts)
			require.Equal(t, o.SampleID, scanBarcode(t, page))
			for _, line := range page.lines {
				y := parseNumber(t, strings.Fields(line)[1])
				require.True(t, y >= 8 && y < 140, "outside the label: %s", line)
			}
			for _, document := range [][]byte{requisition, report} {
				pages := readPDF(t, document)
				requireWhole(t, name.printed, pages[0].texts)
				for _, p := range pages {
					require.NotContains(t, strings.Join(p.texts, ""), "…")
					requireWhole(t, name.printed, p.texts[:min(len(p.texts), 3)])
				}
			}
		})
	}
}

// requireWhole checks that a name is in texts, on one or several lines.
func requireWhole(t *testing.T, name string, texts []string) {
	t.Helper()
	squeeze := func(s string) string { return strings.ReplaceAll(s, " ", "") }
	require.Contains(t, squeeze(strings.Join(texts, "")), squeeze(name))
	require.NotContains(t, squeeze(strings.Join(texts, "")), squeeze("Not "+name), "the control")
}

// A name with a letter that has neither a glyph nor a romanised form is refused, with the letter's code only.
func TestUnprintableNamesAreRefused(t *testing.T) {
	t.Parallel()
	o := medicareOrder()
	o.Patient.LastName = "𠮷田"
	for name, draw := range map[string]func() ([]byte, error){
		"labels":      func() ([]byte, error) { return documents.Labels(o, 1, collection) },
		"requisition": func() ([]byte, error) { return documents.Requisition(o, parties) },
		"abn":         func() ([]byte, error) { return documents.ABN(o) },
	} {
		_, err := draw()
		unprintable := (*documents.UnprintableError)(nil)
		require.ErrorAs(t, err, &unprintable, name)
		require.Contains(t, err.Error(), "U+20BB7")
		require.NotContains(t, err.Error(), "田")
	}
	_, err := documents.Report(o, fullReport())
	require.NoError(t, err, "results are never withheld")
}

// Words of fields are not split beside an empty column, and long values use the width of both.
func TestWordsAreNotSplit(t *testing.T) {
	t.Parallel()
	o := fullOrder()
	o.Patient.Email = strings.Repeat("wolfeschlegelstein", 4) + "@hospital.example"
	o.LabTest.Name = "Wolfeschlegelsteinhausenbergerdorff panel of the extraordinarily comprehensive kind"
	b, err := documents.Requisition(o, parties)
	require.NoError(t, err)
	texts := readPDF(t, b)[0].texts
	require.Contains(t, texts, "Wolfeschlegelsteinhausenbergerdorff", "a word of its own line: %v", texts)
}

func TestRequisitionNamesThePartiesAndHasLines(t *testing.T) {
	t.Parallel()
	b, err := documents.Requisition(fullOrder(), parties)
	require.NoError(t, err)
	texts := readPDF(t, b)[0].texts
	for _, want := range []string{"Northside Clinic", "00412, Northside main account", "14401 SE 1st St",
		"Vancouver, WA 98684", "Signature of the patient or who stands in", "Signature of the physician", "Date",
		"Collected on (date, time and time zone)"} {
		require.Contains(t, texts, want)
	}
	b, err = documents.Requisition(order.Order{ID: "1", SampleID: "1"}, documents.Parties{})
	require.NoError(t, err)
	require.NotContains(t, readPDF(t, b)[0].texts, "Account", "an empty field is not drawn")
}

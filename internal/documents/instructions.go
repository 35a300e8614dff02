package documents

import (
	"strconv"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// The texts about fasting. The test does not say how long to fast.
const (
	textFasting = "This test is taken fasting. Ask who ordered it how long to fast; drink water, and take medicines " +
		"as you were told."
	textNotFasting = "This test needs no fasting."
)

// collectionSteps are the patient's steps by collection method. The leaflet of a kit takes precedence.
var collectionSteps = map[lifecycle.Modality][]string{
	lifecycle.Testkit: {
		"Check that the kit is complete, unopened and not past its date. Read the leaflet in it to the end; where it " +
			"differs from this page, follow the leaflet.",
		"If the kit came without your name, register it before you use it, with the number that is printed on it.",
		"Wash your hands. Take the sample as the leaflet shows.",
		"Write your full name, your date of birth, and the date and time of the collection on the sample. Labs reject " +
			"samples without them.",
		"Pack the sample as the leaflet shows and hand it in on the same day, with the return label that came with the kit.",
	},
	lifecycle.WalkIn: {
		"Take a photo identification and the requisition with you, printed or on a telephone.",
		"Tell the staff when you last ate, and which medicines you take.",
		"Before you leave, check that your name and date of birth are right on every tube.",
	},
	lifecycle.AtHomePhlebotomy: {
		"Have a photo identification ready, and a place with good light where your arm can rest.",
		"Drink water in the hours before the visit.",
		"Tell the phlebotomist when you last ate, and which medicines you take.",
		"Before the phlebotomist leaves, check that your name and date of birth are right on every tube.",
	},
	lifecycle.OnSite: {
		"Check the patient's identity by name and date of birth against the requisition.",
		"Take the sample, and label every tube at the patient's side with name, date of birth, sample id, and date and " +
			"time of the collection.",
		"Send the tubes to the lab with the requisition.",
	},
}

// Instructions draws how the sample of a test is collected. The time is the creation time of the document. It contains
// no patient data.
func Instructions(t order.LabTest, at time.Time) ([]byte, error) {
	s := newCanvas("Collection instructions", t.Name, "Collection instructions", at)
	s.drawHead("Collection instructions", labName(order.Order{LabTest: t}), "")
	s.drawTitle("Test")
	s.drawFields([]field{{"Test", t.Name}, {"Sample", humanize(t.SampleType)}}, []field{
		{"Collection", humanize(string(t.Method))},
		{"Fasting", ifElse(t.Fasting, "required", "not required")},
	})
	s.drawOptionalText("About the test", t.Description)
	s.drawTitle("Before the collection")
	s.drawParagraph(ifElse(t.Fasting, textFasting, textNotFasting), plain)
	s.drawTitle("Steps")
	const indent = 8
	for i, step := range collectionSteps[t.Method] {
		s.drawRow([]cell{
			{margin, indent, style{size: 10, bold: true, colour: accent}, strconv.Itoa(i + 1)},
			{margin + indent, bodyWidth - indent, style{size: 10, colour: black}, step},
		}, 0, nil)
	}
	return encodePDF(s.pdf)
}

package documents

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// patientLine returns the line that identifies the patient on every page. The name is its last part, because only the
// name may be too long for the line.
func patientLine(o order.Order) string {
	var parts []string
	if o.SampleID != "" {
		parts = append(parts, "Sample "+o.SampleID)
	}
	if p := o.Patient; p != nil {
		parts = append(parts, "born "+p.DOB.String(), fullName(p.FirstName, p.LastName))
	}
	return strings.Join(parts, " · ")
}

func fullName(first, last string) string { return strings.TrimSpace(first + " " + last) }

func formatAddress(a *order.Address) string {
	if a == nil {
		return ""
	}
	lines := []string{a.FirstLine, textOrEmpty(a.SecondLine),
		joinParts(a.City, strings.TrimSpace(a.State+" "+a.Zip), a.Country)}
	var out []string
	for _, line := range lines {
		if line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func labName(o order.Order) string {
	if o.LabTest.Lab == nil {
		return ""
	}
	return o.LabTest.Lab.Name
}

// joinParts returns the parts that are not empty, with commas between them.
func joinParts(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// labAddress returns the lab's address, one part a line.
func labAddress(o order.Order) string {
	lab := o.LabTest.Lab
	if lab == nil {
		return ""
	}
	return strings.TrimSpace(lab.FirstLineAddress + "\n" + strings.TrimSpace(lab.City+" "+lab.Zipcode))
}

// humanize formats an enumeration value for readers.
func humanize(value string) string { return strings.ReplaceAll(value, "_", " ") }

func joinNumbers(ids []int) string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = strconv.Itoa(id)
	}
	return strings.Join(out, ", ")
}

func ifElse(is bool, then, otherwise string) string {
	if is {
		return then
	}
	return otherwise
}

func textOrEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func formatTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

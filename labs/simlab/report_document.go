package simlab

import "slices"

// document returns what the PDF of the report shows.
func (r *molecularReport) document(o *order, reportedAt string) reportDocument {
	d := reportDocument{laboratory: laboratoryName, number: o.number, sample: o.kitID, status: r.Status,
		interpretation: r.Interpretation, reportedAt: reportedAt, version: r.Version}
	for _, ob := range r.Observations {
		line := reportLine{name: ob.TestName, result: ob.ResultValue, unit: ob.Units, reference: ob.ReferenceRange}
		if line.result == "" {
			line.result = ob.Result
		}
		if ob.Interpretation == abnormal || ob.Interpretation == critical || line.result == resultDetected {
			line.flag = "A"
		}
		if slices.Contains([]string{"H", "HH", "AA"}, ob.Result) {
			line.flag = ob.Result
		}
		d.results = append(d.results, line)
	}
	for _, m := range r.Missing {
		d.missing = append(d.missing, m.TestName)
	}
	return d
}

// document returns what the PDF of the report shows.
func (r *neutralReport) document(o *order) reportDocument {
	d := reportDocument{laboratory: r.Laboratory, number: o.number, sample: o.neutral.accession, status: r.Status,
		interpretation: r.Interpretation, collectedAt: r.CollectedAt, receivedAt: r.ReceivedAt, reportedAt: r.ReportedAt,
		version: r.Version}
	for _, m := range r.Results {
		d.results = append(d.results, reportLine{name: m.Name, result: m.Result, unit: m.Unit, reference: m.ReferenceRange,
			flag: m.Flag})
	}
	for _, m := range r.Missing {
		d.missing = append(d.missing, m.Name)
	}
	return d
}

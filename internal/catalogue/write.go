package catalogue

import "github.com/aliquot-labs/aliquot/order"

// FileOf returns the catalogue as a file, from which Read makes the same catalogue.
func FileOf(c order.Catalogue) File {
	slugs := map[int]string{}
	f := File{Labs: make([]Lab, len(c.Labs))}
	for i, l := range c.Labs {
		slugs[l.ID] = l.Slug
		f.Labs[i] = Lab(l)
	}
	for _, m := range c.Markers {
		f.Markers = append(f.Markers, markerOf(m, slugs[*m.LabID]))
	}
	for _, t := range c.LabTests {
		if t.Lab != nil {
			f.LabTests = append(f.LabTests, labTestOf(t))
		}
	}
	for _, s := range c.Sites {
		f.Sites = append(f.Sites, Site{
			Code: s.Code, Lab: slugs[s.LabID], Name: s.Name, FirstLine: s.FirstLine, SecondLine: s.SecondLine, City: s.City,
			State: s.State, Zip: s.Zip, Phone: s.Phone, Fax: s.Fax, Website: s.Website, Hours: s.Hours, Lat: s.Lat, Lng: s.Lng,
			Capabilities: s.Capabilities, BillTypes: s.BillTypes, Active: falseIf(s.Inactive),
		})
	}
	for _, a := range c.PhlebotomyAreas {
		f.Phlebotomy = append(f.Phlebotomy, Phlebotomy{Provider: a.Provider, ServiceTypes: a.ServiceTypes,
			Zips: []string{a.FirstZip + "-" + a.LastZip}})
	}
	for _, z := range c.ZipCenters {
		f.Zips = append(f.Zips, z.Zip+" "+formatDegrees(z.Lat)+" "+formatDegrees(z.Lng))
	}
	return f
}

// falseIf returns false for an inactive entry and nil for an active one.
func falseIf(inactive bool) *bool {
	if !inactive {
		return nil
	}
	return new(false)
}

func markerOf(m order.Marker, lab string) Marker {
	out := Marker{
		ID: m.ID, Lab: lab, Name: m.Name, Slug: m.Slug, Description: m.Description, LOINC: m.LOINC, Unit: m.Unit,
		SampleType: m.SampleType, Price: priceOf(m.Pricing), CommonTATDays: m.CommonTATDays,
		WorstCaseTATDays: m.WorstCaseTATDays, ALaCarte: m.ALaCarte, Reflex: m.Reflex, Active: falseIf(m.Inactive),
	}
	if m.Type != nil {
		out.Type = *m.Type
	}
	if m.ProviderID != nil {
		out.ProviderID = *m.ProviderID
	}
	for _, q := range m.Questions {
		out.Questions = append(out.Questions, questionOf(q))
	}
	for _, e := range m.ExpectedResults {
		result := ExpectedResult{ID: e.ID, Name: e.Name, Slug: e.Slug, ProviderID: e.ProviderID, Required: &e.Required}
		if e.LOINC != nil {
			result.LOINC, result.Unit = &e.LOINC.Code, e.LOINC.Unit
		}
		out.Expected = append(out.Expected, result)
	}
	return out
}

func questionOf(q order.Question) Question {
	out := Question{
		ID: q.ID, Code: q.Code, Value: q.Text, Type: string(q.Type), Required: q.Required, Sequence: q.Sequence,
		Constraint: q.Constraint, Default: q.Default, Pattern: q.Pattern, MaxLength: q.MaxLength, Minimum: q.Minimum,
		Maximum: q.Maximum, Fasting: (*Fasting)(q.Fasting),
	}
	for _, c := range q.Choices {
		out.Answers = append(out.Answers, Answer{ID: c.ID, Code: c.Code, Value: c.Text})
	}
	return out
}

func priceOf(p *order.Price) *Price {
	if p == nil {
		return nil
	}
	out := &Price{BaseCents: p.BaseCents}
	for _, m := range p.Modifiers {
		out.Modifiers = append(out.Modifiers, Modifier(m))
	}
	return out
}

func labTestOf(t order.LabTest) LabTest {
	out := LabTest{
		ID: t.ID, Slug: t.Slug, Name: t.Name, Description: t.Description, Lab: t.Lab.Slug, Method: string(t.Method),
		SampleType: t.SampleType, Price: priceOf(t.Pricing), Status: t.Status, Fasting: t.Fasting,
		Instructions: t.HasInstructions,
		PanelIDs:     t.PanelIDs, CommonTATDays: t.CommonTATDays, WorstCaseTATDays: t.WorstCaseTATDays, Policy: t.Policy,
	}
	for _, m := range t.Markers {
		out.MarkerIDs = append(out.MarkerIDs, m.ID)
	}
	return out
}

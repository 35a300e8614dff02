package catalogue

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// NamedFile is a file with its name in problems.
type NamedFile struct {
	Name string
	File File
}

// Problem is something wrong with a file, at a JSON path such as markers[12].loinc.
type Problem struct {
	File, Path, Message string
}

func (p Problem) String() string { return p.File + ": " + p.Path + ": " + p.Message }

// Read makes a catalogue of files, which may refer to known labs and markers. It returns everything that is wrong,
// ordered by file. If there is a problem, the catalogue is empty.
func Read(files []NamedFile, known order.Catalogue) (order.Catalogue, []Problem) {
	r := &reader{
		labs: map[string]order.Lab{}, markers: map[int64]order.Marker{},
		unique: map[string]bool{}, knownLabs: map[string]order.Lab{}, knownMarkers: map[int64]order.Marker{},
		knownCodes: map[string]int64{},
	}
	for _, l := range known.Labs {
		r.labs[l.Slug], r.knownLabs[l.Slug] = l, l
	}
	inFiles := map[int64]bool{}
	for _, f := range files {
		for _, m := range f.File.Markers {
			inFiles[m.ID] = true
		}
	}
	for _, m := range known.Markers {
		r.markers[m.ID], r.knownMarkers[m.ID] = m, m
		if !inFiles[m.ID] && m.LabID != nil && m.ProviderID != nil {
			r.knownCodes[markerCodeKey(*m.LabID, *m.ProviderID)] = m.ID
		}
	}
	// Entries can refer to entries of other files, so the kinds are read one after the other.
	readEach(r, files, "labs", func(f File) []Lab { return f.Labs }, r.readLab)
	readEach(r, files, "markers", func(f File) []Marker { return f.Markers }, r.readMarker)
	readEach(r, files, "lab_tests", func(f File) []LabTest { return f.LabTests }, r.readLabTest)
	readEach(r, files, "sites", func(f File) []Site { return f.Sites }, r.readSite)
	readEach(r, files, "phlebotomy", func(f File) []Phlebotomy { return f.Phlebotomy }, r.readPhlebotomy)
	readEach(r, files, "zips", func(f File) []string { return f.Zips }, r.readZip)
	if len(r.problems) > 0 {
		return order.Catalogue{}, sortByFile(files, r.problems)
	}
	return r.out, nil
}

func sortByFile(files []NamedFile, problems []Problem) []Problem {
	index := map[string]int{}
	for i, f := range files {
		index[f.Name] = i
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(index[a.File], index[b.File]) })
	return problems
}

// reader reads one entry after the other. Later entries can refer to earlier ones.
type reader struct {
	out      order.Catalogue
	problems []Problem
	file     string // the file that is being read
	path     string // the JSON path of the entry that is being read

	labs         map[string]order.Lab // by slug
	markers      map[int64]order.Marker
	unique       map[string]bool // values that must not occur twice
	knownLabs    map[string]order.Lab
	knownMarkers map[int64]order.Marker
	knownCodes   map[string]int64 // codes of known markers that the files do not contain, with the marker's id
}

func readEach[T any](r *reader, files []NamedFile, kind string, of func(File) []T, read func(T)) {
	for _, f := range files {
		for i, entry := range of(f.File) {
			r.file, r.path = f.Name, fmt.Sprintf("%s[%d]", kind, i)
			read(entry)
		}
	}
}

// addProblem records a problem with a field of the entry that is being read.
func (r *reader) addProblem(field, format string, args ...any) {
	path := r.path
	if field != "" {
		path += "." + field
	}
	r.problems = append(r.problems, Problem{File: r.file, Path: path, Message: fmt.Sprintf(format, args...)})
}

// requireUnique records a problem if another entry of the kind has the same value.
func (r *reader) requireUnique(field, kind string, value any) {
	key := fmt.Sprintf("%s\x00%v", kind, value)
	if r.unique[key] {
		r.addProblem(field, "another entry has %v too", value)
	}
	r.unique[key] = true
}

// findLab returns the lab of an entry. It records a problem if there is none.
func (r *reader) findLab(slug string) (order.Lab, bool) {
	lab, ok := r.labs[slug]
	if !ok {
		r.addProblem("lab", "there is no lab %q", slug)
	}
	return lab, ok
}

func (r *reader) readLab(l Lab) {
	r.requireUnique("id", "lab", l.ID)
	r.requireUnique("slug", "lab slug", l.Slug)
	for _, known := range r.knownLabs {
		// Accounts and orders refer to labs by slug, markers refer to them by id.
		if (known.ID == l.ID) != (known.Slug == l.Slug) {
			r.addProblem("id", "lab %d is known as %s: neither can change", known.ID, known.Slug)
		}
	}
	lab := order.Lab(l)
	r.labs[l.Slug] = lab
	r.out.Labs = append(r.out.Labs, lab)
}

func (r *reader) readLabTest(t LabTest) {
	if id, ok := order.ParseID(t.ID); ok {
		t.ID = id
	} else {
		r.addProblem("id", "not a UUID")
	}
	r.requireUnique("id", "lab test", t.ID)
	lab, ok := r.findLab(t.Lab)
	if !ok {
		return
	}
	if !slices.Contains(lab.CollectionMethods, t.Method) {
		r.addProblem("method", "the lab does not collect by %s", t.Method)
	}
	if !slices.Contains(lab.SampleTypes, t.SampleType) {
		r.addProblem("sample_type", "the lab takes no %s", t.SampleType)
	}
	r.checkTurnaround(t.CommonTATDays, t.WorstCaseTATDays)
	if _, err := order.ResolvePolicy(t.Policy); err != nil {
		r.addProblem("policy", "not valid: %v", err)
	}
	test := order.LabTest{
		ID: t.ID, Slug: t.Slug, Name: t.Name, Description: t.Description, SampleType: t.SampleType,
		Method: lifecycle.Modality(t.Method), Status: cmp.Or(t.Status, statusActive), Fasting: t.Fasting,
		HasInstructions: t.Instructions, Lab: &lab, PanelIDs: t.PanelIDs, Policy: t.Policy,
		Pricing: t.Price.toOrderPrice(r), CommonTATDays: t.CommonTATDays, WorstCaseTATDays: t.WorstCaseTATDays,
	}
	if t.Price != nil {
		test.Price = float64(t.Price.BaseCents) / 100
	}
	test.Markers = r.findMarkers(lab, t.MarkerIDs)
	common, worst := order.TurnaroundOf(test.Markers)
	test.CommonTATDays, test.WorstCaseTATDays = cmp.Or(test.CommonTATDays, common), cmp.Or(test.WorstCaseTATDays, worst)
	r.out.LabTests = append(r.out.LabTests, test)
}

const statusActive = "active"

// findMarkers returns the markers of a lab test, and records problems with their ids.
func (r *reader) findMarkers(lab order.Lab, ids []int64) []order.Marker {
	var all []order.Marker
	for i, id := range ids {
		m, ok := r.markers[id]
		field := fmt.Sprintf("marker_ids[%d]", i)
		switch {
		case !ok:
			r.addProblem(field, "there is no marker %d", id)
		case *m.LabID != lab.ID:
			r.addProblem(field, "marker %d is another lab's", id)
		case slices.Contains(ids[:i], id):
			r.addProblem(field, "marker %d is listed twice", id)
		default:
			all = append(all, m)
		}
	}
	return all
}

func (r *reader) checkTurnaround(common, worst *int) {
	if common != nil && worst != nil && *common > *worst {
		r.addProblem("worst_case_tat_days", "less than common_tat_days")
	}
}

func (p *Price) toOrderPrice(r *reader) *order.Price {
	if p == nil {
		return nil
	}
	out := &order.Price{BaseCents: p.BaseCents}
	for i, m := range p.Modifiers {
		for j, state := range m.States {
			r.checkState(fmt.Sprintf("price.modifiers[%d].states[%d]", i, j), state)
		}
		out.Modifiers = append(out.Modifiers, order.PriceModifier(m))
	}
	return out
}

func (r *reader) checkState(field, code string) {
	if !order.IsUSState(code) {
		r.addProblem(field, "%q is not a state or territory of the United States", code)
	}
}

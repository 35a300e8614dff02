package order

import "slices"

// Catalogue is what can be ordered, and where samples are taken.
type Catalogue struct {
	Labs     []Lab
	Markers  []Marker
	LabTests []LabTest // with labs and markers
	Sites    []Site
	Coverage []Coverage // whole: of every provider that is in it
	Zips     []ZipCenter
}

// Providers are those of phlebotomists whose coverage it has.
func (c Catalogue) Providers() []string {
	var all []string
	for _, area := range c.Coverage {
		all = append(all, area.Provider)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

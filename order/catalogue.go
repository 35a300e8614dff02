package order

import "slices"

// Catalogue is what can be ordered, and where samples are taken.
type Catalogue struct {
	Labs            []Lab
	Markers         []Marker
	LabTests        []LabTest // with labs and markers
	Sites           []Site
	PhlebotomyAreas []PhlebotomyArea // whole: of every provider that is in it
	ZipCenters      []ZipCenter
}

// PhlebotomyProviders are those of phlebotomists whose coverage it has.
func (c Catalogue) PhlebotomyProviders() []string {
	var all []string
	for _, area := range c.PhlebotomyAreas {
		all = append(all, area.Provider)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

package catalogue

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// Locations: patient service centers, phlebotomy areas and the centers of postal codes.

var (
	daysOfWeek   = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	areaPattern  = regexp.MustCompile(`^(\d{1,5}|\d{5}-\d{5})$`)
	zipPattern   = regexp.MustCompile(`^\d{5} -?\d{1,2}(\.\d+)? -?\d{1,3}(\.\d+)?$`)
	hoursPattern = regexp.MustCompile(`^(closed|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d` +
		`(, ([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?)$`)
)

func (r *reader) readSite(s Site) {
	lab, ok := r.findLab(s.Lab)
	if !ok {
		return
	}
	r.requireUnique("code", "site of "+s.Lab, s.Code)
	r.checkState("state", s.State)
	for day, hours := range s.Hours {
		if !slices.Contains(daysOfWeek, day) {
			r.addProblem("hours", "%q is no day of the week", day)
		}
		if !hoursPattern.MatchString(hours) {
			r.addProblem("hours."+day, "neither closed nor of the form 07:00-16:00")
		}
	}
	site := order.Site{
		LabID: lab.ID, Code: s.Code, Name: s.Name, FirstLine: s.FirstLine, SecondLine: s.SecondLine, City: s.City,
		State: s.State, Zip: s.Zip, Phone: s.Phone, Fax: s.Fax, Website: s.Website, Hours: s.Hours, Lat: s.Lat, Lng: s.Lng,
		Capabilities: s.Capabilities, BillTypes: s.BillTypes, Inactive: s.Active != nil && !*s.Active,
	}
	if len(site.BillTypes) == 0 {
		site.BillTypes = []string{"client_bill"}
	}
	r.out.Sites = append(r.out.Sites, site)
}

func (r *reader) readPhlebotomy(p Phlebotomy) {
	for i, text := range p.Zips {
		if !areaPattern.MatchString(text) {
			r.addProblem(fmt.Sprintf("zips[%d]", i),
				"neither a postal code, nor its beginning, nor a range: 85004, 850, 85001-85099")
			continue
		}
		from, to, ranged := strings.Cut(text, "-")
		if !ranged {
			from, to = text+strings.Repeat("0", 5-len(text)), text+strings.Repeat("9", 5-len(text))
		}
		if from > to {
			r.addProblem(fmt.Sprintf("zips[%d]", i), "ends before it begins")
		}
		r.requireUnique(fmt.Sprintf("zips[%d]", i), "area of "+p.Provider, from+"-"+to)
		r.out.PhlebotomyAreas = append(r.out.PhlebotomyAreas,
			order.PhlebotomyArea{Provider: p.Provider, ServiceTypes: p.ServiceTypes, FirstZip: from, LastZip: to})
	}
}

func (r *reader) readZip(text string) {
	if !zipPattern.MatchString(text) {
		r.addProblem("", "not of the form 85004 33.4516 -112.0699")
		return
	}
	parts := strings.Fields(text)
	r.requireUnique("", "zip", parts[0])
	lat, latErr := strconv.ParseFloat(parts[1], 64)
	lng, lngErr := strconv.ParseFloat(parts[2], 64)
	if latErr != nil || lngErr != nil || lat < -90 || lat > 90 || lng < -180 || lng > 180 {
		r.addProblem("", "not a position on the globe")
	}
	r.out.ZipCenters = append(r.out.ZipCenters, order.ZipCenter{Zip: parts[0], Point: order.Point{Lat: lat, Lng: lng}})
}

// formatDegrees formats degrees for a file.
func formatDegrees(d float64) string { return strconv.FormatFloat(d, 'f', -1, 64) }

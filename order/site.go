package order

import "math"

// Site is a patient service center of a lab.
type Site struct {
	LabID        int               `json:"lab_id"`
	Code         string            `json:"code"` // the lab's own
	Name         string            `json:"name"`
	FirstLine    string            `json:"first_line"`
	SecondLine   *string           `json:"second_line,omitempty"`
	City         string            `json:"city"`
	State        string            `json:"state"`
	Zip          string            `json:"zip_code"`
	Phone        *string           `json:"phone_number,omitempty"`
	Fax          *string           `json:"fax_number,omitempty"`
	Website      *string           `json:"website,omitempty"`
	Hours        map[string]string `json:"hours,omitempty"` // by day of the week; nil: not known
	Lat          float64           `json:"lat"`
	Lng          float64           `json:"lng"`
	Capabilities []string          `json:"capabilities,omitempty"`
	BillTypes    []string          `json:"bill_types,omitempty"`
	Inactive     bool              `json:"inactive,omitempty"`
}

// PhlebotomyArea says where a provider of phlebotomists goes, and how appointments with it are made there.
type PhlebotomyArea struct {
	Provider     string   `json:"provider"`
	ServiceTypes []string `json:"service_types"`
	FirstZip     string   `json:"from"` // the first zip
	LastZip      string   `json:"to"`   // the last
}

// ZipCenter is where a postal code is: the middle of its area.
type ZipCenter struct {
	Zip string
	Point
}

// Point is a place on the globe, in degrees.
type Point struct{ Lat, Lng float64 }

// earthRadius is in statute miles.
const earthRadius = 3958.8

// MilesTo is how far two points are apart, as the crow flies.
func (p Point) MilesTo(q Point) float64 {
	const degree = math.Pi / 180
	sinLat, sinLng := math.Sin((q.Lat-p.Lat)*degree/2), math.Sin((q.Lng-p.Lng)*degree/2)
	a := sinLat*sinLat + math.Cos(p.Lat*degree)*math.Cos(q.Lat*degree)*sinLng*sinLng
	return 2 * earthRadius * math.Asin(math.Min(1, math.Sqrt(a)))
}

// BoundsWithin is the rectangle that holds every point within so many miles.
func (p Point) BoundsWithin(miles float64) (southWest, northEast Point) {
	const mile = 180 / math.Pi / earthRadius // in degrees of latitude
	lat := miles * mile
	lng := 360.0
	if widest := math.Max(math.Abs(p.Lat-lat), math.Abs(p.Lat+lat)); widest < 89 {
		lng = lat / math.Cos(widest*math.Pi/180)
	}
	return Point{p.Lat - lat, p.Lng - lng}, Point{p.Lat + lat, p.Lng + lng}
}

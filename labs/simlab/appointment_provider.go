package simlab

import (
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zones below do not depend on the machine
)

// The providers of appointments.
const (
	providerGetlabs      = "getlabs"      // phlebotomy: slots, confirmed at once
	providerPhlebFinders = "phlebfinders" // phlebotomy: requests, whose time the provider sets
	providerQuest        = "quest"        // patient service centers
	providerSonora       = "sonora_quest" // patient service centers: reserved, confirmed later, calls cannot change them
)

var providers = []string{providerGetlabs, providerPhlebFinders, providerQuest, providerSonora}

// serviceAreaZip holds the only areas of the simulated phlebotomists (client-api#11-appointments).
var serviceAreaZip = map[string]string{providerGetlabs: "85004", providerPhlebFinders: "54650"}

// providerZones holds the time zones of the providers. All patient service centers work by New York time
// (client-api#11-appointments).
var providerZones = map[string]*time.Location{
	providerGetlabs: mustLoadZone("America/Phoenix"), providerPhlebFinders: mustLoadZone("America/Chicago"),
	providerQuest: mustLoadZone("America/New_York"), providerSonora: mustLoadZone("America/New_York"),
}

func mustLoadZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the zones are part of the program
	}
	return zone
}

func zoneOf(provider string) string {
	zone := providerZones[provider]
	if zone == nil {
		zone = time.UTC
	}
	return zone.String()
}

// typeOf returns the type of a provider's appointments.
func typeOf(provider string) string {
	if provider == providerGetlabs || provider == providerPhlebFinders {
		return typePhlebotomy
	}
	return typePSC
}

// accountServes reports whether the account is with the provider. The account "<name>:<provider>" is with that provider
// only. The plain name is with all providers but Sonora Quest, so that its sites are not mixed with those of Quest.
func accountServes(account, provider string) bool {
	_, only, restricted := strings.Cut(account, ":")
	if restricted {
		return only == provider
	}
	return provider != providerSonora
}

// site is a patient service center.
type site struct {
	provider            string
	code, name          string
	street, city, state string
	zip                 string
	latitude, longitude float64
}

var sites = []site{
	{providerQuest, "QNY1", "Quest - Lower Manhattan", "80 Maiden Lane", "New York", "NY", "10038", 40.7075, -74.0075},
	{providerQuest, "QNY2", "Quest - Gramercy", "205 E 20th Street", "New York", "NY", "10003", 40.7360, -73.9830},
	{providerQuest, "QAZ1", "Quest - Downtown Phoenix", "305 W Washington Street", "Phoenix", "AZ", "85003", 33.4483,
		-112.0780},
	{providerQuest, "QAZ2", "Quest - Midtown Phoenix", "3330 N Central Avenue", "Phoenix", "AZ", "85012", 33.4870,
		-112.0740},
	{providerQuest, "QCA1", "Quest - Civic Center", "210 S Grand Avenue", "Los Angeles", "CA", "90012", 34.0560,
		-118.2490},
	{providerQuest, "QTX1", "Quest - Midtown Houston", "2311 Fannin Street", "Houston", "TX", "77002", 29.7480, -95.3690},
	{providerQuest, "QWA1", "Quest - Tacoma", "1112 S Cushman Avenue", "Tacoma", "WA", "98405", 47.2500, -122.4550},
	{providerSonora, "SAZ1", "Sonora Quest - Phoenix", "1255 W Washington Street", "Phoenix", "AZ", "85007", 33.4480,
		-112.0890},
	{providerSonora, "SAZ2", "Sonora Quest - Tucson", "630 N Alvernon Way", "Tucson", "AZ", "85711", 32.2290, -110.9090},
}

func siteOf(code string) *site {
	for i := range sites {
		if sites[i].code == code {
			return &sites[i]
		}
	}
	return nil
}

// milesFrom returns the site's distance in miles from a postal code: the difference of the codes plus one, if their
// first three digits are the same. Otherwise it is unknown.
func (s site) milesFrom(zip string) (miles int, known bool) {
	if len(zip) < 5 || zip[:3] != s.zip[:3] {
		return 0, false
	}
	theirs, err := strconv.Atoi(zip[:5])
	if err != nil {
		return 0, false
	}
	ours, _ := strconv.Atoi(s.zip) // zip codes of the table are numbers
	return max(theirs-ours, ours-theirs) + 1, true
}

// siteView is the JSON form of a site in calls and facts.
type siteView struct {
	Code     string      `json:"code"`
	Name     string      `json:"name"`
	Address  siteAddress `json:"address"`
	Lat      float64     `json:"lat"`
	Lng      float64     `json:"lng"`
	Distance *int        `json:"distance_miles"`
	Timezone string      `json:"timezone"`
}

type siteAddress struct {
	FirstLine  string  `json:"first_line"`
	SecondLine *string `json:"second_line"`
	City       string  `json:"city"`
	State      string  `json:"state"`
	Zip        string  `json:"zip"`
}

func (s site) view(distance *int) *siteView {
	return &siteView{
		Code: s.code, Name: s.name, Address: siteAddress{FirstLine: s.street, City: s.city, State: s.state, Zip: s.zip},
		Lat: s.latitude, Lng: s.longitude, Distance: distance, Timezone: zoneOf(s.provider),
	}
}

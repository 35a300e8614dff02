package simlab

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

const (
	defaultDays   = 14
	maxDays       = 60
	defaultRadius = 25
)

// availabilityQuery is the body of POST /neutral/availability.
type availabilityQuery struct {
	Type    string          `json:"type"`
	Address *addressRequest `json:"address"`
	Sites   []string        `json:"sites"`
	Zip     string          `json:"zip"`
	Radius  int             `json:"radius_miles"`
	From    string          `json:"from"`
	Days    int             `json:"days"`
}

type availabilityAnswer struct {
	Timezone *string   `json:"timezone"`
	Days     []dayView `json:"days"`
}

type dayView struct {
	Date  string     `json:"date"`
	Site  *siteView  `json:"site"`
	Slots []slotView `json:"slots"`
}

type slotView struct {
	Key       string     `json:"key"`
	Start     time.Time  `json:"start"`
	End       time.Time  `json:"end"`
	ExpiresAt *time.Time `json:"expires_at"`
	Price     int        `json:"price_cents"`
	Priority  bool       `json:"priority"`
	Available int        `json:"available"`
}

// phlebotomyPriceCents is the price of a phlebotomist's visit, in US cents.
const phlebotomyPriceCents = 3500

// handleAvailability is POST /neutral/availability. It lists free slots; days without free slots are left out.
func (s *Server) handleAvailability(c *neutralCall) {
	var query availabilityQuery
	if !c.decodeBody(&query) {
		return
	}
	answer, problem := s.findFreeSlots(c.account, query)
	if problem != nil {
		c.refuse(problem)
		return
	}
	writeJSON(c.w, http.StatusOK, answer)
}

func (s *Server) findFreeSlots(account string, query availabilityQuery) (availabilityAnswer, *refusal) {
	if query.Days <= 0 {
		query.Days = defaultDays
	}
	query.Days = min(query.Days, maxDays)
	if _, err := time.Parse(time.DateOnly, query.From); query.From != "" && err != nil {
		return availabilityAnswer{}, refuse(codeInvalid, "from is not a date")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch query.Type {
	case typePhlebotomy:
		return s.findVisitSlots(account, query)
	case typePSC:
		return s.findSiteSlots(account, query)
	}
	return availabilityAnswer{}, refuse(codeInvalid, "type is unknown")
}

// findVisitSlots lists the free slots of phlebotomists at the address. The caller holds the mutex.
func (s *Server) findVisitSlots(account string, query availabilityQuery) (availabilityAnswer, *refusal) {
	if query.Address == nil {
		return availabilityAnswer{}, refuse(codeInvalid, "address is missing")
	}
	zone := zoneOf(providerGetlabs)
	answer := availabilityAnswer{Timezone: &zone, Days: []dayView{}}
	area := serviceAreaZip[providerGetlabs]
	if !accountServes(account, providerGetlabs) || !inArea(query.Address, area) {
		return answer, nil
	}
	for _, noon := range s.searchDays(query, providerGetlabs) {
		if slots := s.freeSlots(providerGetlabs, area, noon); len(slots) > 0 {
			answer.Days = append(answer.Days, dayView{Date: noon.Format(time.DateOnly), Slots: slots})
		}
	}
	return answer, nil
}

// inArea reports whether an address is in the area of a five-digit postal code.
func inArea(address *addressRequest, area string) bool {
	return len(address.Zip) >= len(area) && address.Zip[:len(area)] == area
}

// siteDistance is a site and its distance in miles; nil: unknown.
type siteDistance struct {
	site     *site
	distance *int
}

// findSiteSlots lists the free slots of patient service centers, ordered by day and then by distance. The caller holds
// the mutex.
func (s *Server) findSiteSlots(account string, query availabilityQuery) (availabilityAnswer, *refusal) {
	answer := availabilityAnswer{Days: []dayView{}}
	candidates, problem := findSites(account, query)
	if problem != nil || len(candidates) == 0 {
		return answer, problem
	}
	for _, noon := range s.searchDays(query, candidates[0].site.provider) {
		for _, at := range candidates {
			if slots := s.freeSlots(at.site.provider, at.site.code, noon); len(slots) > 0 {
				answer.Days = append(answer.Days, dayView{Date: noon.Format(time.DateOnly), Site: at.site.view(at.distance),
					Slots: slots})
			}
		}
	}
	return answer, nil
}

func findSites(account string, query availabilityQuery) ([]siteDistance, *refusal) {
	var found []siteDistance
	for _, code := range query.Sites {
		at := siteOf(code)
		if at == nil || !accountServes(account, at.provider) {
			return nil, refuse(codeInvalid, "a site code is unknown")
		}
		found = append(found, siteDistance{site: at, distance: at.distanceFrom(query.Zip)})
	}
	if len(query.Sites) > 0 {
		return found, nil
	}
	if !postcode.MatchString(query.Zip) {
		return nil, refuse(codeInvalid, "sites and zip are missing")
	}
	radius := cmp.Or(query.Radius, defaultRadius)
	for i := range sites {
		at := &sites[i]
		if miles := at.distanceFrom(query.Zip); accountServes(account, at.provider) && miles != nil && *miles <= radius {
			found = append(found, siteDistance{site: at, distance: miles})
		}
	}
	slices.SortStableFunc(found, func(a, b siteDistance) int { return cmp.Compare(*a.distance, *b.distance) })
	return found, nil
}

func (s site) distanceFrom(zip string) *int {
	if miles, known := s.milesFrom(zip); known {
		return &miles
	}
	return nil
}

// searchDays returns the noons of the requested days, without days before today.
func (s *Server) searchDays(query availabilityQuery, provider string) []time.Time {
	zone := providerZones[provider]
	first := noonOf(s.cfg.Now().In(zone), zone)
	if from, err := time.Parse(time.DateOnly, query.From); err == nil && noonOf(from, zone).After(first) {
		first = noonOf(from, zone)
	}
	noons := make([]time.Time, query.Days)
	for i := range noons {
		noons[i] = first.AddDate(0, 0, i)
	}
	return noons
}

// freeSlots lists the free slots at a location on a day. The caller holds the mutex.
func (s *Server) freeSlots(provider, location string, noon time.Time) []slotView {
	now := s.cfg.Now()
	var views []slotView
	for _, free := range slotsOn(provider, location, noon, now) {
		if !s.appointments.isFree(free) {
			continue
		}
		view := slotView{Start: free.start, End: free.end(), Available: 1}
		key, expires := free.key(now)
		view.Key = key
		if !expires.IsZero() {
			view.ExpiresAt = &expires
		}
		if typeOf(provider) == typePhlebotomy {
			view.Price = phlebotomyPriceCents
		}
		views = append(views, view)
	}
	return views
}

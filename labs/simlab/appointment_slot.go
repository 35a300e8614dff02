package simlab

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// slotKeyValidity is how long the key of a phlebotomist's slot can be used. Keys of patient service centers do not
// expire.
const slotKeyValidity = time.Hour

// The slots (client-api#11-appointments). Patient service centers have slots of 20 minutes: today from the next full
// hour to 17:00, if it is before 16:00, and on later days from 07:00 to 12:00. Phlebotomists have slots of one hour,
// from tomorrow on, from 08:00 to 16:00.
const (
	pscSlotLength        = 20 * time.Minute
	phlebotomySlotLength = time.Hour
)

// slot is a period at a provider, at a site or in an area.
type slot struct {
	provider string
	location string // code of the site, or postal code of the area
	start    time.Time
}

func (s slot) length() time.Duration {
	if typeOf(s.provider) == typePSC {
		return pscSlotLength
	}
	return phlebotomySlotLength
}

func (s slot) end() time.Time { return s.start.Add(s.length()) }

// identity is the same for all keys of a slot.
func (s slot) identity() string {
	return fmt.Sprintf("%s.%s.%d", s.provider, s.location, s.start.Unix())
}

// key returns a key for booking the slot, and when the key expires; zero: never.
func (s slot) key(now time.Time) (key string, expires time.Time) {
	if typeOf(s.provider) == typePSC {
		return s.identity(), time.Time{}
	}
	expires = now.Add(slotKeyValidity).Truncate(time.Second)
	return s.identity() + "." + strconv.FormatInt(expires.Unix(), 10), expires.UTC()
}

var (
	errBadSlotKey = errors.New("slot is not a key of this provider")
	errSlotPast   = errors.New("the slot has begun, or its key has expired")
)

// parseSlotKey returns the slot of a key. It returns errSlotPast if the slot has begun or the key has expired.
func parseSlotKey(key string, now time.Time) (slot, error) {
	parts := strings.Split(key, ".")
	if len(parts) < 3 {
		return slot{}, errBadSlotKey
	}
	seconds, err := strconv.ParseInt(parts[2], 10, 64)
	s := slot{provider: parts[0], location: parts[1], start: time.Unix(seconds, 0).UTC()}
	if err != nil || !s.isOffered() || len(parts) != 3+s.expiryFlag() {
		return slot{}, errBadSlotKey
	}
	if s.expiryFlag() == 1 {
		expires, err := strconv.ParseInt(parts[3], 10, 64)
		if err != nil {
			return slot{}, errBadSlotKey
		}
		if now.Unix() > expires {
			return slot{}, errSlotPast
		}
	}
	if s.start.Before(now) {
		return slot{}, errSlotPast
	}
	return s, nil
}

// expiryFlag is 1 if the provider's keys expire, and 0 otherwise.
func (s slot) expiryFlag() int {
	if typeOf(s.provider) == typePSC {
		return 0
	}
	return 1
}

// isOffered reports whether the provider has slots at this location and time of day.
func (s slot) isOffered() bool {
	zone := providerZones[s.provider]
	if zone == nil || s.provider == providerPhlebFinders {
		return false
	}
	if typeOf(s.provider) == typePSC {
		at := siteOf(s.location)
		return at != nil && at.provider == s.provider && s.start.Equal(s.start.Truncate(pscSlotLength)) &&
			s.start.In(zone).Hour() < 17
	}
	hour := s.start.In(zone).Hour()
	return s.location == serviceAreaZip[s.provider] && s.start.Equal(s.start.Truncate(phlebotomySlotLength)) &&
		hour >= 8 && hour < 16
}

// slotsOn lists the provider's slots at a location on a day that begin after now. The day is given by its noon in the
// provider's zone.
func slotsOn(provider, location string, noon, now time.Time) []slot {
	opens, closes := workingHours(provider, noon, now)
	var slots []slot
	for at := opens; at.Before(closes); {
		next := slot{provider: provider, location: location, start: at.UTC()}
		if next.start.After(now) && !next.end().After(closes) {
			slots = append(slots, next)
		}
		at = next.end().In(noon.Location())
	}
	return slots
}

// workingHours returns when the provider opens and closes on the day. Both are the same if it does not work that day.
func workingHours(provider string, noon, now time.Time) (opens, closes time.Time) {
	now = now.In(noon.Location())
	today := now.Format(time.DateOnly) == noon.Format(time.DateOnly)
	hour := func(h int) time.Time {
		return time.Date(noon.Year(), noon.Month(), noon.Day(), h, 0, 0, 0, noon.Location())
	}
	switch {
	case typeOf(provider) == typePhlebotomy && today:
		return noon, noon
	case typeOf(provider) == typePhlebotomy:
		return hour(8), hour(16)
	case !today:
		return hour(7), hour(12)
	case now.Hour() >= 16:
		return noon, noon
	}
	return hour(now.Hour() + 1), hour(17)
}

// noonOf returns the noon of a day. Unlike midnight, it stays on the same day if the clocks change.
func noonOf(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone)
}

// nextFreeSlot returns the provider's first free slot at the location, from the day after tomorrow on. The caller holds
// the mutex.
func (s *Server) nextFreeSlot(provider, location string) (slot, bool) {
	now := s.cfg.Now()
	noon := noonOf(now.In(providerZones[provider]), providerZones[provider])
	for day := 2; day <= 2*maxDays; day++ {
		for _, candidate := range slotsOn(provider, location, noon.AddDate(0, 0, day), now) {
			if s.appointments.isFree(candidate) {
				return candidate, true
			}
		}
	}
	return slot{}, false
}

package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
)

// availabilityDays is the number of days whose free slots are listed (client-api#11-appointments).
const availabilityDays = 14

// AppointmentAvailabilitySlots are the free slots, by day.
type AppointmentAvailabilitySlots struct {
	Slots    []DaySlots `json:"slots" nullable:"false" doc:"Oldest day first."`
	Timezone *string    `json:"timezone" doc:"IANA name; null where each location has its own."`
}

// DaySlots are the free slots of one day and, at patient service centers, of one location.
type DaySlots struct {
	Location *AppointmentLocation `json:"location" doc:"Patient service centers only."`
	Date     order.Date           `json:"date"`
	Slots    []TimeSlot           `json:"slots" nullable:"false"`
}

// TimeSlot is a free slot that can be booked.
type TimeSlot struct {
	BookingKey   *string    `json:"booking_key"`
	Start        time.Time  `json:"start"`
	End          time.Time  `json:"end"`
	ExpiresAt    *time.Time `json:"expires_at" doc:"When the booking key expires; null: when the slot begins."`
	Price        float64    `json:"price" doc:"US cents."`
	IsPriority   bool       `json:"is_priority"`
	Appointments int        `json:"num_appointments_available"`
}

// AppointmentLocation is a patient service center.
type AppointmentLocation struct {
	Location     junction.LngLat    `json:"location"`
	Distance     *int               `json:"distance" doc:"Miles."`
	Address      junction.USAddress `json:"address"`
	Code         string             `json:"code"`
	Name         string             `json:"name"`
	IANATimezone *string            `json:"iana_timezone"`
}

// collectAvailability asks all providers for free slots at the same time. It leaves out a provider that does not
// answer, unless none answers. A provider that does not serve the area has no free slots.
func (s *server) collectAvailability(ctx context.Context, asked []provider,
	q labs.AvailabilityQuery) (AppointmentAvailabilitySlots, error) {
	ctx, cancel := context.WithTimeout(ctx, labTimeout)
	defer cancel()
	answers, failures := make([]labs.Availability, len(asked)), make([]error, len(asked))
	var g errgroup.Group
	for i, p := range asked {
		g.Go(func() error {
			answers[i], failures[i] = p.Availability(ctx, q)
			return nil
		})
	}
	_ = g.Wait()
	out, answered := AppointmentAvailabilitySlots{Slots: []DaySlots{}}, false
	for i, p := range asked {
		if err := failures[i]; err != nil {
			answered = answered || errors.As(err, new(*labs.RefusedError))
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "a provider did not return its free slots",
				slog.String("lab_account_id", p.account.ID), slog.Any("error", err))
			continue
		}
		answered = true
		if err := s.appendSlots(&out, callerOf(ctx).team.ID, p, q.Type, answers[i]); err != nil {
			return out, err
		}
	}
	if !answered {
		return out, unavailableError("The provider cannot be reached at the moment")
	}
	slices.SortStableFunc(out.Slots, func(a, b DaySlots) int { return cmp.Compare(a.Date.String(), b.Date.String()) })
	return out, nil
}

// appendSlots adds the free slots of one provider, each with a booking key. Days of several providers without locations
// are merged.
func (s *server) appendSlots(out *AppointmentAvailabilitySlots, teamID string, p provider, t order.AppointmentType,
	a labs.Availability) error {
	if out.Timezone == nil && a.Zone != "" && t == order.Phlebotomy {
		out.Timezone = &a.Zone
	}
	for _, d := range a.Days {
		day := DaySlots{Date: d.Date, Location: toLocation(d.Site), Slots: []TimeSlot{}}
		for _, free := range d.Slots {
			slot := slotOf(p, t, d.Site, a.Zone, free)
			key, err := s.bookingKey(teamID, slot)
			if err != nil {
				return err
			}
			day.Slots = append(day.Slots, TimeSlot{
				BookingKey: &key, Start: free.StartAt.UTC(), End: free.EndAt.UTC(),
				ExpiresAt: nilIfZero(free.ExpiresAt.UTC()), Price: float64(free.Price), IsPriority: free.Priority,
				Appointments: free.Available,
			})
		}
		out.mergeDay(day)
	}
	return nil
}

// mergeDay adds the slots of a day to those of the same date if neither has a location, else it adds the day.
func (a *AppointmentAvailabilitySlots) mergeDay(day DaySlots) {
	i := slices.IndexFunc(a.Slots,
		func(d DaySlots) bool { return d.Location == nil && day.Location == nil && d.Date == day.Date })
	if i < 0 {
		a.Slots = append(a.Slots, day)
		return
	}
	joined := append(a.Slots[i].Slots, day.Slots...)
	slices.SortStableFunc(joined, func(x, y TimeSlot) int { return x.Start.Compare(y.Start) })
	a.Slots[i].Slots = joined
}

func slotOf(p provider, t order.AppointmentType, site *labs.Site, zone string, free labs.FreeSlot) order.Slot {
	slot := order.Slot{
		AccountID: p.account.ID, Provider: p.capabilities.Provider, Type: t, Key: free.Key,
		StartAt: free.StartAt.UTC(), EndAt: free.EndAt.UTC(), Zone: zone, ExpiresAt: free.ExpiresAt,
	}
	if site != nil {
		slot.Site = site.Code
		slot.Zone = cmp.Or(site.Zone, zone)
	}
	return slot
}

func toLocation(site *labs.Site) *AppointmentLocation {
	if site == nil {
		return nil
	}
	p := site.Location
	out := &AppointmentLocation{
		Location: junction.LngLat{Lng: p.Lng, Lat: p.Lat}, Distance: site.DistanceMiles, Code: site.Code, Name: p.Name,
		Address: junction.USAddress{
			FirstLine: p.FirstLine, SecondLine: p.SecondLine, City: p.City, State: p.State, ZipCode: p.Zip,
			AccessNotes: p.Notes,
		},
	}
	if site.Zone != "" {
		out.IANATimezone = &site.Zone
	}
	return out
}

// lastFirstDay is the last day from which free slots are listed: the days after it have to be dates too, in all time
// zones.
var lastFirstDay = order.Date{Year: 9999, Month: time.December, Day: 31 - availabilityDays - 1}

// parseFirstDay parses the first day of a request for free slots; it defaults to today. It refuses a day that has
// passed in all time zones, because the visit may be in a time zone whose day began later than the service's. It also
// refuses a day after which there are not enough dates.
func (s *server) parseFirstDay(ctx context.Context, text string) (order.Date, error) {
	if text == "" {
		return callerOf(ctx).today, nil
	}
	day := parseValidDate(&text)
	if day == nil || day.Before(order.DateOf(s.Now().UTC().Add(-12*time.Hour))) {
		return order.Date{}, badRequest("start_date is in the past")
	}
	if lastFirstDay.Before(*day) {
		return order.Date{}, validationError(newProblem("value_error", "Input should be a day of at most "+
			lastFirstDay.String(), "query.start_date"))
	}
	return *day, nil
}

// noSchedulerError returns the answer when no provider makes appointments for the team (client-api#2-errors).
func noSchedulerError() *Error {
	return newError(http.StatusServiceUnavailable, "Appointment scheduling is not enabled for this team")
}

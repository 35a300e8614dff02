package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
)

// slots are the bookable times of patient service centers, each of which is handed out once.
type slots struct {
	mu       sync.Mutex
	free     []string // booking keys
	searches int
}

// Where the simulated provider has centers, and from how many days ahead callers ask for what is free there: a fortnight is answered.
var (
	pscZips       = []string{"85004", "10038", "90012", "77002", "98405"}
	searchOffsets = []int{2, 16, 30, 44}
)

// nextSlot is the booking key of a free time.
func (c *Callers) nextSlot(ctx context.Context) (string, error) {
	c.slots.mu.Lock()
	defer c.slots.mu.Unlock()
	for len(c.slots.free) == 0 {
		n := c.slots.searches
		if n == len(pscZips)*len(searchOffsets) {
			return "", errors.New("no patient service center has time")
		}
		from := time.Now().UTC().AddDate(0, 0, searchOffsets[n/len(pscZips)]).Format(time.DateOnly)
		var err error
		if c.slots.free, err = c.freeSlots(ctx, pscZips[n%len(pscZips)], from); err != nil {
			return "", err
		}
		c.slots.searches++
	}
	key := c.slots.free[0]
	c.slots.free = c.slots.free[1:]
	return key, nil
}

// freeSlots lists what is free near a zip code from a day on.
func (c *Callers) freeSlots(ctx context.Context, zip, from string) ([]string, error) {
	var answered scenario.Availability
	path := fmt.Sprintf("/v3/order/psc/appointment/availability?lab=quest&zip_code=%s&start_date=%s", zip, from)
	err := c.retry(ctx, func() (bool, error) {
		err := c.call(ctx, http.MethodPost, path, "", c.system.Key, nil, &answered)
		return err == nil, err
	})
	return answered.Keys(), err
}

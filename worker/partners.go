package worker

import (
	"fmt"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partners"
)

// Partners are the adapters of all lab partners. timeout bounds one exchange; 0 means the adapter's own default.
func Partners(timeout time.Duration) map[string]activities.Partner {
	shared := &http.Client{}
	adapters := map[string]activities.Partner{}
	for _, p := range partners.All() {
		adapters[p.Name] = func(a labs.Account, pace labs.Pace) (labs.Lab, error) {
			lab, err := p.Open(a, labs.Options{HTTPClient: shared, Timeout: timeout, Pace: pace})
			if err != nil {
				return nil, fmt.Errorf("making the client of a %s account: %w", p.Name, err)
			}
			return lab, nil
		}
	}
	return adapters
}

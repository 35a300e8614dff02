package worker

import (
	"fmt"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/registry"
)

// Partners are the adapters of all lab partners. timeout bounds one exchange; 0 means the adapter's own default.
func Partners(timeout time.Duration) map[string]activities.LabFactory {
	shared := &http.Client{}
	adapters := map[string]activities.LabFactory{}
	for _, p := range registry.Protocols() {
		adapters[p.Name] = func(a labs.Account, pace labs.WaitForTurn) (labs.Lab, error) {
			lab, err := p.Open(a, labs.Options{HTTPClient: shared, Timeout: timeout, WaitForTurn: pace})
			if err != nil {
				return nil, fmt.Errorf("making the client of a %s account: %w", p.Name, err)
			}
			return lab, nil
		}
	}
	return adapters
}

package worker

import (
	"fmt"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
)

// Partners are the adapters of all lab partners. timeout bounds one exchange; 0 means the adapter's own default.
func Partners(timeout time.Duration) map[string]activities.Partner {
	shared := &http.Client{}
	return map[string]activities.Partner{
		molecular.Partner: func(a labs.Account, pace labs.Pace) (labs.Lab, error) {
			lab, err := molecular.New(a, molecular.Options{HTTPClient: shared, Timeout: timeout, Pace: pace})
			if err != nil {
				return nil, fmt.Errorf("making the client of a Molecular account: %w", err)
			}
			return lab, nil
		},
	}
}

package devsystem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aliquot-labs/aliquot/internal/apiclient"
)

const (
	// maxWebhookGap is how long the demonstration waits for the next webhook.
	maxWebhookGap = 60 * time.Second
	// scriptDuration is the duration of the simulated lab's script "happy" in simulated time.
	scriptDuration = 10 * 24 * time.Hour
	// maxDemoDuration is the longest duration for which a demonstration is started.
	maxDemoDuration = 2 * time.Minute
)

// demoDuration returns how long the demonstration's script takes at the chosen speed.
func (s *system) demoDuration() time.Duration {
	speed, err := strconv.ParseFloat(s.options.Speed, 64)
	if err != nil || speed <= 0 { // with the speed max
		return 0
	}
	return time.Duration(float64(scriptDuration) / speed)
}

// runDemo places an order like a client, by HTTP with an API key, and prints its webhooks until it has ended.
func (s *system) runDemo(ctx context.Context, webhooks <-chan ReceivedWebhook) (orderID string, err error) {
	if takes := s.demoDuration(); takes > maxDemoDuration {
		return "", fmt.Errorf("at this speed it would take %s, so no order was placed", takes.Round(time.Minute))
	}
	began := time.Now()
	api := apiclient.New(urlOfAddress(s.addresses.api), s.secrets.ClientKey)
	defer api.Close()
	user, err := demoUser(ctx, api)
	if err != nil {
		return "", fmt.Errorf("creating a user: %w", err)
	}
	var placed struct {
		Order struct {
			ID string `json:"id"`
		} `json:"order"`
	}
	if err := api.Call(ctx, http.MethodPost, "/v3/order", demoOrder(user), &placed); err != nil {
		return "", fmt.Errorf("placing an order: %w", err)
	}
	orderID = placed.Order.ID
	s.screen.printLine("\nA demonstration: POST /v3/order orders Lipids by testkit, order %s.", orderID)
	s.screen.printLine("%s Each line is a webhook that the built-in receiver got.", s.paceText())
	count, status, err := s.followOrder(ctx, orderID, webhooks)
	if err != nil {
		return orderID, err
	}
	if !strings.HasPrefix(status, "completed.") {
		return orderID, fmt.Errorf("it ended in %s", status)
	}
	if err := s.printResults(ctx, api, orderID); err != nil {
		return orderID, fmt.Errorf("reading the results: %w", err)
	}
	s.screen.printLine("\nFrom order to results in %s: %d webhooks, each with a valid signature.",
		formatDuration(time.Since(began)), count)
	return orderID, nil
}

// paceText returns a text about the speed of the simulated lab.
func (s *system) paceText() string {
	if s.demoDuration() == 0 {
		return "The simulated lab and courier do not wait."
	}
	return fmt.Sprintf("The simulated lab and courier play ten days in %s.", formatDuration(s.demoDuration()))
}

// followOrder prints the order's webhooks until one reports a terminal status and all previous ones have arrived.
// Webhooks are delivered concurrently, so the last one may arrive before others.
func (s *system) followOrder(ctx context.Context, orderID string,
	webhooks <-chan ReceivedWebhook) (count int, status string, err error) {
	var last int64
	quiet := time.NewTimer(maxWebhookGap)
	defer quiet.Stop()
	for status == "" || int64(count) < last {
		select {
		case <-ctx.Done():
			return count, "", ctx.Err()
		case <-quiet.C:
			return count, "", fmt.Errorf("no webhook about the order came for %s", maxWebhookGap)
		case w := <-webhooks:
			if w.OrderID != orderID {
				continue
			}
			count++
			s.screen.printTimedLine(w.At, "%-52s webhook %d verified", w.Status, w.Sequence)
			if isTerminalStatus(w.Status) {
				status, last = w.Status, w.Sequence
			}
			quiet.Reset(maxWebhookGap)
		}
	}
	return count, status, nil
}

// isTerminalStatus reports whether a status is terminal.
func isTerminalStatus(status string) bool {
	top, _, _ := strings.Cut(status, ".")
	return top == "completed" || top == "cancelled" || top == "failed"
}

// demoUser creates the demonstration's user, or finds the user of an earlier run.
func demoUser(ctx context.Context, api *apiclient.Client) (string, error) {
	var user struct {
		ID string `json:"user_id"`
	}
	err := api.Call(ctx, http.MethodPost, "/v2/user", map[string]string{"client_user_id": "demonstration"}, &user)
	var refused *apiclient.APIError
	if errors.As(err, &refused) && refused.Status == http.StatusBadRequest {
		err = json.Unmarshal(refused.Detail, &user)
	}
	if err == nil && user.ID == "" {
		err = errors.New("the answer names no user")
	}
	return user.ID, err
}

// demoOrder returns an order for a fictional patient.
func demoOrder(user string) any {
	return map[string]any{
		"user_id":   user,
		"order_set": map[string]any{"lab_test_ids": []string{LipidsTestID}},
		"patient_details": map[string]string{
			"first_name": "Ada", "last_name": "Example", "dob": "1990-01-01", "gender": "female",
			"phone_number": "+16025550123", "email": "ada@example.com",
		},
		"patient_address": map[string]string{
			"receiver_name": "Ada Example", "first_line": "1 Main St", "city": "Phoenix", "state": "AZ", "zip": "85004",
			"country": "US",
		},
		"passthrough": "sandbox:happy",
	}
}

// printResults fetches the results like a client, and prints them as a table.
func (s *system) printResults(ctx context.Context, api *apiclient.Client, orderID string) error {
	var report struct {
		Metadata struct {
			Status string `json:"status"`
		} `json:"metadata"`
		Results []struct {
			Name           string  `json:"name"`
			Result         string  `json:"result"`
			Unit           *string `json:"unit"`
			ReferenceRange *string `json:"reference_range"`
			Interpretation string  `json:"interpretation"`
		} `json:"results"`
	}
	if err := api.Call(ctx, http.MethodGet, "/v3/order/"+orderID+"/result", nil, &report); err != nil {
		return err
	}
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, r := range report.Results {
		fmt.Fprintf(table, "  %s\t%s %s\t%s\t%s\n", r.Name, r.Result, emptyIfNil(r.Unit), emptyIfNil(r.ReferenceRange),
			r.Interpretation)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	s.screen.printLine("\nGET /v3/order/{id}/result, %s:\n%s", report.Metadata.Status, strings.TrimRight(b.String(), "\n"))
	return nil
}

func emptyIfNil(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

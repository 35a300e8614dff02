package simlab

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// DefaultSpeed is a good speed for a demonstration: one simulated day passes in one second, so that the script "happy",
// which takes ten days at a real lab, takes ten seconds.
const DefaultSpeed = 86_400

const maxSpeed = 1e12

// Config says how a Server behaves. User, Token and WebhookURL are required.
type Config struct {
	// User and Token are the lab credentials. Calls to the lab carry them in the headers "user" and "token"; webhooks
	// from the lab carry them as Basic authentication, as molecular-api#webhook-credentials has it.
	User, Token string

	// WebhookURL is where lab webhooks are posted.
	WebhookURL string

	// CourierURL is where courier events are posted. Empty: there is no courier, courier steps send nothing.
	CourierURL string
	// CourierSecret signs courier events. Required with CourierURL.
	CourierSecret string
	// CourierAPIKey is the key that the tracker API expects as Basic user name. Required with CourierURL.
	CourierAPIKey string

	// NeutralURL is where webhooks of the neutral partner protocol are posted. Empty: the protocol is not offered.
	NeutralURL string
	// NeutralAccount is the name of our account, as calls and webhooks carry it in x-account. Required with NeutralURL.
	NeutralAccount string
	// NeutralSecrets, of the form whsec_<base64>, verify calls and sign webhooks: one, or two during a rotation. Required with
	// NeutralURL.
	NeutralSecrets []string

	// Speed is how many simulated seconds pass in a real one: a step that comes 24 hours after the one before it comes
	// 24h/Speed after it. 1 is real life; 0, the default, waits for nothing.
	Speed float64
	// Manual makes the lab send nothing by itself: it accepts orders, and everything else comes through the control
	// endpoints.
	Manual bool
	// CancelCall offers POST /CancelOrder, which Molecular has not confirmed. Defaults to false: the path is not found.
	CancelCall bool
	// Spacing is the least time between the starts of two lab calls. Calls that come sooner are marked in the account
	// and answered all the same. Defaults to 0: none is marked.
	Spacing time.Duration

	// RetryInterval is the real time between two attempts at a webhook. Defaults to 1 second. It is not scaled by Speed,
	// because a receiver that restarts takes real time.
	RetryInterval time.Duration
	// RetryAttempts is how often one webhook is attempted. Defaults to 60.
	RetryAttempts int
	// TrackerWait is how long, in real time, the first courier event of a leg waits for its tracker to be created.
	// Defaults to 10 seconds.
	TrackerWait time.Duration

	// MaxCalls is how many calls the account keeps; of webhooks it keeps four times as many attempts. Defaults to 50,000.
	MaxCalls int

	// Now is the clock that times are taken from. Defaults to time.Now.
	Now func() time.Time
	// Logger gets ids, kinds and status codes. Defaults to slog.Default().
	Logger *slog.Logger
	// HTTPClient sends the webhooks. Defaults to a client of its own with a time-out of 10 seconds.
	HTTPClient *http.Client
}

// ParseSpeed reads a speed as given on a command line: 0, a number of at least 1, or "max" for no waiting at all.
func ParseSpeed(text string) (float64, error) {
	if text == "max" {
		return 0, nil
	}
	speed, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("speed must be a number or max: %w", err)
	}
	return speed, checkSpeed(speed)
}

func checkSpeed(speed float64) error {
	if speed == 0 || speed >= 1 && speed <= maxSpeed {
		return nil
	}
	return errors.New("speed must be 0 (no waiting) or between 1 and 1e12")
}

// check reports everything that is wrong with the configuration at once.
func (c Config) check() error {
	errs := []error{checkSpeed(c.Speed), checkURL("WebhookURL", c.WebhookURL)}
	if c.User == "" || c.Token == "" {
		errs = append(errs, errors.New("user and token are required"))
	}
	if c.CourierURL != "" {
		errs = append(errs, checkURL("CourierURL", c.CourierURL))
		if c.CourierSecret == "" || c.CourierAPIKey == "" {
			errs = append(errs, errors.New("CourierURL needs CourierSecret and CourierAPIKey"))
		}
	}
	if c.NeutralURL != "" {
		errs = append(errs, c.checkNeutral())
	}
	return errors.Join(errs...)
}

func (c Config) checkNeutral() error {
	errs := []error{checkURL("NeutralURL", c.NeutralURL)}
	if c.NeutralAccount == "" || len(c.NeutralSecrets) == 0 {
		errs = append(errs, errors.New("NeutralURL needs NeutralAccount and NeutralSecrets"))
	}
	if strings.Contains(c.NeutralAccount, ":") {
		errs = append(errs, errors.New("NeutralAccount must not contain a colon"))
	}
	_, err := parseSecrets(c.NeutralSecrets)
	return errors.Join(append(errs, err)...)
}

func checkURL(name, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("%s must be an http or https URL", name)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.RetryInterval <= 0 {
		c.RetryInterval = time.Second
	}
	if c.RetryAttempts <= 0 {
		c.RetryAttempts = 60
	}
	if c.MaxCalls <= 0 {
		c.MaxCalls = 50_000
	}
	if c.TrackerWait <= 0 {
		c.TrackerWait = 10 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// realDelay is how long a simulated delay takes.
func (c Config) realDelay(delay time.Duration) time.Duration {
	if c.Speed == 0 {
		return 0
	}
	return time.Duration(float64(delay) / c.Speed)
}

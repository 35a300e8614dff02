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

// DefaultSpeed is a speed for demonstrations: one simulated day takes one second. The script "happy", which takes ten
// days at a real lab, takes ten seconds.
const DefaultSpeed = 86_400

const maxSpeed = 1e12

// Config configures a Server. User, Token and WebhookURL are required.
type Config struct {
	// User and Token are the lab credentials. Calls to the lab have them in the headers "user" and "token"; webhooks of
	// the lab have them as Basic authentication (molecular-api#webhook-credentials).
	User, Token string

	// WebhookURL is the URL of lab webhooks.
	WebhookURL string

	// CourierURL is the URL of courier events. Empty: there is no courier, and courier steps send nothing.
	CourierURL string
	// CourierSecret signs courier events. Required with CourierURL.
	CourierSecret string
	// CourierAPIKey is the API key that the tracker API expects as Basic user name. Required with CourierURL.
	CourierAPIKey string

	// NeutralURL is the URL of webhooks of the neutral protocol. Empty: the server does not offer the neutral protocol.
	NeutralURL string
	// NeutralAccount is the name of our account in the header x-account of calls and webhooks. Required with NeutralURL.
	NeutralAccount string
	// NeutralSecrets, of the form whsec_<base64>, verify calls and sign webhooks. There are two during a rotation.
	// Required with NeutralURL.
	NeutralSecrets []string

	// Speed is the number of simulated seconds in a real second. A step with a delay of 24 hours waits 24h/Speed. With 1,
	// simulated time is real time; with 0, the default, steps do not wait.
	Speed float64
	// Manual: the lab accepts orders and sends nothing unless a control endpoint asks for it.
	Manual bool
	// CancelCall offers POST /CancelOrder, which Molecular has not confirmed. Defaults to false: 404.
	CancelCall bool
	// Spacing is the minimum time between the starts of two lab calls. Earlier calls are answered, and marked in the
	// traffic log. Defaults to 0: no call is marked.
	Spacing time.Duration

	// RetryInterval is the real time between two attempts of a webhook. Defaults to 1 second. Speed does not change it,
	// because a receiver needs real time to restart.
	RetryInterval time.Duration
	// RetryAttempts is the number of attempts of a webhook. Defaults to 60.
	RetryAttempts int
	// TrackerWait is how long, in real time, the first courier event of a leg waits until its tracker is created. Defaults
	// to 10 seconds.
	TrackerWait time.Duration

	// MaxCalls is the number of calls in the traffic log, which has up to four times as many webhook attempts. Defaults to
	// 50,000.
	MaxCalls int

	// Now returns the current time. Defaults to time.Now.
	Now func() time.Time
	// Logger logs ids, kinds and status codes. Defaults to slog.Default().
	Logger *slog.Logger
	// HTTPClient sends the webhooks. Defaults to a client with a timeout of 10 seconds.
	HTTPClient *http.Client
}

// ParseSpeed parses a speed of a command line: 0, a number of at least 1, or "max" for no waiting.
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

// check returns everything that is wrong with the configuration.
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

// realDelay converts a simulated delay to a real one.
func (c Config) realDelay(delay time.Duration) time.Duration {
	if c.Speed == 0 {
		return 0
	}
	return time.Duration(float64(delay) / c.Speed)
}

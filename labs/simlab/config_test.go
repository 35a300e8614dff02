package simlab_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := simlab.Config{User: "u", Token: "t", WebhookURL: "https://aliquot.example/webhooks/labs/molecular"}
	for name, change := range map[string]func(*simlab.Config){
		"no user":           func(c *simlab.Config) { c.User = "" },
		"no token":          func(c *simlab.Config) { c.Token = "" },
		"no webhook URL":    func(c *simlab.Config) { c.WebhookURL = "" },
		"relative URL":      func(c *simlab.Config) { c.WebhookURL = "/webhooks" },
		"strange courier":   func(c *simlab.Config) { c.CourierURL, c.CourierSecret, c.CourierAPIKey = "ftp://x", "s", "k" },
		"no courier secret": func(c *simlab.Config) { c.CourierURL, c.CourierAPIKey = "https://x", "k" },
		"negative speed":    func(c *simlab.Config) { c.Speed = -1 },
		"crawling":          func(c *simlab.Config) { c.Speed = 0.5 },
		"no number":         func(c *simlab.Config) { c.Speed = math.NaN() },
	} {
		cfg := good
		change(&cfg)
		_, err := simlab.New(cfg)
		require.Error(t, err, name)
	}
	_, err := simlab.New(simlab.Config{Speed: -1})
	require.ErrorContains(t, err, "speed")
	require.ErrorContains(t, err, "WebhookURL")
	require.ErrorContains(t, err, "token")

	lab, err := simlab.New(good)
	require.NoError(t, err)
	lab.Close()
	require.Empty(t, lab.Traffic().Calls)
}

func TestParseSpeed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"max": 0, "0": 0, "1": 1, "86400": simlab.DefaultSpeed, "1e6": 1e6} {
		got, err := simlab.ParseSpeed(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "fast", "-1", "NaN", "Inf", "0.1"} {
		_, err := simlab.ParseSpeed(text)
		require.Error(t, err, text)
	}
}

func marshal(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

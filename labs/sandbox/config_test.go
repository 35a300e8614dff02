package sandbox_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/sandbox"
)

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := sandbox.Config{User: "u", Token: "t", WebhookURL: "https://aliquot.example/webhooks/labs/molecular"}
	for name, change := range map[string]func(*sandbox.Config){
		"no user":           func(c *sandbox.Config) { c.User = "" },
		"no token":          func(c *sandbox.Config) { c.Token = "" },
		"no webhook URL":    func(c *sandbox.Config) { c.WebhookURL = "" },
		"relative URL":      func(c *sandbox.Config) { c.WebhookURL = "/webhooks" },
		"strange courier":   func(c *sandbox.Config) { c.CourierURL, c.CourierSecret, c.CourierAPIKey = "ftp://x", "s", "k" },
		"no courier secret": func(c *sandbox.Config) { c.CourierURL, c.CourierAPIKey = "https://x", "k" },
		"negative speed":    func(c *sandbox.Config) { c.Speed = -1 },
		"crawling":          func(c *sandbox.Config) { c.Speed = 0.5 },
		"no number":         func(c *sandbox.Config) { c.Speed = math.NaN() },
	} {
		cfg := good
		change(&cfg)
		_, err := sandbox.New(cfg)
		require.Error(t, err, name)
	}
	_, err := sandbox.New(sandbox.Config{Speed: -1})
	require.ErrorContains(t, err, "speed")
	require.ErrorContains(t, err, "WebhookURL")
	require.ErrorContains(t, err, "token")

	lab, err := sandbox.New(good)
	require.NoError(t, err)
	lab.Close()
	require.Empty(t, lab.Traffic().Calls)
}

func TestParseSpeed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"max": 0, "0": 0, "1": 1, "86400": sandbox.DefaultSpeed, "1e6": 1e6} {
		got, err := sandbox.ParseSpeed(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "fast", "-1", "NaN", "Inf", "0.1"} {
		_, err := sandbox.ParseSpeed(text)
		require.Error(t, err, text)
	}
}

func marshal(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

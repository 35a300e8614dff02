package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

func TestCertificateExpiryMetric(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "tls.crt")
	write := func(expires time.Time) {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: expires}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	}
	m := newCertificateMetric(map[string]string{"temporal": file, "none": ""})
	shows := func(value string) {
		t.Helper()
		require.NoError(t, testutil.CollectAndCompare(m, strings.NewReader(`
# HELP aliquot_certificate_expiry_timestamp_seconds When a certificate that this process shows others `+
			`expires, by what it is for.
# TYPE aliquot_certificate_expiry_timestamp_seconds gauge
aliquot_certificate_expiry_timestamp_seconds{certificate="temporal"} `+value+"\n")))
	}
	write(time.Unix(2_000_000_000, 0))
	shows("2e+09")
	write(time.Unix(2_100_000_000, 0)) // renewed
	shows("2.1e+09")
	require.NoError(t, os.WriteFile(file, []byte("nothing"), 0o600))
	shows("0")
}

package settings

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
)

// Temporal are the settings of connections to Temporal. Certificates and the private key are files, because they are
// renewed while processes run.
type Temporal struct { //nolint:recvcheck // keepFiles completes the settings
	HostPort   string `env:"ALIQUOT_TEMPORAL" envDefault:"127.0.0.1:7233"`
	Namespace  string `env:"ALIQUOT_TEMPORAL_NAMESPACE" envDefault:"default"`
	UseTLS     bool   `env:"ALIQUOT_TEMPORAL_TLS" envDefault:"false"`
	CAFile     string `env:"ALIQUOT_TEMPORAL_CA_FILE"`
	CertFile   string `env:"ALIQUOT_TEMPORAL_CERT_FILE"`
	KeyFile    string `env:"ALIQUOT_TEMPORAL_KEY_FILE"`
	ServerName string `env:"ALIQUOT_TEMPORAL_SERVER_NAME"`
	APIKey     Secret `env:"ALIQUOT_TEMPORAL_API_KEY"`

	apiKeyFile string // the file that APIKey was read from; empty: from the variable itself
}

// TLS returns the TLS configuration of connections to Temporal; nil without TLS. Its error says which file is wrong.
// Each connection shows the client certificate that the files hold then. A pair that cannot be used is logged, and the
// last good one is shown.
func (t Temporal) TLS(log *slog.Logger) (*tls.Config, error) {
	if !t.UseTLS && t.CAFile == "" && t.CertFile == "" && t.KeyFile == "" && t.ServerName == "" && t.APIKey == "" {
		return nil, nil //nolint:nilnil // without TLS is a configuration, not a failure
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	var err error
	if t.CAFile != "" {
		if config.RootCAs, err = readCertPool(t.CAFile); err != nil {
			return nil, err
		}
	}
	if t.CertFile != "" {
		renewed := newRenewed(t.certificate, "ALIQUOT_TEMPORAL_CERT_FILE", log)
		_, _ = renewed.get() // check reports an error; a later one keeps this pair
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return renewed.get() }
	}
	return config, nil
}

func (t Temporal) certificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate and its key: %w", err)
	}
	return &pair, nil
}

func readCertPool(path string) (*x509.CertPool, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, errors.New("holds no certificate in PEM form")
	}
	return pool, nil
}

func (t Temporal) check() problems {
	var found problems
	found.add("ALIQUOT_TEMPORAL", checkAddress(t.HostPort))
	if t.Namespace == "" {
		found.add("ALIQUOT_TEMPORAL_NAMESPACE", errors.New("is empty"))
	}
	_, err := t.TLS(slog.New(slog.DiscardHandler))
	found.add("ALIQUOT_TEMPORAL_CA_FILE", err)
	if t.APIKey != "" || t.apiKeyFile != "" {
		found.add("ALIQUOT_TEMPORAL_API_KEY", checkAPIKey(t.APIKey))
	}
	switch {
	case t.CertFile == "" && t.KeyFile == "":
	case t.CertFile == "":
		found.add("ALIQUOT_TEMPORAL_CERT_FILE", errors.New("is required with ALIQUOT_TEMPORAL_KEY_FILE"))
	case t.KeyFile == "":
		found.add("ALIQUOT_TEMPORAL_KEY_FILE", errors.New("is required with ALIQUOT_TEMPORAL_CERT_FILE"))
	default:
		_, err := t.certificate()
		found.add("ALIQUOT_TEMPORAL_CERT_FILE", err)
	}
	return found
}

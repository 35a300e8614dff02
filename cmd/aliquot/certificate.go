package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"

	"github.com/prometheus/client_golang/prometheus"
)

// certificateMetric shows when a certificate that this process shows others expires. It is read from its file at every scrape, as it
// is for every connection, because it is renewed while processes run.
type certificateMetric struct {
	filesByPurpose map[string]string // by what they are for
	expiry         *prometheus.Desc
}

func newCertificateMetric(files map[string]string) *certificateMetric {
	return &certificateMetric{filesByPurpose: files, expiry: prometheus.NewDesc("aliquot_certificate_expiry_timestamp_seconds",
		"When a certificate that this process shows others expires, by what it is for.", []string{"certificate"}, nil)}
}

// Describe implements prometheus.Collector.
func (m *certificateMetric) Describe(ch chan<- *prometheus.Desc) { ch <- m.expiry }

// Collect implements prometheus.Collector. One that cannot be read has expired, as far as others are concerned.
func (m *certificateMetric) Collect(ch chan<- prometheus.Metric) {
	for name, file := range m.filesByPurpose {
		if file == "" {
			continue
		}
		expires := 0.0
		if c, err := readCertificate(file); err == nil {
			expires = float64(c.NotAfter.Unix())
		}
		ch <- prometheus.MustNewConstMetric(m.expiry, prometheus.GaugeValue, expires, name)
	}
}

// readCertificate reads the first certificate of a PEM file: its owner's.
func readCertificate(file string) (*x509.Certificate, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(content); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, errors.New("holds no certificate in PEM form")
}

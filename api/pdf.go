package api

import (
	"bytes"
	"fmt"
	"io"

	pdf "github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// The library would otherwise keep a configuration in the home folder of whoever runs us.
func init() { pdf.DisableConfigDir() }

// concatenatePDFs makes one PDF of several, in their order.
func concatenatePDFs(reports [][]byte) ([]byte, error) {
	if len(reports) == 1 {
		return reports[0], nil
	}
	return mergePDFs(reports)
}

func mergePDFs(reports [][]byte) ([]byte, error) {
	parts := make([]io.ReadSeeker, len(reports))
	for i, r := range reports {
		parts[i] = bytes.NewReader(r)
	}
	config := model.NewDefaultConfiguration()
	config.ValidationMode = model.ValidationRelaxed // a lab's report is shown as it is
	config.Offline = true
	var out bytes.Buffer
	if err := pdf.MergeRaw(parts, &out, false, config); err != nil {
		return nil, fmt.Errorf("putting %d PDFs together: %w", len(reports), err)
	}
	return out.Bytes(), nil
}

package documents

import (
	"bytes"
	"fmt"

	pdf "github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"github.com/aliquot-labs/aliquot/order"
)

// init stops pdfcpu from writing a configuration into the home folder of the process's user.
func init() { pdf.DisableConfigDir() }

// Merge merges PDFs in their order and returns a single one unchanged. The versions of the PDFs may differ: the merged
// one has version 2.0 if one of them has. The error says that one of them is damaged or locked, or cannot be joined to
// the others.
func Merge(parts [][]byte) (merged []byte, err error) {
	defer func() { // the library panics on some damaged files
		if cause := recover(); cause != nil {
			err = fmt.Errorf("merging %d PDFs: the library panicked: %v", len(parts), cause)
		}
	}()
	if len(parts) == 1 {
		return parts[0], nil
	}
	if merged, err = mergeAll(parts); err != nil {
		return nil, fmt.Errorf("merging %d PDFs: %w", len(parts), err)
	}
	return merged, nil
}

// CanMerge reports whether a PDF can be part of a merged one.
func CanMerge(part []byte) bool {
	_, err := Merge([][]byte{part, part})
	return err == nil
}

// Unmergeable draws a page that stands for a lab's PDF which cannot be part of a merged one, where no results are
// stored from which a lab report could be drawn.
func Unmergeable(o order.Order) ([]byte, error) {
	s := newCanvas("Laboratory report", patientLine(o), "Order "+o.ID, o.CreatedAt)
	s.drawHead("Laboratory report", labName(o), o.SampleID)
	s.drawOptionalText("Not included", "The laboratory's document of this order cannot be joined to those of other "+
		"orders. Read the document of order "+o.ID+" on its own.")
	return encodePDF(s.pdf)
}

func mergeAll(parts [][]byte) ([]byte, error) {
	config := model.NewDefaultConfiguration()
	config.Cmd = model.MERGECREATE
	config.ValidationMode = model.ValidationRelaxed // labs' reports need not follow the standard strictly
	config.Offline = true
	config.CreateBookmarks = false

	sources := make([]*model.Context, len(parts))
	version := model.V17
	for i, part := range parts {
		source, err := pdf.ReadAndValidate(bytes.NewReader(part), config)
		if err != nil {
			return nil, fmt.Errorf("reading part %d: %w", i, err)
		}
		version = max(version, source.XRefTable.Version())
		sources[i] = source
	}
	whole := sources[0]
	whole.RootVersion = &version // the library refuses to add a part of version 2.0 to an older one
	for i, source := range sources[1:] {
		if err := pdfcpu.MergeXRefTables("", source, whole, false, false); err != nil {
			return nil, fmt.Errorf("adding part %d: %w", i+1, err)
		}
	}
	if err := pdf.OptimizeContext(whole); err != nil {
		return nil, fmt.Errorf("optimizing: %w", err)
	}
	var out bytes.Buffer
	if err := pdf.WriteContext(whole, &out); err != nil {
		return nil, fmt.Errorf("writing: %w", err)
	}
	return out.Bytes(), nil
}

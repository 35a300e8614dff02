package catalogue

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"

	"github.com/aliquot-labs/aliquot/order"
)

//go:embed demo/*.json
var demo embed.FS

// DemoCatalogue returns the demonstration catalogue. Its LOINC codes are real; the labs' codes, prices, questions,
// sites and coverage are fictional. The centers of postal codes around the sites are from the U.S. Census Bureau's
// Gazetteer of 2021.
func DemoCatalogue() (order.Catalogue, error) {
	files, err := DemoFiles()
	if err != nil {
		return order.Catalogue{}, err
	}
	c, problems := Read(files, order.Catalogue{})
	if len(problems) > 0 {
		return order.Catalogue{}, fmt.Errorf("the demonstration catalogue is not valid: %s", problems[0])
	}
	return c, nil
}

// DemoFiles returns the files of the demonstration catalogue.
func DemoFiles() ([]NamedFile, error) {
	names, err := fs.Glob(demo, "demo/*.json")
	if err != nil {
		return nil, fmt.Errorf("listing the demonstration catalogue: %w", err)
	}
	files := make([]NamedFile, len(names))
	for i, name := range names {
		text, err := demo.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the demonstration catalogue: %w", err)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		files[i].Name = path.Base(name)
		if err := d.Decode(&files[i].File); err != nil {
			return nil, fmt.Errorf("reading %s of the demonstration catalogue: %w", name, err)
		}
	}
	return files, nil
}

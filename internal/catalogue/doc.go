// Package catalogue reads labs, markers with their questions and expected results, lab tests, patient service centers,
// phlebotomy areas and the centers of postal codes from JSON files (docs/catalogue.md). It checks what the JSON Schema
// cannot, and has a built-in demonstration catalogue.
package catalogue

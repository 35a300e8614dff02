// Package catalogue reads what can be ordered, and where samples are taken, from JSON files: labs, markers with their questions and
// expected results, lab tests, patient service centers, where phlebotomists go, and where postal codes are. docs/catalogue.md describes
// the files. It checks what a schema cannot say, and has a demonstration catalogue built in.
package catalogue

// Package billing holds what a bill to an insurer names: payors, the diagnoses of ICD-10-CM, and which of those may not be coded
// together. A small set is built in; a deployment brings its own as a file, whose form is in docs/billing.md.
package billing

// Package billing holds reference data for bills to insurers: payors, the diagnoses of ICD-10-CM, and which diagnoses
// may not be coded together. A small set is built in; a deployment can use its own file (docs/billing.md).
package billing

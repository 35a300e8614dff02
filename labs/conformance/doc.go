// Package conformance is the test suite that every partner adapter has to pass, independent of its protocol. It checks
// that no answer of a partner, and no missing answer, loses an order or reveals a patient's data.
package conformance

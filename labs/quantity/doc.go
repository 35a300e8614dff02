// Package quantity reads measured values and reference ranges as labs write them, for the adapters of all labs. It
// reads only what has one meaning; any other text is left as it is.
package quantity

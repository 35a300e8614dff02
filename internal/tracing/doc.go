// Package tracing follows an order through the processes: from the request that placed it, through its workflow and the activities, to
// the calls of its lab and the deliveries of its webhooks. Traces are OpenTelemetry's and leave the process by OTLP; without a collector
// there are none, and everything here costs next to nothing.
//
// A span carries ids, codes, counts and times, as a log line does, and never anything about a patient: no bodies, no query, no address
// of a caller, no text of an error that somebody else wrote.
package tracing

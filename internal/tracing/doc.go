// Package tracing follows an order through the processes: from the request that placed it, through its workflow and the
// activities, to the calls of its lab and the deliveries of its webhooks. Traces are OpenTelemetry's and are exported
// by OTLP. Without a collector there are no traces, and the functions here cost almost nothing.
//
// A span has ids, codes, counts and times, as a log line has. It has no data of a patient: no body, no query, no
// address of a caller, and no text of an error from outside.
package tracing

// Package devsystem runs a whole Aliquot on one machine for development and demonstration: a Temporal development
// server, the API, two workers and the simulated lab. Each is a child process with its own log file, and is restarted
// when it ends. All data is in one folder. The package seeds the store with a demonstration team, receives the team's
// webhooks, and prints the progress of a demonstration order.
package devsystem

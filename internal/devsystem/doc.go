// Package devsystem runs a whole Aliquot on one machine, for development and demonstration: a Temporal development server, the API, two
// workers and the simulated lab, each a process of its own with its own log file, started again when it dies. All data is in one
// folder. It seeds the store with a demonstration team, takes the team's webhooks with a receiver of its own, and shows the life
// of a demonstration order.
package devsystem

// Package easypost tracks parcels with EasyPost: it creates trackers through its API (version 2) and reads the tracker
// events that EasyPost sends by webhook.
package easypost

// Package receivers tests webhooks with other code: the libraries that receivers verify with, in Go and JavaScript, and
// the examples of docs/webhooks.md in Go, TypeScript and Python, each of which is run.
package receivers

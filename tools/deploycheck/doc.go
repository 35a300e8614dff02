// Package deploycheck contains only tests. They check the content of docker/ (the image, the compose file, the Helm
// chart, the dashboard and the alerts) with the libraries of the programs that read it, and against a running system.
// They are a module of their own, so that the product does not depend on these libraries. `make check-deploy` runs
// them.
package deploycheck

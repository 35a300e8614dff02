// Package deploycheck holds no code: its tests check what docker/ holds, the image, the compose file, the Helm chart, the dashboards
// and the alerts, with the libraries of those who will read it, and against a system that really runs. They are a module of their own, so
// that none of these libraries weighs on the product. `make check-deploy` runs them.
package deploycheck

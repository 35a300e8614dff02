// Package cluster holds the tests of Aliquot on a Temporal cluster and PostgreSQL with several processes of each kind.
// They need the programs of the cluster, so they are built with the tag `cluster` only: make test-cluster.
package cluster

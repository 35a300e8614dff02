// Package cluster holds the tests of Aliquot on a Temporal cluster and PostgreSQL, in several processes of each kind. They need the
// programs of the cluster, so they are only built with the tag `cluster`: make test-cluster.
package cluster

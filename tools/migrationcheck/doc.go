// Package migrationcheck reads the migrations with PostgreSQL's own parser and reports statements that would stop
// readers and writers of a large database: rewrites, scans and index builds under a lock that excludes them. It has a
// module of its own, because the parser is only needed here. `make check-migrations` runs its tests.
package migrationcheck

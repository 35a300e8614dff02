package store

import "github.com/aliquot-labs/aliquot/store/migrator"

// backfills fill what a migration has added in the rows that were there before. CONTRIBUTING.md says how one is
// written. An entry stays as long as any release that can be upgraded from has not finished it.
var backfills []migrator.Backfill

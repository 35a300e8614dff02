package migrationcheck

import (
	"fmt"
	"slices"

	pgquery "github.com/pganalyze/pg_query_go/v6"
)

// checker knows the schema as far as the rules need it.
type checker struct {
	tables map[string]bool // of earlier migrations
	// notNull are CHECK constraints "column IS NOT NULL" by table and name, of earlier migrations.
	notNull   map[string]string
	validated map[string]bool // table.column: an earlier migration has validated such a constraint

	// Of the present migration.
	created map[string]bool // tables
	locked  []string        // tables of earlier migrations that it locks against readers
	added   map[string]string
	proved  map[string]bool
}

// check reports what is wrong with the migrations after the first one, which runs in an empty database.
func check(all []migration) []string {
	c := &checker{tables: map[string]bool{}, notNull: map[string]string{}, validated: map[string]bool{}}
	var reports []string
	for i, m := range all {
		c.created, c.locked, c.added, c.proved = map[string]bool{}, nil, map[string]string{}, map[string]bool{}
		for _, s := range m.statements {
			for _, report := range c.statement(m, s) {
				if i > 0 {
					reports = append(reports, m.name+": "+report)
				}
			}
		}
		if i > 0 && len(c.locked) > 1 {
			reports = append(reports, fmt.Sprintf("%s: it locks %v: one existing table a migration, because the locks "+
				"are held while it waits for the next", m.name, c.locked))
		}
		for table := range c.created {
			c.tables[table] = true
		}
		for constraint, column := range c.added {
			c.notNull[constraint] = column
		}
		for column := range c.proved {
			c.validated[column] = true
		}
	}
	return reports
}

// exists reports whether a table was there before this migration.
func (c *checker) exists(r *pgquery.RangeVar) bool { return !c.created[r.GetRelname()] }

// lock notes that a statement excludes the readers of a table.
func (c *checker) lock(r *pgquery.RangeVar) {
	if c.exists(r) && !slices.Contains(c.locked, r.GetRelname()) {
		c.locked = append(c.locked, r.GetRelname())
	}
}

// statement applies the rules of a statement's kind. A kind without rules is not allowed.
func (c *checker) statement(m migration, s statement) []string {
	if m.noTransaction {
		return c.concurrentStatement(s)
	}
	switch n := s.node.GetNode().(type) {
	case *pgquery.Node_CreateStmt:
		c.created[n.CreateStmt.GetRelation().GetRelname()] = true
		for _, parent := range n.CreateStmt.GetInhRelations() { // a partition excludes the readers of the whole
			c.lock(parent.GetRangeVar())
		}
		return nil
	case *pgquery.Node_IndexStmt:
		return c.index(n.IndexStmt)
	case *pgquery.Node_AlterTableStmt:
		return c.alterTable(n.AlterTableStmt, s)
	case *pgquery.Node_DropStmt:
		return c.drop(n.DropStmt, s)
	case *pgquery.Node_RenameStmt:
		return c.rename(n.RenameStmt, s)
	case *pgquery.Node_UpdateStmt:
		return c.rows("UPDATE", n.UpdateStmt.GetRelation(), n.UpdateStmt.GetWhereClause())
	case *pgquery.Node_DeleteStmt:
		return c.rows("DELETE", n.DeleteStmt.GetRelation(), n.DeleteStmt.GetWhereClause())
	case *pgquery.Node_InsertStmt:
		if from := n.InsertStmt.GetSelectStmt().GetSelectStmt().GetFromClause(); len(from) > 0 {
			return []string{"INSERT from a table copies rows in one transaction: write a back-fill"}
		}
		return nil
	case *pgquery.Node_CreateTrigStmt:
		c.lock(n.CreateTrigStmt.GetRelation())
		return nil
	case *pgquery.Node_CreateFunctionStmt, *pgquery.Node_ViewStmt, *pgquery.Node_CommentStmt, *pgquery.Node_GrantStmt,
		*pgquery.Node_AlterDefaultPrivilegesStmt, *pgquery.Node_AlterFunctionStmt, *pgquery.Node_AlterOwnerStmt:
		return nil
	}
	return []string{fmt.Sprintf("statement %T is in no rule: what does it lock?", s.node.GetNode())}
}

// concurrentStatement checks a statement of a file without a transaction. store/migrator accepts three kinds.
func (c *checker) concurrentStatement(s statement) []string {
	switch n := s.node.GetNode().(type) {
	case *pgquery.Node_IndexStmt:
		if n.IndexStmt.GetConcurrent() && n.IndexStmt.GetIdxname() != "" && !n.IndexStmt.GetIfNotExists() {
			return nil
		}
	case *pgquery.Node_DropStmt:
		if n.DropStmt.GetConcurrent() {
			return nil
		}
	case *pgquery.Node_AlterTableStmt:
		cmds := n.AlterTableStmt.GetCmds()
		if len(cmds) == 1 && subtype(cmds[0]) == pgquery.AlterTableType_AT_ValidateConstraint {
			return c.alterTable(n.AlterTableStmt, s)
		}
	}
	return []string{"a file without a transaction has only CREATE INDEX CONCURRENTLY name, DROP INDEX CONCURRENTLY and " +
		"VALIDATE CONSTRAINT: another statement cannot be repeated"}
}

func (c *checker) index(n *pgquery.IndexStmt) []string {
	switch {
	case n.GetConcurrent():
		return []string{"CREATE INDEX CONCURRENTLY does not work in a transaction: write -- +goose NO TRANSACTION"}
	case c.exists(n.GetRelation()):
		return []string{fmt.Sprintf("CREATE INDEX on the existing table %s stops its writers: build it CONCURRENTLY",
			n.GetRelation().GetRelname())}
	}
	return nil
}

func (c *checker) drop(n *pgquery.DropStmt, s statement) []string {
	switch n.GetRemoveType() {
	case pgquery.ObjectType_OBJECT_TABLE:
		if s.unusedSince == "" {
			return []string{"DROP TABLE without a line \"-- +aliquot unused-since RELEASE\" before it"}
		}
		for _, object := range n.GetObjects() {
			items := object.GetList().GetItems()
			c.lock(&pgquery.RangeVar{Relname: items[len(items)-1].GetString_().GetSval()})
		}
		return nil
	case pgquery.ObjectType_OBJECT_INDEX:
		return []string{"DROP INDEX stops readers: drop it CONCURRENTLY, without a transaction"}
	case pgquery.ObjectType_OBJECT_FUNCTION, pgquery.ObjectType_OBJECT_VIEW, pgquery.ObjectType_OBJECT_TRIGGER:
		if s.unusedSince == "" {
			return []string{"DROP without a line \"-- +aliquot unused-since RELEASE\" before it"}
		}
		return nil
	}
	return []string{fmt.Sprintf("DROP of %s is in no rule", n.GetRemoveType())}
}

func (c *checker) rename(n *pgquery.RenameStmt, s statement) []string {
	switch n.GetRenameType() {
	case pgquery.ObjectType_OBJECT_INDEX, pgquery.ObjectType_OBJECT_TABCONSTRAINT:
		return nil
	}
	if c.exists(n.GetRelation()) && s.unusedSince == "" {
		return []string{"RENAME without a line \"-- +aliquot unused-since RELEASE\" before it: processes of the release " +
			"before use the old name"}
	}
	c.lock(n.GetRelation())
	return nil
}

// rows checks a change of rows. It has to name them by constants.
func (c *checker) rows(verb string, table *pgquery.RangeVar, where *pgquery.Node) []string {
	if c.exists(table) && !namesRows(where) {
		return []string{fmt.Sprintf("%s of the existing table %s in one transaction: write a back-fill", verb,
			table.GetRelname())}
	}
	return nil
}

// namesRows reports whether a condition requires a column to be one of a few constants.
func namesRows(where *pgquery.Node) bool {
	if all := where.GetBoolExpr(); all != nil {
		return all.GetBoolop() == pgquery.BoolExprType_AND_EXPR && slices.ContainsFunc(all.GetArgs(), namesRows)
	}
	e := where.GetAExpr()
	if e == nil || len(e.GetName()) != 1 || e.GetName()[0].GetString_().GetSval() != "=" || e.GetLexpr().GetColumnRef() == nil {
		return false
	}
	if list := e.GetRexpr().GetList(); list != nil {
		return !slices.ContainsFunc(list.GetItems(), func(n *pgquery.Node) bool { return !isConstant(n) })
	}
	return isConstant(e.GetRexpr())
}

// isConstant reports whether an expression is the same for every row, and does not change from one call to the next.
func isConstant(n *pgquery.Node) bool {
	if cast := n.GetTypeCast(); cast != nil {
		return isConstant(cast.GetArg())
	}
	return n.GetAConst() != nil
}

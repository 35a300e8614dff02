package migrationcheck

import (
	"fmt"

	pgquery "github.com/pganalyze/pg_query_go/v6"
)

func subtype(cmd *pgquery.Node) pgquery.AlterTableType { return cmd.GetAlterTableCmd().GetSubtype() }

// alterTable checks every part of an ALTER TABLE. Those of a table that the migration itself has made are all allowed.
func (c *checker) alterTable(n *pgquery.AlterTableStmt, s statement) []string {
	table := n.GetRelation()
	if n.GetObjtype() != pgquery.ObjectType_OBJECT_TABLE {
		return []string{fmt.Sprintf("ALTER of %s is in no rule", n.GetObjtype())}
	}
	if !c.exists(table) {
		return nil
	}
	var reports []string
	for _, cmd := range n.GetCmds() {
		if report := c.alter(table, cmd.GetAlterTableCmd(), s); report != "" {
			reports = append(reports, "ALTER TABLE "+table.GetRelname()+": "+report)
		}
	}
	return reports
}

// alter checks one part; empty: it is right.
func (c *checker) alter(table *pgquery.RangeVar, cmd *pgquery.AlterTableCmd, s statement) string {
	key := table.GetRelname() + "." + cmd.GetName()
	if cmd.GetSubtype() != pgquery.AlterTableType_AT_ValidateConstraint {
		c.lock(table)
	}
	switch cmd.GetSubtype() {
	case pgquery.AlterTableType_AT_AddColumn:
		return addColumn(cmd.GetDef().GetColumnDef())
	case pgquery.AlterTableType_AT_AddConstraint:
		return c.addConstraint(table.GetRelname(), cmd.GetDef().GetConstraint())
	case pgquery.AlterTableType_AT_ValidateConstraint:
		if _, same := c.added[key]; same {
			return "VALIDATE CONSTRAINT in the transaction that adds it scans under its lock: a file of its own"
		}
		if column := c.notNull[key]; column != "" {
			c.proved[table.GetRelname()+"."+column] = true
		}
		return ""
	case pgquery.AlterTableType_AT_SetNotNull:
		if !c.validated[key] {
			return fmt.Sprintf("SET NOT NULL of %s scans the table: an earlier migration validates CHECK (%[1]s IS NOT NULL)",
				cmd.GetName())
		}
		return ""
	case pgquery.AlterTableType_AT_DropColumn:
		if s.unusedSince == "" {
			return "DROP COLUMN without a line \"-- +aliquot unused-since RELEASE\" before it"
		}
		return ""
	case pgquery.AlterTableType_AT_AlterColumnType:
		return "a change of a column's type rewrites the table: add a column and fill it"
	case pgquery.AlterTableType_AT_ColumnDefault, pgquery.AlterTableType_AT_DropNotNull,
		pgquery.AlterTableType_AT_DropConstraint, pgquery.AlterTableType_AT_SetRelOptions,
		pgquery.AlterTableType_AT_ResetRelOptions, pgquery.AlterTableType_AT_SetStatistics,
		pgquery.AlterTableType_AT_SetStorage, pgquery.AlterTableType_AT_SetCompression,
		pgquery.AlterTableType_AT_ChangeOwner:
		return ""
	}
	return fmt.Sprintf("%s is in no rule: does it rewrite or scan the table?", cmd.GetSubtype())
}

// addColumn checks a new column.
func addColumn(column *pgquery.ColumnDef) string {
	notNull, constant, references := false, false, false
	for _, each := range column.GetConstraints() {
		switch of := each.GetConstraint(); of.GetContype() {
		case pgquery.ConstrType_CONSTR_NULL:
		case pgquery.ConstrType_CONSTR_NOTNULL:
			notNull = true
		case pgquery.ConstrType_CONSTR_DEFAULT:
			if !isConstant(of.GetRawExpr()) {
				return "a default that is not constant can rewrite the table: add the column and fill it"
			}
			constant = true
		case pgquery.ConstrType_CONSTR_FOREIGN:
			references = true
		default:
			return fmt.Sprintf("a new column with %s rewrites or scans the table", of.GetContype())
		}
	}
	switch {
	case notNull && !constant:
		return "a new column that is NOT NULL needs a default: processes of the release before do not know it"
	case references && constant:
		return "a new column with a default and a foreign key scans the table: add the key NOT VALID"
	}
	return ""
}

// addConstraint checks a new constraint of the table.
func (c *checker) addConstraint(table string, of *pgquery.Constraint) string {
	switch of.GetContype() {
	case pgquery.ConstrType_CONSTR_CHECK, pgquery.ConstrType_CONSTR_FOREIGN:
		if of.GetConname() == "" {
			return "a constraint without a name"
		}
		if !of.GetSkipValidation() {
			return fmt.Sprintf("the constraint %s scans the table: add it NOT VALID, and validate it in the next migration",
				of.GetConname())
		}
		column := ""
		if test := of.GetRawExpr().GetNullTest(); test.GetNulltesttype() == pgquery.NullTestType_IS_NOT_NULL {
			fields := test.GetArg().GetColumnRef().GetFields()
			if len(fields) > 0 {
				column = fields[len(fields)-1].GetString_().GetSval()
			}
		}
		c.added[table+"."+of.GetConname()] = column
		return ""
	case pgquery.ConstrType_CONSTR_UNIQUE, pgquery.ConstrType_CONSTR_PRIMARY:
		if of.GetIndexname() == "" {
			return "a key builds its index under a lock that excludes all: build the index CONCURRENTLY, then USING INDEX"
		}
		return ""
	}
	return fmt.Sprintf("%s is in no rule", of.GetContype())
}

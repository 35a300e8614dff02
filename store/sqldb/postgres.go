package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres prepares connections to PostgreSQL. Each statement ends by the limit; 0: no limit but the context's.
func openPostgres(url string, maxConns int, limit time.Duration) (*DB, error) {
	config, err := parsePostgres(url)
	if err != nil {
		return nil, fmt.Errorf("opening PostgreSQL: %w", err)
	}
	room := &disk{}
	db := sql.OpenDB(postgresConnector{Connector: stdlib.GetConnector(*config), limit: limit, lost: &lostServer{},
		disk: room})
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxLifetime(time.Hour)
	return &DB{Writer: db, Reader: db, Dialect: Postgres, disk: room}, nil
}

// postgresConnector opens connections whose statements have a limit, and whose texts are textParam parameters.
type postgresConnector struct {
	driver.Connector
	limit time.Duration // of each statement; 0: none
	lost  *lostServer
	disk  *disk
}

// Connect implements driver.Connector.
func (c postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // callers decide on the driver's errors
	}
	conn, ok := opened.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("opening PostgreSQL: its driver's connection is a %T", opened), opened.Close())
	}
	return &postgresConn{Conn: conn, limit: c.limit, lost: c.lost, disk: c.disk, usedAt: time.Now()}, nil
}

// postgresConn is a connection whose statements have a limit, and whose texts are textParam parameters.
type postgresConn struct {
	*stdlib.Conn
	limit  time.Duration // of each statement; 0: none
	lost   *lostServer
	disk   *disk
	usedAt time.Time // when the server was known to answer
}

// CheckNamedValue implements driver.NamedValueChecker.
func (c *postgresConn) CheckNamedValue(v *driver.NamedValue) error {
	switch value := v.Value.(type) {
	case string:
		v.Value = textParam(value)
	case nullableID:
		id, err := value.Value()
		v.Value = id
		return err
	}
	return nil
}

// textParam is a text as a parameter of a statement. Where the statement needs a uuid and the text is none, the
// parameter is NULL: the statement finds no row with such an id, as on SQLite. Without this, the server would report an
// error and abort the transaction. A row that needs an id is not written, because its column is NOT NULL.
type textParam string

// TextValue implements pgtype.TextValuer, for parameters of all other types.
func (p textParam) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(p), Valid: true}, nil
}

// UUIDValue implements pgtype.UUIDValuer.
func (p textParam) UUIDValue() (pgtype.UUID, error) {
	id, ok := parseUUID(string(p))
	return pgtype.UUID{Bytes: id, Valid: ok}, nil
}

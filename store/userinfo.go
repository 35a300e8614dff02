package store

import (
	"context"
	"fmt"
)

// PutUserInfo keeps who a user of a team is, a JSON document, instead of what was kept before. The error is ErrNotFound when there is no
// such user.
func (s *Store) PutUserInfo(ctx context.Context, teamID, id string, info []byte) error {
	n, err := ExecCount(ctx, s.write, `UPDATE users SET info = $1 WHERE id = $2 AND team_id = $3 AND erase_at = 0`,
		s.sealBytes(sealContext("users", id, "info"), info), id, teamID)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("writing who user %s is: %w", id, err)
	}
	return nil
}

// UserInfo reads who a user of a team is. The error is ErrNotFound when there is no such user, or nobody has said.
func (s *Store) UserInfo(ctx context.Context, teamID, id string) ([]byte, error) {
	sealed, err := QueryOne(ctx, s.read, ScanBytes, `SELECT info FROM users WHERE id = $1 AND team_id = $2 AND erase_at = 0 AND info IS NOT NULL`,
		id, teamID)
	if err != nil {
		return nil, fmt.Errorf("reading who user %s is: %w", id, err)
	}
	return s.keys.Open(sealContext("users", id, "info"), sealed)
}

package store

// sealContext binds a sealed value to its table, row and column.
func sealContext(table, id, column string) string { return table + "/" + id + "/" + column }

// sealBytes keeps nil as NULL.
func (s *Store) sealBytes(context string, plain []byte) []byte {
	if plain == nil {
		return nil
	}
	return s.keys.Seal(context, plain)
}

// sealText and openText keep nil as NULL.
func (s *Store) sealText(context string, text *string) []byte {
	if text == nil {
		return nil
	}
	return s.keys.Seal(context, []byte(*text))
}

func (s *Store) openText(context string, sealed []byte) (*string, error) {
	plain, err := s.keys.Open(context, sealed)
	if err != nil || len(sealed) == 0 {
		return nil, err
	}
	text := string(plain)
	return &text, nil
}

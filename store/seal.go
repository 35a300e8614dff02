package store

// place binds a sealed value to its table, row and column.
func place(table, id, column string) string { return table + "/" + id + "/" + column }

// sealBytes keeps nil as NULL.
func (s *Store) sealBytes(place string, plain []byte) []byte {
	if plain == nil {
		return nil
	}
	return s.keys.Seal(place, plain)
}

// sealText and openText keep nil as NULL.
func (s *Store) sealText(place string, text *string) []byte {
	if text == nil {
		return nil
	}
	return s.keys.Seal(place, []byte(*text))
}

func (s *Store) openText(place string, sealed []byte) (*string, error) {
	plain, err := s.keys.Open(place, sealed)
	if err != nil || len(sealed) == 0 {
		return nil, err
	}
	text := string(plain)
	return &text, nil
}

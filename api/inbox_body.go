package api

import (
	"net/http"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

// headerReadAs is stored with an inbox item whose text is a guess: bytes that are no UTF-8 and have no declared
// character set were read as Windows-1252. No partner's header of this name is stored.
const headerReadAs = "Aliquot-Read-As"

const guessedCharset = "windows-1252"

// maxShownBody is how much of a decoded inbox item is shown, in bytes. A stored one is at most as large as its webhook.
const maxShownBody = 1 << 20

// readPartnerText returns the text of a partner's message as UTF-8, at most limit bytes, and whether it is a guess. A
// body whose content coding cannot be removed is returned as it is: no decoder can read it, and it is quarantined.
func readPartnerText(h http.Header, payload []byte, limit int64) (text []byte, guessed bool) {
	decoded, _, err := bodytext.DecodeBody(h, payload, limit)
	if err != nil {
		return payload, false
	}
	return decoded.UTF8, decoded.Guessed
}

// storedHeaders returns the headers that are stored with an inbox item, and the mark of a guessed text.
func storedHeaders(r *http.Request, guessed bool) map[string]string {
	stored := storableHeaders(r)
	if guessed {
		stored[headerReadAs] = guessedCharset
	}
	return stored
}

// shownBody returns the text of a stored inbox item.
func shownBody(headers map[string]string, body []byte) string {
	h := http.Header{}
	for _, name := range []string{"Content-Type", "Content-Encoding"} {
		h.Set(name, headers[name])
	}
	text, _ := readPartnerText(h, body, maxShownBody)
	return string(text)
}

package devsystem

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// Secrets are the credentials and keys of a data folder's system. They are generated once and stored in the folder,
// readable by its owner only.
type Secrets struct {
	EncryptionKeys string `json:"encryption_keys"`
	ClientKey      string `json:"client_key"`     // of the demonstration team
	OperationsKey  string `json:"operations_key"` // of the demonstration team
	LabUser        string `json:"lab_user"`
	LabToken       string `json:"lab_token"`
	NeutralSecret  string `json:"neutral_secret"` // of all accounts with the neutral protocol; their user is LabUser
	CourierKey     string `json:"courier_key"`
	CourierSecret  string `json:"courier_secret"`
	// The endpoint of the built-in receiver. A receiver with another URL has another endpoint.
	EndpointID     string `json:"endpoint_id"`
	EndpointURL    string `json:"endpoint_url"`
	EndpointSecret string `json:"endpoint_secret"`
	// CatalogueHash is the hash of the demonstration catalogue that was imported last; no secret.
	CatalogueHash string `json:"catalogue_hash,omitempty"`
}

// loadSecrets reads the folder's secrets, generates the missing ones and writes all of them.
func loadSecrets(f *folder) (Secrets, error) {
	var s Secrets
	content, err := os.ReadFile(f.pathOf(secretsFile))
	if err == nil {
		content, err = bodytext.FromFile(content)
	}
	if err == nil {
		err = json.Unmarshal(content, &s)
	}
	if err != nil && !os.IsNotExist(err) {
		return Secrets{}, fmt.Errorf("reading %s: %w", secretsFile, err)
	}
	if err := s.generateMissing(); err != nil {
		return Secrets{}, err
	}
	return s, f.writeJSON(secretsFile, s)
}

func (s *Secrets) generateMissing() error {
	makers := []struct {
		secret *string
		make   func() (string, error)
	}{
		{&s.EncryptionKeys, func() (string, error) { return keyring.NewEncryptionKey("dev") }},
		{&s.ClientKey, func() (string, error) { return store.NewAPIKeySecret(store.Sandbox) }},
		{&s.OperationsKey, func() (string, error) { return store.NewAPIKeySecret(store.Sandbox) }},
		{&s.LabUser, func() (string, error) { return "demo-clinic", nil }},
		{&s.LabToken, newRandomText},
		{&s.NeutralSecret, webhooks.NewSecret},
		{&s.CourierKey, newRandomText},
		{&s.CourierSecret, newRandomText},
		{&s.EndpointID, newID},
		{&s.EndpointSecret, webhooks.NewSecret},
	}
	for _, m := range makers {
		if *m.secret != "" {
			continue
		}
		made, err := m.make()
		if err != nil {
			return fmt.Errorf("making a secret: %w", err)
		}
		*m.secret = made
	}
	return nil
}

// replaceMovedEndpoint generates a new endpoint if the receiver's URL has changed. It returns the id of the old
// endpoint, empty if there is none.
func (s *Secrets) replaceMovedEndpoint(url string) (old string, err error) {
	if s.EndpointURL == url {
		return "", nil
	}
	if s.EndpointURL != "" {
		old, s.EndpointID, s.EndpointSecret = s.EndpointID, "", ""
	}
	s.EndpointURL = url
	return old, s.generateMissing()
}

func newRandomText() (string, error) { return rand.Text(), nil }

func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("making an id: %w", err)
	}
	return id.String(), nil
}

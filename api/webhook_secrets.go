package api

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// WebhookHeaders are the headers that are sent with a webhook's messages. The values of those that look like
// credentials are left out; their names are in sensitive.
type WebhookHeaders struct {
	Headers   map[string]string `json:"headers" nullable:"false"`
	Sensitive []string          `json:"sensitive" nullable:"false"`
}

// WebhookSecret is the secret that signs a webhook's messages.
type WebhookSecret struct {
	Key string `json:"key"`
}

type setHeadersInput struct {
	ManagedWebhook
	Body struct {
		Headers map[string]string `json:"headers" maxProperties:"100" doc:"Replace all headers of the webhook."`
	}
}

// Resolve checks what a schema cannot say.
func (in *setHeadersInput) Resolve(huma.Context) []error { return checkHeaders(in.Body.Headers) }

type rotateInput struct {
	ManagedWebhook
	Body *struct {
		Key *string `json:"key,omitempty" maxLength:"255" doc:"whsec_ and base64 of 24 to 64 bytes, or generated."`
	}
}

// Resolve checks what a schema cannot say.
func (in *rotateInput) Resolve(huma.Context) []error {
	if in.Body == nil {
		return nil
	}
	return checkSecret(in.Body.Key, "body.key")
}

func (s *server) getWebhookHeaders(ctx context.Context, in *ManagedWebhook) (*body[WebhookHeaders], error) {
	e, err := s.endpointOfPath(ctx, *in)
	if err != nil {
		return nil, err
	}
	out := WebhookHeaders{Headers: map[string]string{}, Sensitive: []string{}}
	for name, value := range e.Headers {
		if looksLikeCredential(name) {
			out.Sensitive = append(out.Sensitive, name)
		} else {
			out.Headers[name] = value
		}
	}
	return newAnswer(out), nil
}

// looksLikeCredential reports whether a header is likely to hold a credential.
func looksLikeCredential(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"auth", "token", "secret", "key", "password", "cookie", "signature"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

func (s *server) setWebhookHeaders(ctx context.Context, in *setHeadersInput) (*struct{}, error) {
	_, err := s.changeWebhook(ctx, in.ManagedWebhook, "endpoint.headers",
		func(e *store.Endpoint) { e.Headers = in.Body.Headers })
	return nil, err
}

func (s *server) getWebhookSecret(ctx context.Context, in *ManagedWebhook) (*body[WebhookSecret], error) {
	e, err := s.endpointOfPath(ctx, *in)
	if err != nil {
		return nil, err
	}
	if err := s.appendReadAudit(ctx, "endpoint.secret.read", e.TeamID, "", "endpoint="+e.ID); err != nil {
		return nil, err
	}
	return newAnswer(WebhookSecret{Key: e.Secret}), nil
}

func (s *server) rotateWebhookSecret(ctx context.Context, in *rotateInput) (*struct{}, error) {
	e, err := s.endpointOfPath(ctx, in.ManagedWebhook)
	if err != nil {
		return nil, err
	}
	var secret string
	if in.Body != nil && in.Body.Key != nil {
		secret = *in.Body.Key
	} else if secret, err = webhooks.NewSecret(); err != nil {
		return nil, err
	}
	if err := s.Store.RotateSecret(ctx, e.ID, secret); err != nil {
		return nil, mapNotFound(err, "Webhook")
	}
	s.appendChangeAudit(ctx, "endpoint.secret.rotate", e.TeamID, "", "endpoint="+e.ID)
	return nil, nil
}

package devsystem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// startReceiver serves the built-in receiver, unless there is no demonstration, and returns a function that stops it.
// Webhooks are sent to the channel while the demonstration reads it; all are in the receiver's log.
func (s *system) startReceiver(webhooks chan<- ReceivedWebhook) (stop func(), err error) {
	if s.options.NoDemo {
		return func() {}, nil
	}
	file, err := s.folder.openLog("receiver")
	if err != nil {
		return nil, err
	}
	take := func(w ReceivedWebhook) {
		select {
		case webhooks <- w:
		default: // the demonstration is over
		}
	}
	receiver, err := NewReceiver(s.secrets.EndpointSecret, take, slog.New(slog.NewJSONHandler(file, nil)))
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	server := &http.Server{
		Addr: s.addresses.receiver, Handler: receiver,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			s.screen.printLine("The built-in receiver ended: %v", err)
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			s.screen.printLine("%v", fmt.Errorf("stopping the built-in receiver: %w", err))
		}
		<-ended
		file.Close()
	}, nil
}

const (
	maxWebhookBytes  = 4 << 20 // bytes
	maxRememberedIDs = 10_000  // message ids, for recognising repeats
)

// ReceivedWebhook is a webhook message with a valid signature.
type ReceivedWebhook struct {
	MessageID string
	EventType string
	OrderID   string
	Status    string // the full status that the order entered
	Sequence  int64  // the sequence of that event in the order
	At        time.Time
}

// Receiver is a client's receiver of webhooks. It verifies signatures with the Standard Webhooks library and recognises
// repeats by the message id. It passes each message once to a function.
type Receiver struct {
	signature *standardwebhooks.Webhook
	onWebhook func(ReceivedWebhook)
	log       *slog.Logger
	now       func() time.Time

	mu      sync.Mutex
	seenIDs map[string]bool
	ids     []string // the keys of seenIDs, oldest first
}

// NewReceiver makes a receiver for an endpoint with this secret. It calls take for one message at a time.
func NewReceiver(secret string, take func(ReceivedWebhook), log *slog.Logger) (*Receiver, error) {
	signature, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, fmt.Errorf("making the receiver: %w", err)
	}
	return &Receiver{signature: signature, onWebhook: take, log: log, now: time.Now, seenIDs: map[string]bool{}}, nil
}

// ServeHTTP answers 200 to a valid message, new or repeated, and an error to anything else.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxWebhookBytes))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if err := r.signature.Verify(body, request.Header); err != nil {
		r.log.Warn("a webhook has no valid signature", "error", err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	message, err := decode(body)
	if err != nil {
		r.log.Warn("a webhook cannot be read", "error", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	// This id is signed. The endpoint's svix-id is the same (client-api#signing-headers).
	message.MessageID, message.At = request.Header.Get(standardwebhooks.HeaderWebhookID), r.now()
	r.passOnNew(message)
}

// passOnNew passes a message on, unless it was received before. It drops the oldest ids.
func (r *Receiver) passOnNew(m ReceivedWebhook) {
	r.mu.Lock()
	defer r.mu.Unlock()
	repeated := r.seenIDs[m.MessageID]
	r.log.Info("webhook", "message_id", m.MessageID, "event_type", m.EventType, "order_id", m.OrderID, "status", m.Status,
		"sequence", m.Sequence, "repeated", repeated)
	if repeated {
		return
	}
	if len(r.ids) == maxRememberedIDs {
		delete(r.seenIDs, r.ids[0])
		r.ids = r.ids[1:]
	}
	r.seenIDs[m.MessageID], r.ids = true, append(r.ids, m.MessageID)
	r.onWebhook(m)
}

func decode(body []byte) (ReceivedWebhook, error) {
	var message struct {
		EventType string `json:"event_type"`
		Data      struct {
			ID        string `json:"id"`
			Sequence  int64  `json:"sequence"`
			LastEvent struct {
				Status string `json:"status"`
			} `json:"last_event"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		return ReceivedWebhook{}, fmt.Errorf("decoding a webhook: %w", err)
	}
	return ReceivedWebhook{
		EventType: message.EventType, OrderID: message.Data.ID, Status: message.Data.LastEvent.Status,
		Sequence: message.Data.Sequence,
	}, nil
}

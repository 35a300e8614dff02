package devsystem

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// startReceiver serves the built-in receiver, unless there is to be no demonstration, and returns how to stop it. Webhooks are passed on
// as long as somebody takes them; all are in its log.
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
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10,
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

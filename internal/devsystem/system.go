package devsystem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// system is a running development system.
type system struct {
	options            Options
	temporalPath       string
	folder             *folder
	secrets            Secrets
	previousEndpointID string // the receiver's endpoint with a URL that it no longer has
	addresses          addresses
	screen             *terminal
}

// Run starts the system on its data folder, runs the demonstration, and keeps the processes running until ctx ends.
// Then it stops them in sequence. A SIGINT or SIGTERM during the stop kills them.
func Run(ctx context.Context, o Options) (err error) {
	o, err = o.withDefaults()
	if err != nil {
		return err
	}
	syscall.Umask(0o077) // for the databases and other files of the processes
	folder, err := openFolder(o.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.release()) }()
	temporal, err := temporalProgram(o.Program)
	if err != nil {
		return err
	}

	s := &system{options: o, temporalPath: temporal, folder: folder, screen: &terminal{out: o.Out}}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	return s.run(ctx)
}

// prepare creates what the processes need: secrets, addresses, the database.
func (s *system) prepare(ctx context.Context) error {
	var err error
	if s.secrets, err = loadSecrets(s.folder); err != nil {
		return err
	}
	if s.options.NoDemo {
		s.options.Receiver = ""
	}
	if s.addresses, err = s.options.resolveAddresses(ctx, hostOf(s.secrets.EndpointURL)); err != nil {
		return err
	}
	if !s.options.NoDemo {
		if s.previousEndpointID, err = s.secrets.replaceMovedEndpoint(urlOfAddress(s.addresses.receiver) +
			"/webhooks"); err != nil {
			return err
		}
	}
	if err := s.seed(ctx); err != nil {
		return err
	}
	return s.folder.writeJSON(secretsFile, s.secrets)
}

func (s *system) seed(ctx context.Context) (err error) {
	keys, err := keyring.Parse(s.secrets.EncryptionKeys)
	if err != nil {
		return fmt.Errorf("reading the keys of %s: %w", secretsFile, err)
	}
	db, err := store.Open(ctx, store.Options{URL: s.databaseURL(), Keys: keys})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	if err := seedDemonstration(ctx, db, s.secrets, urlOfAddress(s.addresses.lab)); err != nil {
		return fmt.Errorf("seeding the database: %w", err)
	}
	if err := seedEndpoint(ctx, db, s.secrets, s.previousEndpointID, !s.options.NoDemo); err != nil {
		return fmt.Errorf("seeding the built-in receiver: %w", err)
	}
	return nil
}

func (s *system) databaseURL() string {
	if s.options.Postgres != "" {
		return s.options.Postgres
	}
	return "sqlite:" + s.folder.pathOf(storeFile)
}

func (s *system) run(ctx context.Context) error {
	webhooks := make(chan ReceivedWebhook, 100)
	stopReceiver, err := s.startReceiver(webhooks)
	if err != nil {
		return err
	}
	defer stopReceiver()

	supervisor := newSupervisor(s.folder, func(name, how string) {
		if ctx.Err() == nil {
			s.screen.printTimedLine(time.Now(), "%s died (%s) and is started again", name, how)
		}
	})
	defer s.stop(supervisor)
	s.screen.printLine("Aliquot runs on this machine. Data and logs are in %s.", s.options.Data)
	began := time.Now()
	for _, c := range s.newCommands() {
		if err := supervisor.start(c); err != nil {
			return err
		}
	}
	if err := s.waitReady(ctx); err != nil {
		return ignoreCancel(ctx, err)
	}
	if err := s.folder.write(EnvFile, formatEnvFile(s.envVariables())); err != nil {
		return err
	}
	s.screen.printLine("Temporal, the API, %d workers and the simulated lab are ready after %s.", workerCount,
		formatDuration(time.Since(began)))
	s.runDemoAndPrintOverview(ctx, webhooks)
	<-ctx.Done()
	return nil
}

// runDemoAndPrintOverview runs the demonstration, if it is enabled, and prints the overview. A demonstration that fails
// does not end the system.
func (s *system) runDemoAndPrintOverview(ctx context.Context, webhooks <-chan ReceivedWebhook) {
	orderID := ""
	if !s.options.NoDemo {
		var err error
		if orderID, err = s.runDemo(ctx, webhooks); err != nil && ctx.Err() == nil {
			s.screen.printLine("\nThe demonstration was cut short: %v.", err)
		}
	}
	if ctx.Err() == nil {
		s.screen.printLine("%s", s.overview(orderID))
	}
}

// stop stops the processes: first the API, then the workers, then the simulated lab and Temporal.
func (s *system) stop(v *supervisor) {
	s.screen.printLine("\nStopping.")
	defer killOnSecondSignal(v)()
	v.stop(apiName)
	var names []string
	for i := range workerCount {
		names = append(names, workerName(i))
	}
	v.stop(names...)
	v.stop(labName)
	v.stop(temporalName)
	s.screen.printLine("Stopped. The data stays in %s.", s.options.Data)
}

// killOnSecondSignal kills the processes on a SIGINT or SIGTERM that comes while they are stopping. Signals within the
// first second are ignored, because a terminal and a wrapper such as timeout or make often send the same signal twice.
func killOnSecondSignal(v *supervisor) (release func()) {
	signals, over := make(chan os.Signal, 1), make(chan struct{})
	listen := time.AfterFunc(time.Second, func() { signal.Notify(signals, os.Interrupt, syscall.SIGTERM) })
	go func() {
		select {
		case <-signals:
			v.kill()
		case <-over:
		}
	}()
	return func() {
		listen.Stop()
		signal.Stop(signals)
		close(over)
	}
}

func ignoreCancel(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// logTail returns the last lines of a process's log.
func (s *system) logTail(name string) string {
	const lines = 5
	content, err := os.ReadFile(s.folder.pathOf(logFolder + "/" + name + ".log"))
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

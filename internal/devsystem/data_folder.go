package devsystem

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The files of a data folder. EnvFile exists while the system is ready, PIDFile while it runs.
const (
	EnvFile     = "dev.env"
	PIDFile     = "pids.json"
	logFolder   = "logs"
	lockFile    = "lock"
	secretsFile = "secrets.json"
	storeFile   = "aliquot.db"
	temporalDB  = "temporal.db"
)

// folder is the data folder, locked by this process.
type folder struct {
	path string // absolute
	lock *os.File
}

// openFolder creates the folder if it does not exist, and locks it, because two systems must not run on the same data.
func openFolder(path string) (*folder, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding the data folder: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(absolute, logFolder), 0o700); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(absolute, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	f := &folder{path: absolute, lock: lock}
	if err := f.makePrivate(); err != nil {
		lock.Close()
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another aliquot dev%s runs on %s: stop it, or give this one a folder of its own with --data",
				f.lockHolderText(), path)
		}
		return nil, fmt.Errorf("locking the data folder: %w", err)
	}
	return f, f.writeProcessID()
}

// makePrivate takes the rights of others from Temporal's database, which Temporal made with those that it had. The
// store does this for its own database.
func (f *folder) makePrivate() error {
	for _, end := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Chmod(f.pathOf(temporalDB+end), 0o600); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("making Temporal's database private: %w", err)
		}
	}
	return nil
}

// writeProcessID writes our process id into the lock file, for the error message of another system. It removes the
// files of a system that was killed.
func (f *folder) writeProcessID() error {
	if err := f.removeRunFiles(); err != nil {
		return err
	}
	if err := f.lock.Truncate(0); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	if _, err := fmt.Fprintf(f.lock, "%d\n", os.Getpid()); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	return nil
}

// lockHolderText returns a text with the process that has the lock; empty if it is unknown.
func (f *folder) lockHolderText() string {
	id, err := os.ReadFile(f.pathOf(lockFile))
	if err != nil || len(id) == 0 {
		return ""
	}
	return " (process " + strings.TrimSpace(string(id)) + ")"
}

// removeRunFiles removes the files that exist only while the system runs.
func (f *folder) removeRunFiles() error {
	for _, name := range []string{EnvFile, PIDFile} {
		if err := os.Remove(f.pathOf(name)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("removing %s: %w", name, err)
		}
	}
	return nil
}

// release unlocks and closes the folder. It unlocks explicitly, because a child that is being started may still have a
// copy of the file.
func (f *folder) release() error {
	return errors.Join(f.removeRunFiles(), syscall.Flock(int(f.lock.Fd()), syscall.LOCK_UN), f.lock.Close())
}

func (f *folder) pathOf(name string) string { return filepath.Join(f.path, name) }

// write replaces a file atomically. Only the owner may read it.
func (f *folder) write(name string, content []byte) error {
	temporary := f.pathOf("." + name)
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.Rename(temporary, f.pathOf(name)); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

func (f *folder) writeJSON(name string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", name, err)
	}
	return f.write(name, append(content, '\n'))
}

// openLog opens a process's log file for appending. The log of the system's previous run is renamed to NAME.log.1.
func (f *folder) openLog(name string) (*os.File, error) {
	path := filepath.Join(f.path, logFolder, name+".log")
	if err := os.Rename(path, path+".1"); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("renaming the last log of %s: %w", name, err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", name, err)
	}
	return file, nil
}

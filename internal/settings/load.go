package settings

import (
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/caarlos0/env/v11"
)

// LoadCommon reads the settings of commands that work on the database from environment variables in the form of
// os.Environ. Its error lists everything that is wrong, each problem with the name of its variable.
func LoadCommon(environ []string) (Common, error) { return load(environ, Common.check) }

// LoadMigrate reads the settings of aliquot migrate, as LoadCommon does.
func LoadMigrate(environ []string) (Migrate, error) { return load(environ, Migrate.check) }

// LoadAPI reads the settings of aliquot api, as LoadCommon does.
func LoadAPI(environ []string) (API, error) { return load(environ, API.check) }

// LoadWorker reads the settings of aliquot worker, as LoadCommon does.
func LoadWorker(environ []string) (Worker, error) { return load(environ, Worker.check) }

// LoadRollout reads the settings of aliquot rollout, as LoadCommon does.
func LoadRollout(environ []string) (Rollout, error) { return load(environ, Rollout.check) }

// LoadSimulatedLab reads the settings of aliquot sandbox, as LoadCommon does.
func LoadSimulatedLab(environ []string) (SimulatedLab, error) {
	return load(environ, SimulatedLab.check)
}

// LoadClient reads the settings of commands that call a running API, as LoadCommon does.
func LoadClient(environ []string) (Client, error) { return load(environ, Client.check) }

// LoadProcess reads the settings that every process has, as LoadCommon does.
func LoadProcess(environ []string) (Process, error) { return load(environ, Process.check) }

// LoadMaster reads the settings of commands that work on keys only, as LoadCommon does.
func LoadMaster(environ []string) (Master, error) { return load(environ, Master.check) }

// problem says what is wrong with one setting.
type problem struct {
	variable string
	err      error
}

func (p *problem) Error() string { return p.variable + ": " + p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

type problems []*problem

func (p *problems) add(variable string, err error) {
	if err != nil {
		*p = append(*p, &problem{variable, err})
	}
}

// joinFirst returns one error with the first problem of each variable. Further problems of a variable follow from the
// first, because a setting that cannot be parsed has its zero value.
func (p *problems) joinFirst() error {
	var errs []error
	seen := map[string]bool{}
	for _, problem := range *p {
		if !seen[problem.variable] {
			errs = append(errs, problem)
		}
		seen[problem.variable] = true
	}
	return errors.Join(errs...)
}

// VariableOf returns the first variable that a loading error is about; empty for another error.
func VariableOf(err error) string {
	if p, ok := errors.AsType[*problem](err); ok {
		return p.variable
	}
	return ""
}

func load[T any](environ []string, check func(T) problems) (T, error) {
	var settings T
	fields := allFields(reflect.TypeOf(settings))
	environment := env.ToMap(environ)
	trimSettings(environment, fields)
	found := readSecretFiles(environment, fields)

	err := env.ParseWithOptions(&settings, env.Options{Environment: environment})
	several, ok := errors.AsType[env.AggregateError](err)
	if err != nil && !ok {
		return settings, fmt.Errorf("reading the settings: %w", err)
	}
	for _, err := range several.Errors {
		found = append(found, problemOfParseError(err, fields))
	}
	if t, ok := any(&settings).(interface {
		keepFiles(environment map[string]string)
	}); ok {
		t.keepFiles(environment)
	}
	found = append(found, check(settings)...)
	return settings, found.joinFirst()
}

// readSecretFiles reads secrets from files: the variable NAME_FILE is the path of the file with the value of NAME.
func readSecretFiles(environment map[string]string, fields []field) problems {
	var found problems
	for _, f := range fields {
		path := environment[f.variable+fileSuffix]
		if !f.secret || path == "" {
			continue
		}
		content, err := os.ReadFile(path)
		value := ""
		if err == nil {
			value, err = readText(content)
		}
		if f.list {
			value = trimList(value)
		}
		if environment[f.variable] != "" {
			err = errors.New("is set together with " + f.variable + fileSuffix)
		}
		found.add(f.variable, err)
		environment[f.variable] = value
	}
	return found
}

// problemOfParseError converts an error of the parser to a problem with the variable's name.
func problemOfParseError(err error, fields []field) *problem {
	if missing, ok := errors.AsType[env.VarIsNotSetError](err); ok {
		return &problem{missing.Key, errors.New("is required")}
	}
	if empty, ok := errors.AsType[env.EmptyVarError](err); ok {
		return &problem{empty.Key, errors.New("is required")}
	}
	if unread, ok := errors.AsType[env.ParseError](err); ok {
		for _, f := range fields {
			if f.name == unread.Name {
				return &problem{f.variable, unread.Err}
			}
		}
	}
	return &problem{"settings", err}
}

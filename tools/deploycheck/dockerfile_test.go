package deploycheck

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/stretchr/testify/require"
)

// pinnedImagePattern matches an image with a version.
var pinnedImagePattern = regexp.MustCompile(`^[^:@]+(:[^:@/]+)(@sha256:[0-9a-f]{64})?$`)

func isPinned(image string) bool {
	m := pinnedImagePattern.FindStringSubmatch(image)
	return m != nil && m[1] != ":latest"
}

// dockerfileFaults lists what is wrong with a Dockerfile by rules of hadolint and by Aliquot's rules for the shipped
// image.
func dockerfileFaults(text string) (found []string, err error) {
	parsed, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, err
	}
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for _, w := range parsed.Warnings {
		report("%s", w.Short)
	}
	names := map[string]bool{}
	for _, stage := range stages {
		if !names[stage.BaseName] && !isPinned(stage.BaseName) {
			report("the image %s has no version", stage.BaseName)
		}
		names[stage.Name] = true
		for _, c := range stage.Commands {
			switch c := c.(type) {
			case *instructions.AddCommand:
				report("ADD does more than COPY")
			case *instructions.WorkdirCommand:
				if !strings.HasPrefix(c.Path, "/") {
					report("WORKDIR %s is relative", c.Path)
				}
			case *instructions.RunCommand:
				if regexp.MustCompile(`\b(sudo|curl|wget)\b`).MatchString(strings.Join(c.CmdLine, " ")) {
					report("RUN downloads something, or changes the user")
				}
			case *instructions.MaintainerCommand:
				report("MAINTAINER has to be a label")
			}
		}
	}
	return append(found, finalStageFaults(stages[len(stages)-1])...), nil
}

// finalStageFaults lists what is wrong with the stage that is shipped.
func finalStageFaults(stage instructions.Stage) (found []string) {
	has := map[string]int{}
	user := ""
	for _, c := range stage.Commands {
		has[c.Name()]++
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.EntrypointCommand:
			if c.PrependShell {
				found = append(found, "ENTRYPOINT is a shell, which does not forward signals")
			}
		case *instructions.HealthCheckCommand:
			if c.Health.Test[0] != "CMD" {
				found = append(found, "HEALTHCHECK needs a shell")
			}
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				if regexp.MustCompile(`(?i)password|secret|token|key`).MatchString(kv.Key) {
					found = append(found, "a secret in ENV "+kv.Key)
				}
			}
		}
	}
	uid, err := strconv.Atoi(strings.Split(user, ":")[0])
	if err != nil || uid == 0 {
		found = append(found, "USER is not a number other than 0")
	}
	for _, once := range []string{"ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "USER"} {
		if has[once] != 1 {
			found = append(found, fmt.Sprintf("%s occurs %d times", once, has[once]))
		}
	}
	if has["LABEL"] == 0 {
		found = append(found, "no LABEL")
	}
	if has["RUN"] > 0 {
		found = append(found, "the shipped stage runs something")
	}
	return found
}

func TestTheDockerfileKeepsTheRules(t *testing.T) {
	t.Parallel()
	text := read(t, "docker/Dockerfile")
	found, err := dockerfileFaults(text)
	require.NoError(t, err)
	require.Empty(t, found)
	require.Contains(t, text, "FROM golang:"+goVersion(t)+"-", "it is built with the compiler that tests it")
	require.Contains(t, text, "FROM gcr.io/distroless/static-")
	require.Contains(t, text, "tools/static.sh")
}

// TestABadDockerfileIsReported is the control.
func TestABadDockerfileIsReported(t *testing.T) {
	t.Parallel()
	found, err := dockerfileFaults(`FROM golang AS build
WORKDIR src
ADD https://example.org/x /x
RUN curl https://example.org | sh
FROM alpine:latest
ENV API_KEY=x
RUN apk add bash
USER root
HEALTHCHECK CMD wget localhost
ENTRYPOINT /x
ENTRYPOINT /y
`)
	require.NoError(t, err)
	for _, want := range []string{
		"golang has no version", "alpine:latest has no version", "WORKDIR src", "ADD does more", "RUN downloads",
		"a secret in ENV API_KEY",
		"USER is not a number", "HEALTHCHECK needs a shell", "ENTRYPOINT is a shell", "ENTRYPOINT occurs 2 times",
		"STOPSIGNAL occurs 0 times",
		"no LABEL", "the shipped stage runs something",
	} {
		require.Contains(t, strings.Join(found, "\n"), want)
	}
	_, err = dockerfileFaults("FORM scratch\n")
	require.Error(t, err)
}

func goVersion(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOVERSION").Output()
	require.NoError(t, err)
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "go")
}

// ignoredFiles lists the files that are excluded from a build with the repository as its context.
func ignoredFiles(t *testing.T, patterns string, names []string) (out []string) {
	t.Helper()
	lines, err := ignorefile.ReadAll(strings.NewReader(patterns))
	require.NoError(t, err)
	m, err := patternmatcher.New(lines)
	require.NoError(t, err)
	for _, name := range names {
		gone, err := m.MatchesOrParentMatches(name)
		require.NoError(t, err)
		if gone {
			out = append(out, name)
		}
	}
	return out
}

// TestTheBuildGetsEverythingThatItReads checks that the build context contains every file of the program, including
// embedded files.
func TestTheBuildGetsEverythingThatItReads(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,GoFiles,EmbedFiles,Module", "./cmd/aliquot")
	list.Dir = repositoryRoot
	out, err := list.Output()
	require.NoError(t, err)
	absolute, err := filepath.Abs(repositoryRoot)
	require.NoError(t, err)
	needed := []string{"go.mod", "go.sum", "tools/static.sh"}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p struct {
			Dir                 string
			GoFiles, EmbedFiles []string
			Module              *struct{ Main bool }
		}
		require.NoError(t, decoder.Decode(&p))
		if p.Module == nil || !p.Module.Main {
			continue
		}
		dir, err := filepath.Rel(absolute, p.Dir)
		require.NoError(t, err)
		for _, name := range append(p.GoFiles, p.EmbedFiles...) {
			needed = append(needed, filepath.Join(dir, name))
		}
	}
	require.Greater(t, len(needed), 300)
	patterns := read(t, ".dockerignore")
	require.Empty(t, ignoredFiles(t, patterns, needed))
	require.NotEmpty(t, ignoredFiles(t, patterns, []string{"docker/secrets/encryption_keys"}), "secrets are excluded")
	require.Equal(t, []string{"store/migrations/postgres/00001_schema.sql"},
		ignoredFiles(t, "*.md\n**/*.sql\n", append(needed, "store/migrations/postgres/00001_schema.sql"))[:1], "the control")
}

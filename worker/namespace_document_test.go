package worker_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
)

// TestTheDocumentHasEveryCommand compares the commands that a worker lists with docs/deploy.md.
func TestTheDocumentHasEveryCommand(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../docs/deploy.md")
	require.NoError(t, err)
	document := regexp.MustCompile(`\s*\\\n\s*`).ReplaceAllString(string(content), " ")
	const namespace = "aliquot.a1b2c"
	proxy := temporaltest.SharedServer(t).Proxy(t, nil, temporaltest.AdministrativeCalls(codes.PermissionDenied))
	all := missing(t, ensure(t, dial(t, proxy.Address, namespace), namespace))
	commands := append(all.Commands(), all.CloudCommands()...)
	require.Len(t, commands, 13)
	for _, command := range commands {
		require.Contains(t, document, command)
	}
	require.NotContains(t, document, strings.Replace(commands[1], "Keyword", "Text", 1), "the control")
}

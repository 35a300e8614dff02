package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

// EnsureAttributesAndSchedules creates what the workflows need in a namespace: the search attributes of orders and the
// reconciler's schedules. A schedule that differs from what this build wants is updated; whether it is paused and its
// notes stay. Every worker calls it when it starts, and when it finds that Temporal has lost them (LacksAttributes).
//
// Temporal Cloud and managed clusters may refuse these calls. What is there is then found out by other calls. If
// something is missing that this client could not make, the error is a *MissingError that lists all of it. Another
// error means that Temporal did not answer.
func EnsureAttributesAndSchedules(ctx context.Context, c client.Client, namespace string, log *slog.Logger) error {
	lacking := &MissingError{Namespace: namespace}
	err := findNamespace(ctx, c, namespace)
	if missing, ok := errors.AsType[*MissingError](err); ok {
		lacking.Items = missing.Items
	} else if err != nil {
		return fmt.Errorf("looking for the namespace %s: %w", namespace, err)
	}
	attributes, err := ensureAttributes(ctx, c, namespace, log)
	if err != nil {
		return err
	}
	lacking.add(attributes)
	lacking.add(ensureSchedules(ctx, c, log))
	if ctx.Err() != nil {
		return fmt.Errorf("setting up the namespace %s: %w", namespace, ctx.Err())
	}
	if len(lacking.Items) == 0 {
		return nil
	}
	return lacking
}

// findNamespace returns nil if the namespace can be used, and a *MissingError if it does not exist or this client may
// not use it. Only the history service, which is the last to learn of a namespace, says that a workflow is unknown.
func findNamespace(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.WorkflowService().DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: namespace, Execution: &commonpb.WorkflowExecution{WorkflowId: "none"},
	})
	if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown || err == nil {
		return nil
	}
	if isNamespaceNotFound(err) {
		return missingNamespace(namespace, "is missing", err)
	}
	if isRefused(err) {
		return missingNamespace(namespace, "is missing, or this client may not use it", err)
	}
	return err
}

func missingNamespace(namespace, problem string, cause error) *MissingError {
	return &MissingError{Namespace: namespace,
		Items: []Missing{{Kind: KindNamespace, Name: namespace, Problem: problem, Cause: cause}}}
}

// isRefused reports whether the server does not let this client make the call, or has no such call for it.
func isRefused(err error) bool {
	_, denied := errors.AsType[*serviceerror.PermissionDenied](err)
	_, unimplemented := errors.AsType[*serviceerror.Unimplemented](err)
	return denied || unimplemented
}

// isNamespaceNotFound reports whether the server, or a node of it, does not know the namespace.
func isNamespaceNotFound(err error) bool {
	_, unknown := errors.AsType[*serviceerror.NamespaceNotFound](err)
	return unknown
}

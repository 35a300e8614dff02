package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// attributeTypes are the types of search attributes by their names.
type attributeTypes map[string]enumspb.IndexedValueType

// wantedAttributes are the search attributes of orders. The server fails every workflow task that sets an unknown one.
func wantedAttributes() []temporal.SearchAttributeKey {
	return []temporal.SearchAttributeKey{dispatch.AttrStatus, dispatch.AttrMethod, dispatch.AttrTeam,
		dispatch.AttrAttention}
}

// ensureAttributes adds the search attributes that the namespace lacks, and returns those that it could not add.
func ensureAttributes(ctx context.Context, c client.Client, namespace string, log *slog.Logger) ([]Missing, error) {
	have, err := listAttributes(ctx, c, namespace)
	if err != nil && !isRefused(err) && !isNamespaceNotFound(err) {
		return nil, fmt.Errorf("looking for search attributes: %w", err)
	}
	lacking := attributeTypes{}
	var missing []Missing
	for _, a := range wantedAttributes() {
		name, wanted := a.GetName(), a.GetValueType()
		m := Missing{Kind: KindAttribute, Name: name, Type: wanted.String(), Problem: "is missing"}
		if isRefused(err) {
			m.Problem = "is missing, or this client may not look for it"
		}
		switch has, there := have[name]; {
		case !there:
			lacking[name] = wanted
		case has == wanted || has == enumspb.INDEXED_VALUE_TYPE_UNSPECIFIED:
			continue
		default:
			m.conflict, m.Problem = true, "has the wrong type"
			m.Cause = fmt.Errorf("its type is %s", has)
		}
		missing = append(missing, m)
	}
	if len(lacking) == 0 {
		return missing, nil
	}
	added := addAttributes(ctx, c, namespace, lacking, log)
	return stillMissing(missing, added), nil
}

// LacksAttributes reports whether a namespace lacks a search attribute of orders, or does not exist. It changes
// nothing. An error means that nobody knows: Temporal does not answer, or does not let this client look.
func LacksAttributes(ctx context.Context, c client.Client, namespace string) (bool, error) {
	have, err := listAttributes(ctx, c, namespace)
	if isNamespaceNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for search attributes: %w", err)
	}
	for _, a := range wantedAttributes() {
		if _, there := have[a.GetName()]; !there {
			return true, nil
		}
	}
	return false, nil
}

// stillMissing returns what is missing after search attributes were added with this outcome.
func stillMissing(missing []Missing, added error) []Missing {
	var remaining []Missing
	for _, m := range missing {
		if !m.conflict {
			m.Cause = added
		}
		if m.Cause != nil {
			remaining = append(remaining, m)
		}
	}
	return remaining
}

func addAttributes(ctx context.Context, c client.Client, namespace string, lacking attributeTypes,
	log *slog.Logger) error {
	_, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: lacking,
	})
	if _, exists := errors.AsType[*serviceerror.AlreadyExists](err); exists {
		return nil
	}
	if err == nil {
		log.InfoContext(ctx, "added search attributes", "namespace", namespace, "count", len(lacking))
	}
	return err
}

// listAttributes returns the search attributes of orders that a namespace has. Where they may not be listed, such as at
// Temporal Cloud, it queries each of them, and their types are unspecified.
func listAttributes(ctx context.Context, c client.Client, namespace string) (attributeTypes, error) {
	listed, err := c.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err == nil {
		return listed.GetCustomAttributes(), nil
	}
	if isNamespaceNotFound(err) {
		return nil, err
	}
	return queryAttributes(ctx, c, namespace)
}

// queryAttributes finds out which search attributes of orders exist: a query for an unknown one is invalid. A query
// without them comes first. If that is refused too, queries say nothing.
func queryAttributes(ctx context.Context, c client.Client, namespace string) (attributeTypes, error) {
	const none = `WorkflowId = "none"`
	count := func(query string) error {
		_, err := c.WorkflowService().CountWorkflowExecutions(ctx,
			&workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: query})
		return err
	}
	if err := count(none); err != nil {
		return nil, err
	}
	found := attributeTypes{}
	for _, a := range wantedAttributes() {
		err := count(fmt.Sprintf(`%s AND %s = "none"`, none, a.GetName()))
		_, unknown := errors.AsType[*serviceerror.InvalidArgument](err)
		if err != nil && !unknown {
			return nil, err
		}
		if err == nil {
			found[a.GetName()] = enumspb.INDEXED_VALUE_TYPE_UNSPECIFIED
		}
	}
	return found, nil
}

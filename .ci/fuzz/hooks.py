"""What schemathesis must know about a node, and one check more: valid requests are refused only for what no schema can say."""

import os

import schemathesis

OWN_TOKEN = os.environ["HOMEROOM_FUZZ_TOKEN_ID"]

# Rules between fields or about what is there, which OpenAPI cannot express, as the messages say them.
BEYOND_SCHEMAS = (
    "cannot be combined with",
    "is required for",
    "must lie between 1970 and",
    "unknown ",
    "must be at most",
    "must not be after",
    "is archived",
    "is taken already",
    "is named twice",
    "must not be in the future",
    "must be before",
    "must be after",
    "must be the one in the path",
    "must be so long that",
    "must be somebody else",
)


@schemathesis.hook
def filter_case(context, case):
    """The run goes on with its own token, so it must not revoke that. The answer to a key that is used again names a backup
    that may be gone by then."""
    path = case.operation.path
    own = (case.path_parameters or {}).get("token_id")
    if path == "/tokens/{token_id}" and str(own) == OWN_TOKEN:
        return False
    return not (path == "/backups" and "Idempotency-Key" in (case.headers or {}))


@schemathesis.check
def refused_for_a_reason_beyond_schemas(ctx, response, case):
    """A request that is valid by the document is not called invalid by the node."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (400, 422):
        return
    problem = response.json()
    if problem["code"] in ("invalid_json", "incomplete_body"):
        raise AssertionError(f"a valid body was called {problem['code']}: {problem['detail']}")
    # An award comes as a body or as parameters of the query: that one of them is whole is a rule between the two.
    in_query = case.operation.path == "/points/earn" and not response.request.body
    for error in problem.get("errors", []) if problem["code"] == "validation" else []:
        if in_query and error["message"] == "is required":
            continue
        # Rules are a document of their own, whose faults are told by line.
        if error["field"].startswith("document") and error["message"].startswith("line "):
            continue
        if not any(words in error["message"] for words in BEYOND_SCHEMAS):
            raise AssertionError(f"a valid request was called invalid: {error['field']} {error['message']}")

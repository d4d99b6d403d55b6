"""What does OpenAPI say of the interface? The shapes of bodies, the problems, and which scope is needed."""

from __future__ import annotations

from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from leadlane import __version__
from leadlane.api import acts, outcomes, problems, reviews
from leadlane.api.body import JSON, NDJSON, YAML
from leadlane.api.guard import SIGNED, needed_scope
from leadlane.core.facts import LEAD_FIELDS, FieldSpec
from leadlane.intake.values import LONGEST_MESSAGE, LONGEST_TEXT, MOST_TAGS
from leadlane.policy.roster_schema import AccountPart, ContactPart, PersonPart, TeamPart
from leadlane.policy.schema import Part
from leadlane.policy.structure import json_schema
from leadlane.service.api_keys import SCOPES

Schema = dict[str, Any]

DESCRIPTION = """\
Send leads, get who owns them and by when they respond. Every request under `/v1` carries a key:
`Authorization: Bearer ll_…`, made by `leadlane keys create NAME --scope intake`. Webhooks are signed instead.

Errors are problem details (RFC 9457, `application/problem+json`): `type` names the kind for programs,
`detail` and `errors` say for people what is wrong with which field, in the language of `Accept-Language`
(en, pl, it). Requests that are repeated, be it by id, by `Idempotency-Key`, or a `PUT`, do nothing twice.
"""
_REF = "#/components/schemas/{model}"
PROBLEM = "#/components/schemas/Problem"
LEAD = "#/components/schemas/Lead"
SIGNAL = "#/components/schemas/Signal"
_EXAMPLE_LEAD: Schema = {
    "email": "jo@northwind.example",
    "company": "Northwind Fintech",
    "country": "DE",
    "employees": 1200,
    "industry": "fintech",
    "signals": ["demo_request"],
}
_EXAMPLES: dict[str, Any] = {
    "email": "jo@northwind.example",
    "phone": "+49 30 1234567",
    "company_domain": "northwind.example",
    "website": "https://northwind.example",
    "country": "DE",
    "language": "de",
    "employees": 1200,
    "tech_stack": ["salesforce"],
    "deal_value": 25000,
}
_TYPES: dict[str, Schema] = {
    "text": {"type": ["string", "number", "null"], "maxLength": LONGEST_TEXT},
    # A text is read as people write numbers: "1.200", "50-200", "€ 20k".
    "number": {"type": ["number", "string", "null"]},
    "tags": {
        "type": ["array", "string", "null"],
        "items": {"type": ["string", "number"]},
        "maxItems": MOST_TAGS,
    },
}


def body(*media: tuple[str, Schema]) -> Schema:
    """The `openapi_extra` of an operation that takes a body of these types."""
    content = {kind: schema if "schema" in schema else {"schema": schema} for kind, schema in media}
    return {"requestBody": {"required": True, "content": content}}


def _wrapped(name: str, items: Schema) -> Schema:
    """A list, or an object with nothing but the list."""
    only = {"type": "object", "properties": {name: items}, "required": [name], "additionalProperties": False}
    return {"anyOf": [items, only]}


def refusals(*statuses: int) -> dict[int | str, Schema]:
    """The `responses` of the problems that an operation may answer with, besides those that all may."""
    titles = dict(reversed(list(problems.KINDS.values())))  # of two with one status, the first
    return {
        status: {
            "description": titles[status],
            "content": {problems.CONTENT_TYPE: {"schema": {"$ref": PROBLEM}}},
        }
        for status in sorted({400, 401, 403, 429, 500, 503, *statuses})
    }


def answers(model: Any, description: str, content_type: str = JSON) -> Schema:
    """A response with a body of the type `model`, which is made a component by `build`."""
    return {"description": description, "content": {content_type: {"schema": {"$ref": _component(model)}}}}


def _component(model: Any) -> str:
    _MODELS[model.__name__] = model
    return f"#/components/schemas/{model.__name__}"


# Models that some response names, by the name of their component.
_MODELS: dict[str, Any] = {}

# Documents that are sent as they are; the address says what each is about.
_PARTS: tuple[type[Part], ...] = (
    PersonPart, TeamPart, AccountPart, ContactPart,
    acts.ActPart, acts.DeclinePart, acts.TouchPart, acts.ReassignPart, acts.ReviewPart, acts.ClosePart,
    acts.NextStepPart, acts.AbsencePart, acts.IdentifyPart, acts.MergePart, acts.SplitPart,
    acts.DisputePart, outcomes.OutcomePart, reviews.VerdictPart,
)  # fmt: skip

LEAD_BODY = body((JSON, {"schema": {"$ref": LEAD}, "example": _EXAMPLE_LEAD}))
_LEADS: Schema = {"type": "array", "items": {"$ref": LEAD}, "minItems": 1, "maxItems": 10_000}
LEADS_BODY = body(
    (
        JSON,
        {
            "schema": _wrapped("leads", _LEADS),
            "example": {"leads": [_EXAMPLE_LEAD]},
        },
    ),
    *(
        (kind, {"schema": {"type": "string"}, "example": '{"email": "jo@northwind.example"}\n'})
        for kind in NDJSON
    ),
)
_SIGNALS: Schema = {"type": "array", "items": {"$ref": SIGNAL}, "minItems": 1, "maxItems": 1_000}
SIGNALS_BODY = body(
    (
        JSON,
        {
            "schema": {"anyOf": [{"$ref": SIGNAL}, _wrapped("signals", _SIGNALS)]},
            "example": {"email": "jo@northwind.example", "name": "pricing_page_visit"},
        },
    )
)
_POLICY_TEXT: Schema = {
    "type": "object",
    "properties": {
        "source": {"type": "string", "description": "The policy, in YAML."},
        "comment": {"type": "string", "maxLength": 1_000, "description": "Why it changes."},
    },
    "required": ["source"],
    "additionalProperties": False,
}
POLICY_BODY = body((JSON, _POLICY_TEXT), *((kind, {"type": "string"}) for kind in YAML))
POLICY_COMMENT: Schema = {
    "parameters": [
        {
            "name": "comment",
            "in": "query",
            "required": False,
            "description": "Why it changes, when the body is YAML.",
            "schema": {"type": "string", "maxLength": 1_000},
        }
    ]
}
_SENT: Schema = {"description": "Whatever the sender sends; the mapping says where in it the lead stands."}
DELIVERY_BODY = body(
    (JSON, {"schema": _SENT, "example": {"contact": {"email": "jo@northwind.example"}}}),
    *((kind, {"type": "object"}) for kind in ("application/x-www-form-urlencoded", "multipart/form-data")),
)
IDEMPOTENCY: Schema = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key with the same body: the same answer, and nothing is done twice.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
        }
    ]
}


def entry_body(model: type[Part]) -> Schema:
    """The body of a request that is a document of this shape, whose address says what it is about."""
    return body((JSON, {"$ref": f"#/components/schemas/{_entry_name(model)}"}))


def entries_body(model: type[Part], name: str) -> Schema:
    """The body of many entries: a list, or an object with nothing but the list."""
    entry = {"$ref": f"#/components/schemas/{_entry_name(model)}"}
    item = {"allOf": [entry, {"type": "object", "required": ["id"]}]}
    return body((JSON, _wrapped(name, {"type": "array", "items": item, "minItems": 1, "maxItems": 10_000})))


def outcomes_body() -> Schema:
    """The body of many outcomes: a list, or an object with it and with who says so."""
    item = {"$ref": f"#/components/schemas/{_entry_name(outcomes.OutcomePart)}"}
    many = {"type": "array", "items": item, "minItems": 1, "maxItems": outcomes.MOST}
    by = {"type": ["string", "null"], "description": "Who says it: the id of a person; else the key does."}
    named = {
        "type": "object",
        "properties": {"outcomes": many, "by": by},
        "required": ["outcomes"],
        "additionalProperties": False,
    }
    example = {"outcomes": [{"lead": "crm-1", "outcome": "won", "value": 12000, "closed_at": "2026-03-20"}]}
    return body((JSON, {"schema": {"anyOf": [many, named]}, "example": example}))


def _entry_name(model: type[Any]) -> str:
    return model.__name__.removesuffix("Part")


def build(api: FastAPI) -> Schema:
    """The whole OpenAPI document; made once."""
    if api.openapi_schema:
        return api.openapi_schema
    document = get_openapi(
        title="Leadlane", version=__version__, summary=None, description=DESCRIPTION, routes=api.routes
    )
    schemas: Schema = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    models = {name: TypeAdapter(model) for name, model in _MODELS.items()}
    for name, adapter in models.items():
        _add(schemas, name, adapter.json_schema(mode="serialization", ref_template=_REF))
    _add(schemas, "Problem", TypeAdapter(problems.ProblemView).json_schema(ref_template=_REF))
    for model in _PARTS:
        _add(schemas, _entry_name(model), _entry(model))
    schemas["Lead"], schemas["Signal"] = _lead(), _signal()
    _add_keys(document)
    api.openapi_schema = document
    return document


def _add(schemas: Schema, name: str, schema: Schema) -> None:
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema


def _entry(model: type[Any]) -> Schema:
    """An entry as it is sent: the address says the id, so the body need not."""
    schema: Schema = {**json_schema(cast(Any, model))}
    # Conditions are part of policies only.
    schema["$defs"] = {k: v for k, v in schema.get("$defs", {}).items() if k not in ("Condition", "Test")}
    schema["required"] = [name for name in schema.get("required", ()) if name != "id"]
    return cast(Schema, _with_components(schema))


def _with_components(part: Any) -> Any:
    """A JSON Schema whose definitions become components of the document."""
    if isinstance(part, list):
        return [_with_components(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _with_components(value)
        for key, value in part.items()
    }


def _lead() -> Schema:
    fields = {name: _field(spec) for name, spec in LEAD_FIELDS.items()}
    fields["id"] = {
        "type": ["string", "number", "null"],
        "maxLength": 200,
        "description": "Your own id; a lead of an id that is known already is not routed again.",
    }
    fields["arrived_at"] = {
        "type": ["string", "number", "null"],
        "description": "When the prospect came, as ISO 8601; without it, now.",
    }
    fields["signals"] = {
        "type": ["array", "string", "null"],
        "maxItems": 1_000,
        "description": "What the prospect did; the level of intent follows from it.",
        "items": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "at": {"type": ["string", "number", "null"]}},
                    "required": ["name"],
                    "additionalProperties": False,
                },
            ]
        },
    }
    return {
        "type": "object",
        "minProperties": 1,
        "description": "A prospect. Besides these fields, those that the policy in force declares.",
        "properties": fields,
        "additionalProperties": True,
        "example": _EXAMPLE_LEAD,
    }


def _field(spec: FieldSpec) -> Schema:
    schema = dict(_TYPES[spec.type])
    if spec.name == "message":
        schema["maxLength"] = LONGEST_MESSAGE
    if spec.name in _EXAMPLES:
        schema["examples"] = [_EXAMPLES[spec.name]]
    return schema


def _signal() -> Schema:
    return {
        "type": "object",
        "description": "Something that a prospect did. Names the lead, or else the e-mail address.",
        "properties": {
            "lead": {"type": "string", "maxLength": 200, "description": "The id of the lead."},
            "email": {"type": "string", "description": "The address of a prospect who is an open lead."},
            "name": {"type": "string", "minLength": 1, "maxLength": 100, "examples": ["demo_request"]},
            "at": {"type": ["string", "number", "null"], "description": "When; without it, now."},
        },
        "required": ["name"],
        "oneOf": [{"required": ["lead"]}, {"required": ["email"]}],
        "additionalProperties": False,
        "example": {"email": "jo@northwind.example", "name": "pricing_page_visit"},
    }


def _add_keys(document: Schema) -> None:
    """Every operation under /v1 takes a key, and says with which scope; deliveries are signed instead."""
    document["components"]["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key with one of the scopes {}.".format(", ".join(SCOPES)),
        }
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path.startswith(SIGNED):
                operation["security"] = []
            elif path.startswith("/v1/"):
                scope = needed_scope(method.upper(), path)
                operation["security"] = [{"key": []}]
                operation["description"] = f"{operation.get('description', '')}\n\nScope: `{scope}`.".strip()

"""Is the description of the interface complete and true? And does everything on its page come from here?"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import httpx2
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS

from leadlane.core.facts import LEAD_FIELDS
from leadlane.service.reporting.reports import KINDS

# We read more forms of a value than JSON Schema can say (a country by its name), and know more of what is
# meaningless (a country that there is not), so what the schema allows and what is taken are not the same.
BEYOND_SCHEMA = {"positive_data_acceptance", "negative_data_rejection"}


@schemathesis.serializer("application/x-ndjson", "application/ndjson", "application/jsonl")
def _as_text(_context: Any, value: Any) -> bytes:
    return str(value).encode(errors="replace")


def test_every_answer_is_as_described(served: Any) -> None:
    api = served.client("admin")
    api.post("/v1/leads", json={"id": "7", "email": "a@b.example"})
    schema = schemathesis.openapi.from_url(served.url + "/openapi.json")
    headers = {"Authorization": api.headers["authorization"]}
    excluded = [check for check in CHECKS.get_all() if check.__name__ in BEYOND_SCHEMA]
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 50 + len(KINDS)
    for operation in operations:
        for mode in schemathesis.GenerationMode:

            @settings(
                max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def answers(case: schemathesis.Case) -> None:
                case.call_and_validate(headers=headers, excluded_checks=excluded)

            # Where an operation takes nothing, there is nothing that could be wrong.
            with suppress(Unsatisfiable):
                answers()


def test_the_lead_has_every_field(served: Any) -> None:
    document = httpx2.get(served.url + "/openapi.json").json()
    assert set(LEAD_FIELDS) | {"id", "arrived_at", "signals"} == set(
        document["components"]["schemas"]["Lead"]["properties"]
    )


def test_every_reference_leads_somewhere_and_every_operation_tells_its_refusals(served: Any) -> None:
    response = httpx2.get(served.url + "/openapi.json")
    document = response.json()
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', response.text))
    assert names <= set(document["components"]["schemas"])
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            if path.startswith("/v1/"):
                assert {"400", "401", "403", "429", "500", "503"} <= set(operation["responses"])
                is_signed = path.startswith("/v1/hooks/")
                assert operation["security"] == ([] if is_signed else [{"key": []}])
                assert is_signed or "Scope: `" in operation["description"]


def test_the_page_loads_nothing_from_elsewhere(served: Any) -> None:
    with httpx2.Client(base_url=served.url) as client:
        page = client.get("/docs")
        assert page.status_code == 200
        assert "script-src 'self'" in page.headers["content-security-policy"]
        links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(links) >= 3
        for link in links:
            assert link.startswith(("/", "data:"))
            if link.startswith("/"):
                assert client.get(link).status_code == 200, link
        assert "<script>" not in page.text
        assert client.get("/", follow_redirects=True).url.path == "/docs"

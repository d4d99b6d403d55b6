"""The pages that are made from the models are those that stand in docs."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from leadlane.core.facts import DERIVED_FIELDS, LEAD_FIELDS, PERSON_FIELDS
from leadlane.policy.conditions import OPERATORS
from leadlane.policy.reference import policy_reference, policy_schema
from leadlane.policy.schema import PolicyPart
from leadlane.policy.structure import json_schema
from leadlane.policy.yaml import read_yaml

DOCS = Path(__file__).parents[2] / "docs"
AGAIN = "python -m leadlane.policy.reference docs"


def test_the_policy_reference_is_up_to_date() -> None:
    assert (DOCS / "policy_reference.md").read_text("utf-8") == policy_reference(), AGAIN


def test_the_schema_is_up_to_date() -> None:
    assert (DOCS / "policy.schema.json").read_text("utf-8") == policy_schema(), AGAIN


def test_every_key_field_and_operator_is_described() -> None:
    page = policy_reference()
    schema = json_schema(PolicyPart)
    for part in (schema, *schema["$defs"].values()):
        for key, spec in part.get("properties", {}).items():
            assert f"`{key}`" in page or key in OPERATORS
            if part not in (schema["$defs"]["Test"],):
                assert spec.get("description"), key
    for name in (*LEAD_FIELDS, *DERIVED_FIELDS, *PERSON_FIELDS):
        assert f"| `{name}` |" in page
    for operator in OPERATORS:
        assert f"{{{operator}: " in page


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("intent: high}", "intnt: {mn: 5}}"),
        ("pool: sdr", "poool: sdr"),
        ("1 business day", "soon"),
        ("points: 10}", "points: many}"),
        ("when: {employees: {min: 100}}", "when: {}"),
    ],
)
def test_editors_see_what_is_wrong(small: str, old: str, new: str) -> None:
    validator = jsonschema_rs.validator_for(json.loads(policy_schema()))
    assert validator.is_valid(read_yaml(small).data)
    assert not validator.is_valid(read_yaml(small.replace(old, new)).data)


def test_the_reference_policy_fulfils_the_schema(reference_policy: str) -> None:
    jsonschema_rs.validate(json.loads(policy_schema()), read_yaml(reference_policy).data)

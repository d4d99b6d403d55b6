"""The reference policy and roster, and what tests of the policy language need again and again."""

from collections.abc import Callable
from importlib.resources import files

import pytest

from leadlane.policy.load import read_policy
from leadlane.policy.problems import Problem

# A policy without anything to remark on. Tests change a line of it, so that a failure has one cause.
SMALL = """\
policy: Small
timezone: Europe/Berlin
fields:
  stage: {type: choice, values: [trial, paid]}
  opted_in: {type: boolean}
  renewal: {type: date}
  skills: {type: tags}
intent:
  high: [demo_request]
  medium: [webinar]
fit:
  strong_at: 10
  points:
    - {name: big, when: {employees: {min: 100}}, points: 10}
segments:
  - {name: dach, when: {country: [DE, AT]}, team: dach}
  - {name: rest, team: inbound}
deal_bands:
  - {name: small, when: {deal_value: {below: 1000}}}
routes:
  - {name: hot, when: {intent: high}, pool: sdr}
  - {name: later, when: {intent: [medium, low]}, program: news}
  - {name: rest, review: ops}
programs:
  news: {description: Letters}
pools:
  sdr: {members: {role: sdr}}
  ops: {members: {role: revops}}
service_levels:
  - {name: standard, respond_within: 1 business day, chase: gentle}
chases:
  gentle: [{after: 4 business hours, unless: responded, remind: owner}]
"""


def reference(name: str) -> str:
    """The text of a file of the reference."""
    return files("leadlane.reference").joinpath(name).read_text("utf-8")


@pytest.fixture(scope="session")
def reference_policy() -> str:
    """The text of the reference policy."""
    return reference("policy.yaml")


@pytest.fixture(scope="session")
def reference_roster() -> str:
    """The text of the reference roster."""
    return reference("roster.yaml")


@pytest.fixture(scope="session")
def small() -> str:
    """A small policy without problems."""
    return SMALL


@pytest.fixture
def problems_after(small: str) -> Callable[[str, str], list[Problem]]:
    """The problems of the small policy after one replacement."""

    def read(old: str, new: str) -> list[Problem]:
        assert small.count(old) >= 1
        return read_policy(small.replace(old, new, 1), "p.yaml")[1]

    return read

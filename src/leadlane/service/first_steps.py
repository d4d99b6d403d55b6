"""What is there, and what comes next? The five steps of a new installation from chaos to routing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psycopg import Connection

from leadlane.config import Settings
from leadlane.outbound.endpoints import read_outbound
from leadlane.service.publish import current_document
from leadlane.service.rulebooks import NothingPublishedError, Rulebooks
from leadlane.service.ways import set_up
from leadlane.store import api_keys, hooks, leads, policies, roster

# Segments with their people, rules by intent, assignment that runs by itself, service levels that are
# watched, and getting better: in this order, because each rests on the one before.
StepName = Literal["people", "rules", "intake", "channels", "improve"]


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """How far an installation is: people, the name of the policy in force ("" for none), its segments, how
    many keys and webhooks let leads in, the channels that tell people, and whether any lead has come.
    """

    people: int
    policy: str
    segments: int
    keys: int
    webhooks: int
    channels: tuple[str, ...]
    has_leads: bool

    @property
    def done(self) -> frozenset[StepName]:
        """The steps that are done."""
        is_done: dict[StepName, bool] = {
            "people": self.people > 0,
            "rules": bool(self.policy),
            "intake": bool(self.keys or self.webhooks),
            "channels": bool(self.channels),
            "improve": self.has_leads,
        }
        return frozenset(name for name, done in is_done.items() if done)

    @property
    def is_ready(self) -> bool:
        """Whether leads can be routed: there are people, and rules."""
        return self.people > 0 and bool(self.policy)


def is_ready(connection: Connection) -> bool:
    """Whether leads can be routed."""
    version, _revision = policies.in_force(connection)
    return version is not None and roster.has_people(connection)


def first_steps(connection: Connection, books: Rulebooks, settings: Settings) -> FirstSteps:
    """How far an installation is. SettingsError where outbound.yaml cannot be read."""
    try:
        book = books.current(connection)
        people, policy, segments = len(book.roster.people), book.policy.name, len(book.policy.segments)
    except NothingPublishedError:
        people, policy, segments = len(current_document(connection).people), "", 0
    return FirstSteps(
        people,
        policy,
        segments,
        len(api_keys.valid_keys(connection)),
        len(hooks.hooks(connection)),
        tuple(set_up(settings, read_outbound(settings)).ways),
        leads.is_any(connection),
    )

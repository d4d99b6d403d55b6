"""Who may do what on the pages? One table: every capability, and the roles that have it.

A page names its capability where it is registered (`web.page`), and a test tries every page with every role.
Which lead or person it is about is another question: a rep acts on their own leads, a manager on those of
their teams. That is answered where the lead is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from leadlane.store.users import Role

_ALL: tuple[Role, ...] = ("admin", "manager", "rep", "viewer")
_STAFF: tuple[Role, ...] = ("admin", "manager", "rep")
_LEADERS: tuple[Role, ...] = ("admin", "manager")
_READERS: tuple[Role, ...] = ("admin", "manager", "viewer")
_ADMINS: tuple[Role, ...] = ("admin",)


class Capability(StrEnum):
    """Something that one may be allowed to do. `docs/users.md` says of each what it means."""

    OWN_ACCOUNT = "own account"
    SEE_OWN_LEADS = "see own leads"
    ACT_ON_OWN_LEADS = "act on own leads"
    ACT_ON_TEAM_LEADS = "act on leads of their teams"
    ACT_ON_ALL_LEADS = "act on all leads"
    SEE_LEADS = "see leads"
    ASK_WHOSE = "ask whose it is"
    READ_RULES = "read the rules"
    SEE_PEOPLE = "see people"
    SAY_AWAY = "say who is away"
    EDIT_PEOPLE = "edit people"
    SEE_NOW = "see what happens now"
    REVIEW = "review"
    READ_REPORTS = "read reports"
    EDIT_POLICY = "edit policy drafts"
    PUBLISH = "publish the policy"
    SEE_HEALTH = "see health"
    SETTINGS = "settings"
    KEYS = "API keys"
    USERS = "users"


TABLE: Mapping[Capability, tuple[Role, ...]] = MappingProxyType(
    {
        Capability.OWN_ACCOUNT: _ALL,
        Capability.SEE_OWN_LEADS: _STAFF,
        Capability.ACT_ON_OWN_LEADS: _STAFF,
        Capability.ACT_ON_TEAM_LEADS: _LEADERS,
        Capability.ACT_ON_ALL_LEADS: _ADMINS,
        Capability.SEE_LEADS: _ALL,
        Capability.ASK_WHOSE: _ALL,
        Capability.READ_RULES: _ALL,
        Capability.SEE_PEOPLE: _ALL,
        Capability.SAY_AWAY: _STAFF,
        Capability.EDIT_PEOPLE: _ADMINS,
        Capability.SEE_NOW: _READERS,
        Capability.REVIEW: _LEADERS,
        Capability.READ_REPORTS: _READERS,
        Capability.EDIT_POLICY: _LEADERS,
        Capability.PUBLISH: _ADMINS,
        Capability.SEE_HEALTH: _LEADERS,
        Capability.SETTINGS: _ADMINS,
        Capability.KEYS: _ADMINS,
        Capability.USERS: _ADMINS,
    }
)


def may(role: Role, capability: Capability) -> bool:
    """Whether a role has a capability."""
    return role in TABLE[capability]

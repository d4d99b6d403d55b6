"""Whom may this lead be? Those whom matching compared it with, side by side, for a person to decide."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from psycopg import Connection
from typing_extensions import TypedDict

from leadlane.core.match import Certainty, Evidence
from leadlane.explain.likeness import likeness_words
from leadlane.service.views import AccountView, LeadView, account_view, lead_view
from leadlane.store import accounts, leads
from leadlane.store.leads import LeadRow


class CandidateView(TypedDict):
    """Somebody known whom a lead may be: another lead, or an account.

    `probability` is from 0 to 1, `outcome` what it amounted to when it was decided; `evidence` tells in words
    what speaks for it and what against. `lead` and `account` are as they stand now.
    """

    probability: float
    outcome: Certainty
    evidence: list[str]
    lead: LeadView | None
    account: AccountView | None


class CandidatesView(TypedDict):
    """A lead, whether a person is to say who it is, and whom it may be, the likeliest first."""

    lead: LeadView
    unsure: bool
    candidates: list[CandidateView]


def candidates_of(connection: Connection, row: LeadRow, now: datetime) -> CandidatesView:
    """The lead and whom it was compared with when it arrived, in the language of the context."""
    return {
        "lead": lead_view(row, now),
        "unsure": row.unsure,
        "candidates": [_candidate(connection, one, now) for one in likely_of(connection, row.id)],
    }


def likely_of(connection: Connection, lead_id: str) -> list[dict[str, Any]]:
    """Whom a lead was compared with when it arrived, as the trace tells it, the likeliest first."""
    decisions = leads.decisions_of(connection, lead_id)
    return next((found for one in decisions if (found := _likely(lead_id, one.trace))), [])


def _likely(lead_id: str, trace_text: str) -> list[dict[str, Any]]:
    """Whom the lead itself was compared with, arriving or split off, not what became part of it."""
    trace: dict[str, Any] = orjson.loads(trace_text)
    likely = (
        trace.get("match", {}).get("likely", []) if trace.get("arrived_as", trace["lead"]) == lead_id else []
    )
    return [one for one in likely if one["lead"] != lead_id]


def _candidate(connection: Connection, one: dict[str, Any], now: datetime) -> CandidateView:
    lead = leads.get(connection, one["lead"]) if one["lead"] is not None else None
    account = accounts.account(connection, one["account"]) if one["account"] is not None else None
    return {
        "probability": one["probability"],
        "outcome": one["outcome"],
        "evidence": likeness_words([Evidence(**piece) for piece in one["evidence"]]),
        "lead": lead_view(lead, now) if lead is not None else None,
        "account": account_view(account) if account is not None else None,
    }

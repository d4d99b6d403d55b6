"""Does a scenario come true? Its steps, in virtual time, through the services that serve real leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import Connection

from leadlane.core.act import Act
from leadlane.errors import LeadlaneError
from leadlane.explain import Explanation
from leadlane.i18n import _
from leadlane.intake.leads import LeadInput, read_lead
from leadlane.policy.problems import Finding, Problem, located
from leadlane.policy.yaml import Path as Place
from leadlane.scenarios.facts import Facts, Mismatch, mismatches
from leadlane.scenarios.read import Scenario, ScenarioErrors, Step, as_yaml, merged, moment_of
from leadlane.scenarios.stage import scene
from leadlane.service.acts import act
from leadlane.service.batch import Receipt, route_batch
from leadlane.service.explain import explain_lead
from leadlane.service.publish import publish
from leadlane.service.roster import put_entry, put_roster, set_away
from leadlane.service.rulebooks import Rulebooks, field_specs
from leadlane.service.run_due import run_due, run_until
from leadlane.service.submission import signal_submission, submission
from leadlane.store import leads, policies, roster

# Who did what the scenario says without saying who.
BY = "scenario"


@dataclass(frozen=True, slots=True)
class Failure:
    """What was not as it should be in a step; `explanations` are of the leads concerned, by name."""

    step: Step
    mismatches: tuple[Mismatch, ...]
    explanations: dict[str, Explanation]


def run_scenario(connection: Connection, scenario: Scenario) -> Failure | None:
    """Play a scenario on a stage up to its end, or to the first step in which something is not as expected.

    ScenarioErrors if it turns out that it cannot be run as it is written.
    """
    with scene(connection):
        play = open_play(connection, scenario)
        return next((failure for step in scenario.steps if (failure := play.step(step))), None)


def open_play(connection: Connection, scenario: Scenario) -> Play:
    """A scenario at its beginning: its roster stored and its policy in force."""
    play = Play(connection, scenario, scenario.start, scenario.policy)
    for key, begin in (("roster", play.put_roster), ("policy", play.publish)):
        try:
            begin()
        except LeadlaneError as error:
            raise ScenarioErrors([scenario.problem((key,), str(error))]) from error
    run_due(connection, play.books, play.now)  # as a worker does when it starts
    return play


@dataclass(slots=True)
class Play:
    """A scenario while it is played: where it stands, and the database that it plays on."""

    connection: Connection
    scenario: Scenario
    now: datetime
    policy: dict[str, Any]
    books: Rulebooks = field(default_factory=Rulebooks)
    versions: list[str] = field(default_factory=list)
    silent_until: datetime | None = None

    @property
    def facts(self) -> Facts:
        """What can be known at this moment."""
        return Facts(self.connection, self.scenario, self.now, tuple(self.versions))

    def put_roster(self) -> None:
        """Store the people, teams and accounts that the story begins with."""
        put_roster(self.connection, self.scenario.roster, BY, self.now)

    def publish(self, text: str | None = None) -> None:
        """Put a policy in force; without a text, the one that the story begins with."""
        text = self.scenario.policy_text if text is None else text
        published = publish(self.connection, text, self.scenario.source, BY, "", self.now)
        if not self.versions or self.versions[-1] != published.policy.version:
            self.versions.append(published.policy.version)

    def step(self, step: Step) -> Failure | None:
        """Play one step; what is not as it should be, or None."""
        self.advance(step.moment)
        problem = self._act(step) if step.action is not None else None
        self.advance(step.moment)  # what follows at once, such as a cover for whoever goes away
        wrong: list[Mismatch] = []
        if step.refused and problem is None:
            wrong = [Mismatch((*step.place, "refused"), _("it was to be refused"), _("a refusal"), _("done"))]
        elif problem is not None and not step.refused:
            place: Place = (*step.place, step.action or "")
            wrong = [Mismatch(place, _("it was refused"), _("done"), problem, step_lead(step))]
            return self._failure(step, wrong)
        return self._failure(step, wrong + mismatches(self.facts, step))

    def _failure(self, step: Step, wrong: list[Mismatch]) -> Failure | None:
        if not wrong:
            return None
        names = dict.fromkeys(one.lead for one in wrong if one.lead is not None)
        told = {
            name: explained.explanation
            for name in names
            if (explained := explain_lead(self.connection, self.books, name, self.scenario.zone))
        }
        return Failure(step, tuple(wrong), told)

    def advance(self, until: datetime) -> None:
        """Let everything happen that is due up to and at a moment, in order of due time."""
        if self.silent_until is not None:
            if self.silent_until > until:
                self.now = until
                return
            self.now, self.silent_until = self.silent_until, None
            run_due(self.connection, self.books, self.now)
        run_until(self.connection, self.books, self.now, until)
        self.now = until

    # ------------------------------------------------------------ actions

    def _act(self, step: Step) -> str | None:
        """Do what the step says. None when it was done; else, in words, why it was refused."""
        assert step.action is not None
        try:
            return _DO.get(step.action, Play._lead_act)(self, step)
        except ScenarioErrors:
            raise
        except LeadlaneError as error:
            return str(error)

    def _lead(self, step: Step) -> str | None:
        return self._submit(step, [(step.given, self._action_place(step))])

    def _leads(self, step: Step) -> str | None:
        place = self._action_place(step)
        return self._submit(step, [(raw, (*place, i)) for i, raw in enumerate(step.given)])

    def _submit(self, step: Step, given: list[tuple[dict[str, Any], Place]]) -> str | None:
        read = [self._read(raw, place) for raw, place in given]
        problems = [problem for _given, found in read for problem in found]
        if problems and step.refused:
            return "\n".join(map(str, problems))
        if problems:
            raise ScenarioErrors(problems)
        submissions = [submission(one, BY, self.now) for one, _found in read if one is not None]
        return _refusal(route_batch(self.connection, self.books, submissions, self.now))

    def _read(self, raw: dict[str, Any], place: Place) -> tuple[LeadInput | None, list[Problem]]:
        specs = field_specs(self.books.current(self.connection).policy)
        given, problems = read_lead(raw, specs, self.now, self.scenario.zone)
        findings = [
            Finding(
                (*place, *_path_of(one.field)),
                "wrong_value",
                " – ".join(filter(None, (one.reason, one.suggestion))),
            )
            for one in problems
        ]
        return given, located(findings, self.scenario.marks, self.scenario.source)

    def _signal(self, step: Step) -> str | None:
        signal = {"name": step.given.name, "at": step.given.at}
        given, problems = self._read({"signals": [signal]}, self._action_place(step))
        if given is None:
            raise ScenarioErrors(problems)
        news = signal_submission(self._id(step.given.lead), given.signals, BY, self.now)
        return _refusal(route_batch(self.connection, self.books, [news], self.now))

    def _lead_act(self, step: Step) -> str | None:
        """Accept, decline, dispute, touch, reassign, review, close, identify, merge, split."""
        given = step.given
        to = getattr(given, "to", None) or getattr(given, "account", None) or getattr(given, "other", None)
        one = Act(
            self._id(given.lead),
            step.action,  # type: ignore[arg-type]  # the actions left are kinds of acts by their names
            by=given.by,
            to=to,
            reason=given.reason,
            how=getattr(given, "kind", ""),
            outcome=getattr(given, "outcome", ""),
            value=getattr(given, "value", None),
        )
        return _refusal(act(self.connection, self.books, [one], self.now))

    def _away(self, step: Step) -> str | None:
        zone = self.scenario.zone.key
        start = moment_of(step.given.from_, self.now, zone) if step.given.from_ else self.now
        until = moment_of(step.given.until, self.now, zone)
        assert start is not None
        assert until is not None  # reading the scenario has seen to it
        set_away(self.connection, step.given.person, start, until, step.given.reason, BY, self.now)
        return None

    def _person(self, step: Step) -> str | None:
        id_ = step.given["id"]
        _version, revision = policies.in_force(self.connection)
        before = roster.entries(self.connection, revision)["person"].get(id_, {})
        put_entry(self.connection, "person", id_, merged(before, step.given), BY, self.now)
        return None

    def _publish(self, step: Step) -> str | None:
        changed = merged(self.policy, step.given)
        self.publish(as_yaml(changed))
        self.policy = changed
        return None

    def _outage(self, step: Step) -> str | None:
        self.silent_until = moment_of(step.given.until, self.now, self.scenario.zone.key)
        return None

    def _id(self, name: str) -> str:
        return leads.resolve(self.connection, name) or name

    def _action_place(self, step: Step) -> Place:
        return (*step.place, *(("refused",) if step.refused else ()), step.action or "")


_DO: dict[str, Callable[[Play, Step], str | None]] = {
    "lead": Play._lead,
    "leads": Play._leads,
    "signal": Play._signal,
    "away": Play._away,
    "person": Play._person,
    "publish": Play._publish,
    "outage": Play._outage,
}


def step_lead(step: Step) -> str | None:
    """The lead that an action is about, if it is about one that is there already."""
    name = getattr(step.given, "lead", None)
    return name if isinstance(name, str) else None


def _path_of(field_name: str) -> Place:
    """`signals[1]` as the path of what it names."""
    name, bracket, index = field_name.partition("[")
    if not name:
        return ()
    return (name, int(index.removesuffix("]"))) if bracket else (name,)


def _refusal(receipts: list[Receipt]) -> str | None:
    refused = [one.problem for one in receipts if one.status == "refused"]
    return "\n".join(refused) if refused else None

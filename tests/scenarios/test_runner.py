"""What the runner says of stories that fail, that cannot be read, and of those that it is asked for."""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from leadlane.errors import LeadlaneError
from leadlane.i18n import available_languages, language
from leadlane.policy.roster import read_roster
from leadlane.scenarios.first import write_first
from leadlane.scenarios.read import moment_of
from leadlane.scenarios.schema import ACTIONS, LeadExpectation, PersonExpectation, SentExpectation
from leadlane.scenarios.stage import Stage
from leadlane.scenarios.suite import Result, closing_line, find_scenarios, run_file, run_files
from leadlane.scenarios.words import mismatch_words, step_words
from leadlane.service.publish import publish
from leadlane.service.roster import put_roster

Run = Callable[[str], Result]
HEAD = "scenario: A story\nstart: 2026-03-02T10:00+01:00\nsteps:\n"
LEAD = (
    "  - lead: {id: L1, email: a@bank.example, country: DE, industry: banking, employees: 5000,"
    " signals: [demo_request]}\n"
)
BERLIN = ZoneInfo("Europe/Berlin")
TEN = datetime(2026, 3, 2, 10, tzinfo=BERLIN)


@pytest.fixture
def run(stage: Stage, tmp_path: Path) -> Run:
    """Runs the story of a text."""

    def run_text(text: str) -> Result:
        path = tmp_path / "story.yaml"
        path.write_text(text, encoding="utf-8")
        return run_file(stage, path)

    return run_text


# ---------------------------------------------------------------- failures


def test_a_failure_says_where_what_and_why(run: Run) -> None:
    result = run(
        HEAD + LEAD + "    expect: {L1: {owner: boris, route: hot, respond_by: 10:20, stage: assigned}}\n"
    )
    failure, scenario = result.failure, result.scenario
    assert failure is not None
    assert scenario is not None
    assert step_words(failure.step) == "step 1, Mon 2 Mar 2026, 10:00: lead L1 comes in"
    assert [mismatch_words(one) for one in failure.mismatches] == [
        "owner of L1: expected boris, found anna",
        "route of L1: expected hot, found hot-enterprise",
        "respond_by of L1: expected 2026-03-02T10:20+01:00, found 2026-03-02T10:15+01:00",
    ]
    assert {scenario.line(one.place) for one in failure.mismatches} == {5}
    assert failure.explanations["L1"].summary.startswith("Anna Nowak has this lead: hot-enterprise")


def test_everything_that_can_be_expected_can_fail(run: Run) -> None:
    result = run(
        HEAD
        + LEAD
        + "    expect: {L1: {same_as: L1, because: [late], excluded: {boris: full}, breached: true,"
        + " version: 2}}\n"
        + "    expect_people: {anna: {open: 2, today: 2, balance: {senior-ae: 1, nowhere: 0}}}\n"
        + "    expect_sent: [{to: anna, event: assigned, lead: L1, count: 2}, {event: alarm}]\n"
        + "    expect_timeline: {L1: [assigned, arrived]}\n"
    )
    assert result.failure is not None
    assert [mismatch_words(one) for one in result.failure.mismatches] == [
        "breached of L1: expected true, found false",
        "why boris was left out for L1: expected full, found not left out",
        "because, of L1: expected late, found counted, id, not_preferred",
        "version of L1: expected 2, found 1",
        "open of anna: expected 2, found 1",
        "today of anna: expected 2, found 1",
        "balance of anna in senior-ae: expected 1, found -0.5",
        "balance of anna in nowhere: expected 0, found no such pool",
        "messages “assigned” to anna about L1: expected 2, found 1;"
        " messages about this lead: assigned → anna",
        "messages “alarm” to anybody: expected at least 1, found 0",
        "timeline of L1: expected arrived after the 1 before it, found arrived, assigned",
    ]


def test_what_is_refused_unexpectedly_and_what_is_not_refused(run: Run) -> None:
    refused = run(HEAD + LEAD + "  - accept: {lead: L1, by: boris}\n")
    assert refused.failure is not None
    assert refused.failure.mismatches[0].what == "it was refused"
    assert refused.failure.mismatches[0].found
    done = run(HEAD + LEAD + "  - refused: {accept: {lead: L1, by: anna}}\n")
    assert done.failure is not None
    assert [mismatch_words(one) for one in done.failure.mismatches] == [
        "it was to be refused: expected a refusal, found done"
    ]


def test_a_story_ends_with_its_first_wrong_step_and_leaves_nothing(run: Run, stage: Stage) -> None:
    result = run(HEAD + LEAD + "    expect: {L1: {owner: dora}}\n  - expect: {L1: {owner: emil}}\n")
    assert result.failure is not None
    assert result.failure.step.number == 1
    assert stage.execute("SELECT count(*) FROM leads").fetchone() == (0,)
    assert run(HEAD + LEAD + "    expect: {L1: {owner: anna}}\n").passed


def test_steps_are_said_in_every_language(run: Run) -> None:
    text = HEAD + LEAD + "  - accept: {lead: L1, by: boris}\n"
    said = set()
    for code in available_languages():
        with language(code):
            failure = run(text).failure
            assert failure is not None
            said.add(step_words(failure.step))
    assert len(said) == len(available_languages())


# ---------------------------------------------------------------- files that are no stories


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (HEAD + "  - led: {id: L1}\n", 4, "did you mean lead?"),
        (HEAD + LEAD + "    expect: {L11: {owner: anna}}\n", 5, "did you mean L1?"),
        (HEAD + LEAD + "    expect: {L1: {owner: ana}}\n", 5, "did you mean anna?"),
        (HEAD + LEAD + "    expect: {L1: {onwer: anna}}\n", 5, "did you mean owner?"),
        (HEAD + LEAD + "    expect: {L1: {because: [off_hour]}}\n", 5, "did you mean off_hours?"),
        (HEAD + LEAD + "    expect: {L1: {respond_by: soon}}\n", 5, "+45m, +2h, +3d"),
        (HEAD + LEAD + "    at: 25:00\n", 5, "a time of day such as 10:30"),
        (HEAD + LEAD + "    at: 2026-03-01T10:00+01:00\n", 5, "before the step before"),
        (HEAD + LEAD + "    signal: {lead: L1, name: x}\n", 5, "one action in a step"),
        (HEAD + LEAD + "  - refused: {}\n", 5, "the one action that is to be refused"),
        (HEAD.replace("steps:", "steps: []"), 3, "at least one step"),
        (HEAD + LEAD + "    expect_sent: [{event: remindr, count: 0}]\n", 5, "did you mean reminder?"),
        (HEAD + LEAD + "  - outage: {until: 2026-03-01T10:00+01:00}\n", 5, "before it begins"),
        (HEAD + LEAD + "  - accept: {lead: L1}\n", 5, "“by” is missing"),
        (HEAD + LEAD + "  - close: {lead: L1, outcome: done}\n", 5, "won | lost | junk"),
        (HEAD + LEAD + "  - away: {person: anna, until: later}\n", 5, "a date and time"),
        (HEAD + "  - lead: {id: L1, email: a@b.example, contry: DE}\n", 4, "did you mean country?"),
        (HEAD + "  - lead: {email: a@b.example}\n", 4, "an `id`"),
        (HEAD.replace("2026-03-02T10:00+01:00", "Monday") + LEAD, 2, "2026-03-02T10:00+01:00"),
        ("scenario: A story\nsteps: []\n", 1, "“start” is missing"),
        ("policy: nowhere.yaml\n" + HEAD + LEAD, 1, "nowhere.yaml"),
        ("policy: {policy: Mine, pools: {}, roots: []}\n" + HEAD + LEAD, 1, "did you mean routes?"),
        ("change: {limits: {reassignment: 1}}\n" + HEAD + LEAD, 1, "did you mean reassignments?"),
        ("change_roster: {people: [{id: anna, max_opn: 1}]}\n" + HEAD + LEAD, 1, "did you mean max_open?"),
        ("change_roster: {people: [{id: anna, backup: borris}]}\n" + HEAD + LEAD, 1, "did you mean boris?"),
        ("change: {pools: {sdr: {members: {role: x}}}}\n" + HEAD + LEAD, 1, "nobody"),
        ("scenario: [", 2, "not YAML"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_run_is_no_failure_of_the_policy(
    run: Run, text: str, line: int, says: str
) -> None:
    result = run(text)
    assert result.failure is None
    assert not result.passed
    assert [problem.line for problem in result.problems][:1] == [line]
    assert says in "\n".join(map(str, result.problems))


def test_a_lead_in_a_batch_that_cannot_be_read_is_pointed_at(run: Run) -> None:
    result = run(
        HEAD + "  - leads:\n      - {id: L1, email: a@b.example}\n      - {id: L2, employees: many}\n"
    )
    assert [(one.line, one.path) for one in result.problems] == [(6, "steps[0].leads[1].employees")]


# ---------------------------------------------------------------- moments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:30", datetime(2026, 3, 2, 10, 30, tzinfo=BERLIN)),
        ("10:00", TEN),
        ("9:59", datetime(2026, 3, 3, 9, 59, tzinfo=BERLIN)),
        ("+45m", datetime(2026, 3, 2, 10, 45, tzinfo=BERLIN)),
        ("+3d", datetime(2026, 3, 5, 10, tzinfo=BERLIN)),
        ("2026-03-02T10:00Z", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("2026-03-02T10:00", TEN),
        ("24:00", None),
        ("tomorrow", None),
    ],
)  # fmt: skip
def test_moments(text: str, expected: datetime | None) -> None:
    assert moment_of(text, TEN, "Europe/Berlin") == expected


def test_a_day_is_24_hours_also_when_clocks_change() -> None:
    before = datetime(2026, 3, 28, 10, tzinfo=BERLIN)
    assert moment_of("+1d", before, "Europe/Berlin") == datetime(2026, 3, 29, 11, tzinfo=BERLIN)


# ---------------------------------------------------------------- many files


def test_folders_are_searched_for_stories_at_any_depth(tmp_path: Path, stage: Stage) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "a.yaml").write_text(HEAD + LEAD, encoding="utf-8")
    (tmp_path / "deep" / "b.yml").write_text(HEAD.replace("A story", "Of two banks") + LEAD, encoding="utf-8")
    (tmp_path / "deep" / "er" / "broken.yaml").write_text("scenario: [\n", encoding="utf-8")
    (tmp_path / "policy.yaml").write_text("policy: Mine\n", encoding="utf-8")
    found = find_scenarios([tmp_path, tmp_path / "a.yaml"])
    assert [path.name for path in found] == ["a.yaml", "b.yml", "broken.yaml"]
    results = list(run_files(stage, found))
    assert closing_line(results) == "2 passed, 1 failed"
    assert [result.as_json()["outcome"] for result in results] == ["passed", "passed", "unreadable"]
    assert [result.path.name for result in run_files(stage, found, "two BANKS")] == ["b.yml"]
    assert [result.path.name for result in run_files(stage, found, "a.yaml")] == ["a.yaml"]


def test_nothing_to_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(LeadlaneError, match="no scenarios"):
        find_scenarios([tmp_path])
    with pytest.raises(LeadlaneError, match="no file or folder"):
        find_scenarios([tmp_path / "nowhere"])


def test_on_a_stage_nothing_is_ever_there_for_others(stage: Stage, server_url: str) -> None:
    with stage.transaction(force_rollback=True):
        stage.execute("INSERT INTO policies VALUES ('v', 's')")
        stage.commit()
        with psycopg.connect(server_url) as other:
            assert other.execute("SELECT count(*) FROM policies").fetchone() == (0,)
            schemas = other.execute("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'leadlane_stage%'")
            assert schemas.fetchall() == []


# ---------------------------------------------------------------- the first story


def test_the_first_story_of_a_policy_passes(db: psycopg.Connection, stage: Stage, tmp_path: Path) -> None:
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    text, people = (
        (files("leadlane") / "reference" / f"{name}.yaml").read_text(encoding="utf-8")
        for name in ("policy", "roster")
    )
    document, _problems = read_roster(people)
    assert document is not None
    put_roster(db, document, "tester", now)
    publish(db, text, "policy.yaml", "tester", "", now)
    path = tmp_path / "scenarios" / "first.yaml"
    assert [one.name for one in write_first(db, stage, path, now)] == [
        "first.yaml",
        "policy.yaml",
        "roster.yaml",
    ]
    result = run_file(stage, path)
    assert result.passed, result.problems
    assert result.scenario is not None
    routes = [step.part.expect[step.given["id"]].route for step in result.scenario.steps]
    assert len(routes) == len(set(routes)) >= 5
    with pytest.raises(LeadlaneError, match="already"):
        write_first(db, stage, path, now)
    # the policy beside it says the same, and is used as it is
    assert [one.name for one in write_first(db, stage, path.with_name("second.yaml"), now)] == ["second.yaml"]


def test_without_a_policy_there_is_no_first_story(
    db: psycopg.Connection, stage: Stage, tmp_path: Path
) -> None:
    with pytest.raises(LeadlaneError, match="No policy"):
        write_first(db, stage, tmp_path / "first.yaml", TEN)


# ---------------------------------------------------------------- the documentation


def test_the_documentation_names_every_action_and_expectation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "scenarios.md").read_text(encoding="utf-8")
    named = {cell for line in text.splitlines() if line.startswith("| `") for cell in cells(line)}
    expected = {
        *ACTIONS,
        *LeadExpectation.model_fields,
        *PersonExpectation.model_fields,
        *SentExpectation.model_fields,
    }
    assert expected - named == set()


def cells(line: str) -> list[str]:
    """The names in the first cell of a row of a table."""
    return [part.strip(" `") for part in line.split("|")[1].split(",")]

"""A lead comes out clean, or with all its problems at once."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from leadlane.core.facts import LEAD_FIELDS, FieldSpec, Signal
from leadlane.intake.leads import LeadInput, read_lead

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def good(raw: dict[str, object], **options: object) -> LeadInput:
    lead, problems = read_lead(raw, LEAD_FIELDS, NOW, UTC, **options)  # type: ignore[arg-type]
    assert problems == []
    assert lead is not None
    return lead


def bad(raw: dict[str, object], **options: object) -> dict[str, str]:
    lead, problems = read_lead(raw, LEAD_FIELDS, NOW, UTC, **options)  # type: ignore[arg-type]
    assert lead is None
    return {problem.field: f"{problem.reason} ({problem.suggestion})" for problem in problems}


def test_a_whole_lead() -> None:
    lead = good(
        {
            "id": "00Q-1",
            "email": "jane@northwind.example",
            "country": "Germany",
            "employees": "1,200",
            "tech_stack": "salesforce;hubspot",
            "phone": "",
            "city": None,
            "arrived_at": "2026-03-01 08:00",
            "signals": ["demo_request", {"name": "content_download", "at": "2026-02-28T12:00+01:00"}],
        },
        extra={"Lead Status": "open", "Owner": "", "Score": 12},
    )
    arrived = datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert lead == LeadInput(
        "00Q-1",
        {
            "email": "jane@northwind.example",
            "country": "DE",
            "employees": 1200,
            "tech_stack": ("salesforce", "hubspot"),
        },
        (
            Signal("demo_request", arrived, stated=True),
            Signal("content_download", datetime(2026, 2, 28, 11, tzinfo=UTC), stated=True),
        ),
        arrived,
        {"Lead Status": "open", "Score": 12},
    )


def test_signals_from_a_cell_happened_now_when_nothing_else_is_known() -> None:
    assert good({"signals": "demo_request; webinar_attendance"}).signals == (
        Signal("demo_request", NOW),
        Signal("webinar_attendance", NOW),
    )


def test_what_happened_at_a_stated_moment_happened_once() -> None:
    noon, later = ({"name": "Visit", "at": f"2026-03-01T{hour}:00Z"} for hour in (12, 13))
    read = good({"signals": [noon, {**noon, "name": "visit"}, later, "visit", "visit"]}).signals
    assert [one.stated for one in read] == [True, True, False, False]


def test_all_problems_at_once() -> None:
    problems = bad(
        {
            "email": "jane",
            "employes": 12,
            "deal_value": "1.000",
            "id": "x" * 201,
            "arrived_at": "03/02/2026",
            "signals": ["x" * 101, 5, {"at": "2026-01-01"}, {"name": "a", "when": 1}, "ok"],
        }
    )
    signals = {f"signals[{position}]" for position in range(4)}
    assert set(problems) == {"email", "employes", "deal_value", "id", "arrived_at"} | signals
    assert "did you mean employees?" in problems["employes"]


def test_the_future_is_refused_beyond_five_minutes() -> None:
    soon, later = NOW + timedelta(minutes=5), NOW + timedelta(minutes=6)
    assert good({"signals": [{"name": "a", "at": soon.isoformat()}]}).signals[0].at == soon
    assert set(bad({"signals": [{"name": "a", "at": later.isoformat()}]})) == {"signals[0]"}
    assert set(bad({"email": "a@b.example", "arrived_at": later.isoformat()})) == {"arrived_at"}


def test_an_empty_lead_is_refused_and_any_one_thing_is_enough() -> None:
    for raw in ({}, {"email": "", "city": None}, {"phone": "  "}, {"signals": []}):
        assert set(bad(dict(raw), extra={"x": "y"})) == {""}
    assert good({"city": "Gdańsk"}).fields == {"city": "Gdańsk"}
    assert good({"signals": "demo_request"}).signals
    assert good({"id": 17}).id == "17"


def test_what_cannot_be_kept_is_refused_beside_the_fields_too() -> None:
    assert set(bad({"id": "1"}, extra={"Notes": "a\0b"})) == {"Notes"}
    assert set(bad({"id": "1"}, extra={"Notes": ["a\0b"]})) == {"Notes"}
    assert set(bad({"id": "1"}, extra={"Notes": "x" * 100_001})) == {"Notes"}
    assert good({"id": "1"}, extra={"Notes": "two\nlines", "More": {"a": [1, 2.5]}}).extra == {
        "Notes": "two\nlines",
        "More": {"a": [1, 2.5]},
    }


def test_a_shown_value_is_short_and_printable() -> None:
    _, problems = read_lead({"company": "\0" + "x" * 10_000_000}, LEAD_FIELDS, NOW, UTC)
    assert len(problems[0].value) == 80
    assert problems[0].value.isprintable()


def test_fields_of_the_policy() -> None:
    fields = {**LEAD_FIELDS, "plan": FieldSpec("plan", "choice", ("free", "paid"))}
    lead, _ = read_lead({"plan": "Paid"}, fields, NOW, UTC)
    assert lead is not None
    assert lead.fields == {"plan": "paid"}


@given(st.dictionaries(st.sampled_from([*LEAD_FIELDS, "id", "signals", "arrived_at", "nothing"]), JSON))
def test_whatever_is_sent_comes_out_as_a_lead_or_as_problems(raw: dict[str, object]) -> None:
    lead, problems = read_lead(raw, LEAD_FIELDS, NOW, UTC, extra=raw)
    assert (lead is None) == bool(problems)

"""Whose is it? Answers on a real database: who is found, how it stands, and who would get whoever is new."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.service.conftest import NOW

from leadlane import i18n
from leadlane.core.act import Act
from leadlane.core.facts import Account
from leadlane.service.acts import act
from leadlane.service.batch import route_batch
from leadlane.service.ownership import FactsError, Question, territories, whose
from leadlane.service.prospects import ClueError
from leadlane.service.roster import go_away, put_accounts, put_entry
from leadlane.service.rulebooks import Rulebooks
from leadlane.service.submission import Submission
from leadlane.store.contacts import Contact, put_contacts

Ask = Callable[..., Any]

JANE = {
    "id": "L1", "email": "jane.doe@northwind.example", "first_name": "Jane", "last_name": "Doe",
    "company": "Northwind Fintech GmbH", "phone": "+49 30 1234567", "country": "DE", "employees": 1200,
    "industry": "fintech", "signals": ["demo_request"],
}  # fmt: skip
BOB = {
    "id": "L2", "email": "bob@northwind.example", "first_name": "Bob", "last_name": "Müller-Lüdenscheid",
    "company": "Northwind Fintech GmbH", "country": "DE",
}  # fmt: skip
SAM = {
    "id": "L3", "email": "sam@other.example", "first_name": "Sam", "last_name": "O'Hill",
    "company": "Società Altra S.p.A.", "country": "IT",
}  # fmt: skip


@pytest.fixture
def ask(published: psycopg.Connection, books: Rulebooks) -> Ask:
    """Asks an hour later: `ask("jane", asker="boris")`."""

    def asking(query: str | None = None, **more: Any) -> Any:
        book = books.current(published)
        return whose(published, book, Question(query, **more), NOW + timedelta(hours=1))

    return asking


@pytest.fixture
def send(
    published: psycopg.Connection, books: Rulebooks, lead: Callable[..., Submission]
) -> Callable[..., None]:
    """Routes leads, one after the other."""

    def routed(*leads: dict[str, Any]) -> None:
        for raw in leads:
            (receipt,) = route_batch(published, books, [lead(**raw)], NOW)
            assert receipt.status == "created"

    return routed


def names(answer: Any) -> list[str]:
    return [one["name"] for one in answer["prospects"]]


def only(answer: Any) -> Any:
    (one,) = answer["prospects"]
    return one


def test_everything_about_a_lead_that_somebody_works(
    published: psycopg.Connection, books: Rulebooks, ask: Ask, send: Any
) -> None:
    send(JANE, BOB, {**BOB, "id": "L9", "email": "old@northwind.example", "first_name": "Old"})
    act(published, books, [Act("L9", "close", "anna", outcome="lost")], NOW)
    act(published, books, [Act("L1", "touch", "anna", how="call")], NOW + timedelta(minutes=5))

    one = only(ask("jane.doe@northwind.example"))

    assert (one["kind"], one["found_by"], one["name"]) == ("person", "email", "Jane Doe")
    assert (one["lead"], one["stage"]) == ("L1", "working")
    assert one["owner"] == {"id": "anna", "name": "Anna Nowak"}
    assert one["covered_by"] is None
    assert one["next_step"] == "Respond"
    assert one["next_step_due_at"] == NOW + timedelta(minutes=15)
    assert one["last_touch"] == {"at": NOW + timedelta(minutes=5), "person": one["owner"], "kind": "call"}
    assert one["account"] is None
    assert one["territory"] == {
        "segment": "enterprise-dach",
        "description": "Companies of 1,000 people and more in Germany, Austria and Switzerland",
        "team": "dach",
        "team_name": "DACH",
        "owner": {"id": "maria", "name": "Maria Hofer"},
    }
    assert [(lead["id"], lead["owner"]["id"]) for lead in one["colleagues"]] == [("L2", "anna")]
    assert [(lead["id"], lead["outcome"], lead["owner"]["id"]) for lead in one["closed"]] == [
        ("L9", "lost", "anna")
    ]
    assert one["may_contact"] == {
        "answer": "ask",
        "ask": one["owner"],
        "because": "lead",
        "answer_words": "Ask Anna Nowak first",
        "words": "Anna Nowak is working them.",
    }


@pytest.mark.parametrize(
    ("query", "found_by"),
    [
        ("L1", "id"),
        ("JANE.DOE+news@Northwind.example", "email"),
        ("+49 30 1234567", "phone"),
        ("030 / 123 45 67", "phone"),
        ("jane", "name"),
        ("Jane D", "name"),
        ("doe", "name"),
        ("Doe, Jane", "name"),
        ("Jane Deo", "likeness"),
        ("Jame Doe", "likeness"),
    ],
)
def test_a_person_is_found(ask: Ask, send: Any, query: str, found_by: str) -> None:
    send(JANE, BOB, SAM)
    one = ask(query)["prospects"][0]
    assert (one["lead"], one["found_by"]) == ("L1", found_by)


@pytest.mark.parametrize(
    ("query", "lead_id"),
    [("mueller lued", "L2"), ("Bob Muller Ludenscheid", "L2"), ("sam ohill", "L3"), ("O’Hill", "L3")],
)
def test_names_are_found_however_they_are_spelled(ask: Ask, send: Any, query: str, lead_id: str) -> None:
    send(JANE, BOB, SAM)
    assert ask(query)["prospects"][0]["lead"] == lead_id


@pytest.mark.parametrize(
    ("query", "found_by"),
    [
        ("northwind.example", "domain"),
        ("https://www.northwind.example/about", "domain"),
        ("northw", "name"),
        ("NORTHWIND FINTECH", "name"),
        ("Nortwind", "likeness"),
    ],
)
def test_a_company_without_an_account_is_found_by_its_leads(
    ask: Ask, send: Any, query: str, found_by: str
) -> None:
    send(JANE, BOB, SAM)
    one = only(ask(query))
    assert (one["kind"], one["name"], one["found_by"]) == ("company", "Northwind Fintech GmbH", found_by)
    assert one["owner"]["id"] == "anna"
    assert [lead["id"] for lead in one["colleagues"]] == ["L1", "L2"]
    assert one["may_contact"]["because"] == "colleague"
    assert one["territory"]["segment"] == "enterprise-dach"


@pytest.mark.parametrize("query", ["helix", "helix.example", "Helix Vers", "Helix Versicherung"])
def test_an_account_is_found(ask: Ask, query: str) -> None:
    one = ask(query)["prospects"][0]
    assert (one["kind"], one["account"]["id"], one["account"]["customer"]) == ("company", "helix", True)
    assert one["may_contact"]["words"] == "They are a customer, and Carla Vogt holds the relationship."


def test_an_account_with_a_similar_name_is_found_with_the_evidence(ask: Ask) -> None:
    one = ask("Helix Versicherunk AG")["prospects"][0]
    assert (one["account"]["id"], one["found_by"]) == ("helix", "likeness")
    assert any("Helix Versicherunk AG" in line for line in one["evidence"])


def test_several_who_may_be_meant_exact_ones_first(ask: Ask, send: Any) -> None:
    send(JANE, {**BOB, "first_name": "Janeth", "last_name": "Doerr"})
    assert names(ask("jane doe")) == ["Jane Doe"]
    assert names(ask("jane")) == ["Jane Doe", "Janeth Doerr"]
    assert names(ask("jane", limit=1)) == ["Jane Doe"]


def test_the_answer_is_that_of_whoever_asks(ask: Ask, send: Any) -> None:
    send(JANE, BOB)
    by_id, by_email, by_name = (
        only(ask("L1", asker=asker))["may_contact"] for asker in ("anna", "ANNA@seller.example", "anna nowak")
    )
    assert by_id == by_email == by_name
    assert (by_id["answer"], by_id["words"]) == ("yes", "It is your lead.")
    assert only(ask("L1", asker="boris"))["may_contact"]["answer"] == "ask"
    assert only(ask("northwind.example", asker="anna"))["may_contact"]["answer"] == "yes"
    assert ask("helix.example", asker="carla")["prospects"][0]["may_contact"]["words"] == (
        "They are your customer."
    )


def test_an_unknown_asker_is_told_so(ask: Ask) -> None:
    with pytest.raises(ClueError, match="nobody of the id anno") as caught:
        ask("helix", asker="anno")
    assert caught.value.hint == "did you mean anna?"


def test_an_asker_whose_name_two_people_have_is_told_both(published: psycopg.Connection, ask: Ask) -> None:
    twin = {"name": "Anna Nowak", "role": "ae", "timezone": "Europe/Berlin", "email": "anna2@seller.example"}
    put_entry(published, "person", "anna2", twin, "test", NOW)
    with pytest.raises(ClueError, match=r"Anna Nowak \(anna\), Anna Nowak \(anna2\)") as caught:
        ask("helix", asker="anna nowak")
    assert "id" in caught.value.hint
    assert ask("helix", asker="anna2@seller.example")["asked_by"]["id"] == "anna2"


def test_an_owner_who_has_left_is_not_named(published: psycopg.Connection, ask: Ask, send: Any) -> None:
    send(JANE)
    anna = {"name": "Anna Nowak", "role": "ae", "timezone": "Europe/Berlin", "backup": "boris"}
    put_entry(published, "person", "anna", {**anna, "active": False}, "test", NOW)
    one = only(ask("L1"))
    assert one["owner"]["id"] == one["may_contact"]["ask"]["id"] == "boris"
    assert only(ask("L1", asker="boris"))["may_contact"]["answer"] == "yes"
    company = only(ask("northwind.example"))
    assert [lead["owner"] for lead in company["colleagues"]] == [None]


def test_while_the_owner_is_out_it_is_whoever_covers(
    published: psycopg.Connection, ask: Ask, send: Any
) -> None:
    send(JANE)
    go_away(published, "anna", None, "2026-03-05", "", "tester", NOW)
    one = only(ask("L1"))
    assert (one["owner"]["id"], one["covered_by"]["id"]) == ("anna", "boris")
    assert one["may_contact"]["ask"]["id"] == "boris"
    assert one["may_contact"]["words"] == (
        "Anna Nowak is working them. While they are out, Boris Keller is there for them."
    )
    assert only(ask("L1", asker="boris"))["may_contact"]["answer"] == "yes"


def test_of_two_of_one_name_the_one_who_is_worked_comes_first(ask: Ask, send: Any) -> None:
    same = {"first_name": "Henrik", "last_name": "Roth"}
    send({"id": "L1", "email": "henrik@alpha.example", **same})
    send({"id": "L2", "email": "henrik@beta.example", "signals": ["demo_request"], **same})
    found = ask("henrik roth")["prospects"]
    assert [(one["lead"], one["stage"]) for one in found] == [("L2", "assigned"), ("L1", "nurture")]
    assert found[0]["may_contact"]["answer"] == "ask"


def test_in_nurture_anybody_may_but_is_told(ask: Ask, send: Any) -> None:
    send(SAM)
    one = only(ask("sam@other.example"))
    assert (one["stage"], one["owner"]) == ("nurture", None)
    assert (one["may_contact"]["answer"], one["may_contact"]["because"]) == ("yes", "nurture")


def test_whom_the_policy_disqualifies_nobody_may(ask: Ask, send: Any) -> None:
    send({"id": "R1", "email": "a@rival-crm.example", "first_name": "A", "last_name": "Rival"})
    for query in ("R1", "rival-crm.example", "b@rival-crm.example"):
        answer = ask(query)
        for one in (*answer["prospects"], *([answer["what_if"]] if answer["what_if"] else [])):
            assert one["may_contact"]["answer"] == "no"
            assert one["may_contact"]["words"] == "The policy disqualifies them: competitor."
    assert only(ask("R1"))["closed"][0]["outcome"] is None


def test_a_closed_lead_says_who_had_it_and_leaves_the_prospect_free(
    published: psycopg.Connection, books: Rulebooks, ask: Ask, send: Any
) -> None:
    send(JANE)
    act(published, books, [Act("L1", "close", "anna", outcome="won")], NOW + timedelta(minutes=1))
    for query in ("L1", "jane.doe@northwind.example", "+49301234567", "jane doe"):
        one = only(ask(query))
        assert (one["lead"], one["stage"], one["owner"]) == ("L1", "closed", None)
        (closed,) = one["closed"]
        assert (closed["outcome"], closed["owner"]["id"]) == ("won", "anna")
        assert closed["at"] == NOW + timedelta(minutes=1)
        assert one["may_contact"]["because"] == "free"


def test_an_open_and_a_closed_lead_of_one_mailbox_are_one_person(
    published: psycopg.Connection, books: Rulebooks, ask: Ask, send: Any
) -> None:
    send(JANE)
    act(published, books, [Act("L1", "close", "anna", outcome="lost")], NOW)
    send({**JANE, "id": "L7"})
    one = only(ask("jane.doe@northwind.example"))
    assert one["lead"] == "L7"
    assert [lead["id"] for lead in one["closed"]] == ["L1"]


def test_a_contact_of_the_crm_belongs_to_the_owner_of_the_account(
    published: psycopg.Connection, ask: Ask
) -> None:
    contact = Contact("C1", "acme", "Kim", "Park", "kim@gmail.com", "+49 30 7654321",
                      email_key="kim@gmail.com", phone_key="+49307654321")  # fmt: skip
    put_contacts(published, [contact], NOW)
    for query in ("kim@gmail.com", "+49 30 7654321"):
        answer = ask(query)
        one = only(answer)
        assert (one["name"], one["lead"], one["account"]["id"]) == ("Kim Park", None, "acme")
        assert one["may_contact"]["because"] == "named_account"
        assert answer["what_if"] is None


# ---------------------------------------------------------------- who is not known


def test_somebody_unknown_has_a_territory_and_would_go_to_somebody(ask: Ask) -> None:
    answer = ask(
        "new@unknown.example", facts={"country": "Germany", "employees": "1,200", "industry": "fintech"}
    )
    assert answer["prospects"] == []
    found = answer["what_if"]
    assert found["territory"]["segment"] == "enterprise-dach"
    assert found["may_contact"]["because"] == "unknown"
    cold, hot = found["would"]
    assert (cold["signal"], cold["destination"], cold["owner"]) == (None, "program:nurture-watched", None)
    assert (hot["signal"], hot["destination"], hot["owner"]["id"]) == (
        "demo_request",
        "pool:senior-ae",
        "anna",
    )
    assert hot["respond_within"] == "15 business minutes"
    assert hot["reasons"]


def test_the_answer_is_what_routing_does(ask: Ask, send: Any, published: psycopg.Connection) -> None:
    facts = {"country": "DE", "employees": 1200, "industry": "fintech", "signals": ["demo_request"]}
    for number in range(6):
        (would,) = ask(f"p{number}@new-{number}.example", facts=facts)["what_if"]["would"]
        send({"id": f"N{number}", "email": f"p{number}@new-{number}.example", **facts})
        row = published.execute("SELECT owner, route FROM leads WHERE id = %s", [f"N{number}"]).fetchone()
        assert row == (would["owner"]["id"], would["route"])


def test_asking_writes_nothing(ask: Ask, send: Any, published: psycopg.Connection) -> None:
    send(JANE, BOB, SAM)
    tables = ("batches", "decisions", "leads", "ledgers", "loads", "timeline", "outbox", "accounts")
    state = [published.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables]
    last = published.execute("SELECT last_value FROM batch_ids").fetchone()
    published.execute("SET default_transaction_read_only = on")
    for query in ("jane", "new@unknown.example", "new@northwind.example", "Nobody AG", "helix", "+49 30 1"):
        ask(query, facts={"signals": ["demo_request"], "country": "DE"})
    assert state == [published.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables]
    assert published.execute("SELECT last_value FROM batch_ids").fetchone() == last


def test_somebody_new_at_a_known_company_would_go_to_whoever_has_it(ask: Ask, send: Any) -> None:
    send(JANE)
    at_northwind = ask("new@northwind.example")
    assert names(at_northwind) == ["Northwind Fintech GmbH"]
    assert at_northwind["what_if"]["relationship"] == "open_lead"
    assert at_northwind["what_if"]["territory"]["segment"] == "enterprise-dach"
    assert [would["owner"]["id"] for would in at_northwind["what_if"]["would"]] == ["anna"]
    assert ask("new@helix.example")["what_if"]["would"][0]["owner"]["id"] == "carla"


def test_a_free_mail_address_has_no_company(ask: Ask) -> None:
    answer = ask("somebody@gmail.com")
    assert answer["prospects"] == []
    assert answer["what_if"]["relationship"] == "none"


def test_named_clues_are_taken_together(ask: Ask, send: Any) -> None:
    send(JANE, SAM)
    answer = ask(email="nobody@other.example", company="Northwind Fin", phone="030 1234567")
    assert names(answer) == ["Società Altra S.p.A.", "Jane Doe", "Northwind Fintech GmbH"]


# ---------------------------------------------------------------- bad queries


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "At least 2 characters"),
        ("  ", "At least 2 characters"),
        ("x", "At least 2 characters"),
        ("--", "a letter or a digit"),
        ("😀😀😀", "a letter or a digit"),
        ("x" * 10_000, "at most 200"),
        ("a\x00b", "control characters"),
        ("a\nb", "single line"),
        ("a\ud800b", "control characters"),
    ],
)
def test_what_is_no_query_is_told_so(ask: Ask, query: str, says: str) -> None:
    with pytest.raises(ClueError, match=says) as caught:
        ask(query)
    assert caught.value.what == "q"


def test_nothing_asked_is_no_query(ask: Ask) -> None:
    with pytest.raises(ClueError):
        ask()


@pytest.mark.parametrize(
    ("clue", "says"),
    [
        ({"email": "jane"}, "no e-mail address"),
        ({"domain": "no domain"}, "no domain"),
        ({"phone": "12a"}, "no phone number"),
        ({"company": "c"}, "At least 2"),
    ],
)
def test_what_is_not_what_it_is_called_is_told_so(ask: Ask, clue: dict[str, str], says: str) -> None:
    with pytest.raises(ClueError, match=says) as caught:
        ask(**clue)
    assert caught.value.what == next(iter(clue))


@pytest.mark.parametrize(
    "query",
    ["jane@", "jane.doe@north", "@north", "%%%a", "a_%", "'; DROP TABLE leads; --", "http://[::1", "..a..",
     "123456789012345678901234567890", "ß", "ﷺﷺ", "a.b", "+++ 1234567", "x" * 200],
)  # fmt: skip
def test_odd_queries_have_answers(ask: Ask, send: Any, query: str) -> None:
    send(JANE)
    if query == "ß":
        query = "ßß"
    assert set(ask(query)) == {"asked_by", "prospects", "what_if"}


def test_names_of_any_length_are_stored_and_found(ask: Ask, send: Any) -> None:
    long = "\ufdfa" * 900
    send({"id": "L8", "email": "a@long.example", "first_name": long, "last_name": long, "company": long})
    send({"id": "L9", "email": "b@other.example", "company": "…", "first_name": "-", "last_name": "'"})
    assert {one["kind"] for one in ask("\ufdfa" * 3)["prospects"]} == {"person", "company"}
    assert only(ask("b@other.example"))["lead"] == "L9"


@pytest.mark.parametrize("facts", [{"country": "Atlantis"}, {"employes": "7"}, {"employees": "many"}])
def test_bad_facts_are_told(ask: Ask, facts: dict[str, str]) -> None:
    with pytest.raises(FactsError) as caught:
        ask("helix", facts=facts)
    assert [one.field for one in caught.value.problems] == list(facts)


# ---------------------------------------------------------------- the rest


def test_territories_are_all_segments_in_order(published: psycopg.Connection, books: Rulebooks) -> None:
    found = territories(books.current(published))
    assert [one["segment"] for one in found] == ["enterprise-dach", "dach", "cee", "south", "rest"]
    assert [one["owner"]["id"] for one in found if one["owner"]] == [
        "maria",
        "maria",
        "maria",
        "marco",
        "marco",
    ]


def test_the_words_are_in_the_language_of_the_context(ask: Ask, send: Any) -> None:
    send(JANE)
    with i18n.language("pl"):
        assert only(ask("L1"))["may_contact"]["answer"] == "ask"


def test_a_company_with_many_leads_is_told_in_short(ask: Ask, send: Any) -> None:
    letters = "abcdefghijkl"
    jane = {name: value for name, value in JANE.items() if name != "phone"}
    send(*({**jane, "id": f"M{n}", "email": f"{n}@northwind.example", "first_name": n} for n in letters))
    one = only(ask("northwind.example"))
    assert [lead["id"] for lead in one["colleagues"]] == ["Ma", "Mb", "Mc", "Md", "Me"]


def test_an_account_with_several_domains_is_one_company(
    published: psycopg.Connection, ask: Ask, send: Any
) -> None:
    put_accounts(
        published, [Account("multi", "Multi SE", ("multi.example", "multi-lab.example"), owner="boris")], NOW
    )
    send({**JANE, "email": "jo@multi-lab.example", "company": "Multi Lab"})
    one = only(ask("multi.example"))
    assert one["account"]["id"] == "multi"
    assert [lead["id"] for lead in one["colleagues"]] == ["L1"]

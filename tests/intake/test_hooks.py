"""Mappings of webhooks: what they make of what senders send, what they refuse, and what they keep."""

from __future__ import annotations

from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.core.facts import LEAD_FIELDS
from leadlane.intake.hooks import (
    HookPart,
    MappedLead,
    delivery_id,
    is_from_a_program,
    leads_in,
    load_hook,
    map_lead,
    read_body,
    read_hook,
)
from leadlane.intake.problems import BadValueError

MAPPINGS = files("leadlane") / "reference" / "hooks"
PARTS = "multipart/form-data; boundary=B"
HEAD = "hook: form\nsignature: {scheme: header}\n"


def reference(name: str) -> HookPart:
    return load_hook((MAPPINGS / f"{name}.yaml").read_bytes(), name)


def mapped(hook: HookPart, sent: Any) -> MappedLead:
    lead, problems = map_lead(hook, sent)
    assert problems == []
    assert lead is not None
    return lead


def fields(yaml: str, sent: Any) -> dict[str, object]:
    """What `fields` written as YAML make of what was sent."""
    lead = mapped(load_hook(HEAD + "fields: " + yaml), sent)
    return {name: value for name, value in lead.raw.items() if name != "signals"}


# ---------------------------------------------------------------- the senders


def answer(kind: str, ref: str, **value: Any) -> dict[str, Any]:
    return {"type": kind, **value, "field": {"id": "q", "type": kind, "ref": ref}}


SENDERS: dict[str, tuple[Any, dict[str, object], list[object]]] = {
    "typeform": (
        {
            "event_id": "01H", "event_type": "form_response",
            "form_response": {
                "form_id": "f1", "submitted_at": "2026-03-02T10:00:00Z",
                "hidden": {"utm_campaign": "spring"},
                "answers": [
                    answer("text", "first_name", text="Ada"),
                    answer("text", "last_name", text="Nowak"),
                    answer("email", "mail", email="ada@northwind.example"),
                    answer("phone_number", "tel", phone_number="+48225550100"),
                    answer("choice", "company_size", choice={"label": "51-200"}),
                ],
            },
        },
        {
            "email": "ada@northwind.example", "first_name": "Ada", "last_name": "Nowak",
            "phone": "+48225550100", "employees": "51-200", "campaign": "spring", "source": "typeform",
        },
        [{"name": "demo_request", "at": "2026-03-02T10:00:00Z"}],
    ),
    "webflow": (
        {
            "triggerType": "form_submission",
            "payload": {
                "name": "Contact", "id": "s1", "submittedAt": "2026-03-02T10:00:00.000Z",
                "data": {"Name": "Ada Maria Nowak", "Email": "ada@northwind.example", "Budget": "10k"},
            },
        },
        {
            "email": "ada@northwind.example", "first_name": "Ada Maria", "last_name": "Nowak",
            "source": "website",
        },
        [{"name": "contact_sales_form", "at": "2026-03-02T10:00:00.000Z"}],
    ),
    "calendly": (
        {
            "event": "invitee.created", "created_at": "2026-03-02T10:00:00Z",
            "payload": {
                "uri": "https://api.calendly.com/scheduled_events/E/invitees/I",
                "email": "ada@northwind.example", "name": "Ada Nowak", "first_name": None, "last_name": None,
                "questions_and_answers": [{"question": "Your company", "answer": "Northwind", "position": 0}],
                "tracking": {"utm_campaign": None},
            },
        },
        {
            "email": "ada@northwind.example", "first_name": "Ada", "last_name": "Nowak",
            "company": "Northwind", "source": "calendly",
        },
        [{"name": "demo_request", "at": "2026-03-02T10:00:00Z"}],
    ),
    "hubspot_forms": (
        {"properties": {"email": {"value": "ada@northwind.example"}, "firstname": {"value": "Ada"}}},
        {"email": "ada@northwind.example", "first_name": "Ada", "source": "hubspot"},
        ["contact_sales_form"],
    ),
    "linkedin_lead_gen": (
        {
            "id": "r1", "submittedAt": 1772445600000,
            "formResponse": {
                "answers": [
                    {"name": name, "answerDetails": {"textQuestionAnswer": {"answer": text}}}
                    for name, text in (("EMAIL", "ada@northwind.example"), ("JOB_TITLE", "CFO"))
                ]
            },
        },
        {"email": "ada@northwind.example", "title": "CFO", "source": "linkedin"},
        [{"name": "content_download", "at": 1772445600000}],
    ),
    "meta_lead_ads": (
        {
            "id": "77", "created_time": "2026-03-02T10:00:00+0000",
            "field_data": [
                {"name": "email", "values": ["ada@northwind.example"]},
                {"name": "full_name", "values": ["Ada Nowak"]},
            ],
        },
        {"email": "ada@northwind.example", "first_name": "Ada", "last_name": "Nowak", "source": "meta"},
        [{"name": "content_download", "at": "2026-03-02T10:00:00+0000"}],
    ),
    "plain_form": (
        {"e-mail": "ada@northwind.example", "name": "Ada", "comments": "Hello", "fax": "", "colour": "red"},
        {"email": "ada@northwind.example", "first_name": "Ada", "message": "Hello", "source": "website"},
        ["contact_sales_form"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SENDERS)
def test_the_mappings_that_come_with_leadlane(name: str) -> None:
    sent, expected, signals = SENDERS[name]
    hook, problems = read_hook((MAPPINGS / f"{name}.yaml").read_bytes(), name, LEAD_FIELDS)
    assert hook is not None
    assert problems == []
    (one,) = leads_in(hook, sent)
    lead = mapped(hook, one)
    assert lead.raw == {**expected, "signals": signals}


def test_every_mapping_that_comes_with_leadlane_is_tried() -> None:
    assert {path.name.removesuffix(".yaml") for path in MAPPINGS.iterdir()} == set(SENDERS)


def test_the_mapping_of_the_documentation_is_one() -> None:
    text = (Path(__file__).parents[2] / "docs" / "hooks.md").read_text(encoding="utf-8")
    hook, problems = read_hook(text.split("```yaml\n")[1].split("```")[0], "hooks.md", LEAD_FIELDS)
    assert hook is not None
    assert problems == []
    sent, expected, signals = SENDERS["typeform"]
    assert mapped(hook, sent).raw == {"email": expected["email"], "source": "website", "signals": signals}


def test_meta_sends_several_and_only_the_id_of_each() -> None:
    hook = reference("meta_lead_ads")
    change = {"field": "leadgen", "value": {"leadgen_id": "1", "form_id": "2"}}
    sent = {
        "object": "page",
        "entry": [{"id": "p", "changes": [change, {"field": "feed", "value": {}}, change]}],
    }
    found = leads_in(hook, sent)
    assert [one["leadgen_id"] for one in found] == ["1", "1"]
    lead, problems = map_lead(hook, found[0])
    assert lead is None
    assert "none of the paths" in problems[0].reason


def test_what_is_no_lead_is_left_alone() -> None:
    assert leads_in(reference("calendly"), {"event": "invitee.canceled"}) == []


# ---------------------------------------------------------------- values


def test_the_first_source_with_a_value_counts() -> None:
    yaml = "{email: [a.mail, a.email, {value: nobody@x.example}], source: {value: web}, title: t}"
    assert fields(yaml, {"a": {"mail": "", "email": "x@y.example"}, "t": 1})["email"] == "x@y.example"
    assert fields(yaml, {"t": 1})["email"] == "nobody@x.example"


def test_values_are_translated() -> None:
    yaml = "{referral: {path: r, values: {VIP: vip, 'true': executive}, otherwise: other}, email: e}"
    for sent, meant in (
        (" vip ", "vip"),
        (True, "executive"),
        ("x", "other"),
        (["VIP", "x"], ["vip", "other"]),
    ):
        assert fields(yaml, {"r": sent, "e": "e"})["referral"] == meant
    assert "referral" not in fields(yaml, {"r": "", "e": "e"})
    assert fields("{referral: {path: r, values: {a: b}}}", {"r": "z"}) == {"referral": "z"}


def test_a_list_of_one_is_that_one() -> None:
    assert fields("{email: 'a[*].e', tech_stack: t}", {"a": [{"e": "x"}], "t": ["p", "q"]}) == {
        "email": "x",
        "tech_stack": ["p", "q"],
    }


def test_signals_may_be_named_timed_and_depend_on_what_was_sent() -> None:
    hook = load_hook(
        HEAD
        + "fields: {email: e}\nsignals:\n"
        + "  - demo_request\n  - {name: webinar_attendance, when: webinar, at: when}\n"
        + "  - {name: {path: kinds, values: {dl: content_download}}}\n"
    )
    sent = {"e": "x", "webinar": True, "when": "2026-03-02", "kinds": ["dl", "other"]}
    assert mapped(hook, sent).raw["signals"] == [
        "demo_request",
        {"name": "webinar_attendance", "at": "2026-03-02"},
        "content_download",
        "other",
    ]
    assert mapped(hook, {"e": "x"}).raw["signals"] == ["demo_request"]


def test_what_no_field_was_made_of_is_kept() -> None:
    hook = load_hook(HEAD + "fields: {email: p.email, title: {path: p.t, values: {a: b}}, city: 'c[0]'}")
    sent = {"p": {"email": "x", "t": "a", "utm": "z"}, "c": ["Rome"], "n": None, "id": 7}
    assert mapped(hook, sent).extra == {"p": {"t": "a", "utm": "z"}, "c": ["Rome"], "id": 7}
    assert sent["p"] == {"email": "x", "t": "a", "utm": "z"}
    assert mapped(load_hook(HEAD + "fields: {email: '@'}"), "x@y.example").extra == {"sent": "x@y.example"}


def test_constants_alone_are_no_lead() -> None:
    lead, problems = map_lead(load_hook(HEAD + "fields: {email: e, source: {value: web}}"), {"x": 1})
    assert lead is None
    assert [problem.reason for problem in problems] == ["none of the paths of the mapping leads to a value"]


def test_a_path_that_cannot_be_answered_says_so() -> None:
    lead, problems = map_lead(load_hook(HEAD + "fields: {email: 'join(`-`, e)', title: t}"), {"e": 1, "t": 2})
    assert lead is None
    assert problems[0].field == "email"
    assert "join" in problems[0].reason
    with pytest.raises(BadValueError, match="no list of leads at items"):
        leads_in(load_hook(HEAD + "leads: items\nfields: {email: e}"), {"items": 3})


def test_the_id_of_a_delivery() -> None:
    hook = load_hook(HEAD + "delivery_id: [a.id, b]\nfields: {email: e}")
    assert delivery_id(hook, {"a": {"id": 7}}) == "7"
    assert delivery_id(hook, {"a": {"id": ""}, "b": "x"}) == "x"
    assert delivery_id(hook, {"b": {"no": "id"}}) is None


def test_a_trap_for_programs() -> None:
    hook = reference("plain_form")
    assert is_from_a_program(hook, {"fax": "1"})
    assert not is_from_a_program(hook, {"fax": ""})
    assert not is_from_a_program(hook, ["fax"])


# ---------------------------------------------------------------- bodies


def test_forms_and_json_are_read_alike() -> None:
    expected = {"email": "ada@x.example", "name": "Zoë & Co", "topic": ["a", "b"], "note": ""}
    form = b"email=ada%40x.example&name=Zo%C3%AB+%26+Co&topic=a&topic=b&note="
    assert read_body(form, "application/x-www-form-urlencoded; charset=UTF-8") == expected
    parts = b"".join(
        b'--B\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in (
            (b"email", b"ada@x.example"), (b"name", "Zoë & Co".encode()), (b"topic", b"a"), (b"topic", b"b"),
            (b"note", b""),
        )
    )  # fmt: skip
    assert read_body(parts + b"--B--\r\n", PARTS) == expected
    assert read_body(b"\xef\xbb\xbf" + orjson.dumps(expected), "application/json") == expected


def test_of_a_file_its_name_is_kept() -> None:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="plan"; filename="plan.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n%PDF\xff\x00\r\n--B--\r\n"
    )
    assert read_body(body, PARTS) == {"plan": "plan.pdf"}
    assert read_body(body.replace(b"plan.pdf", b"p\xff.pdf"), PARTS) == {"plan": "p\ufffd.pdf"}


def test_control_characters_become_spaces() -> None:
    sent = b'{"a\\u0000": ["\\u0000b\\u009b", {"c": "1\\n2\\t3\\u000b4"}]}'
    assert read_body(sent, "application/json") == {"a ": [" b ", {"c": "1\n2\t3 4"}]}
    assert read_body(b"a=%00b", "application/x-www-form-urlencoded") == {"a": " b"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"", ""),
        (b"a=%ff", "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _n in range(1_001)), "application/x-www-form-urlencoded"),
        (b"nothing", PARTS),
        (b"nothing", "multipart/form-data"),
        (b"[" * 60 + b"]" * 60, "application/json"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "application/json"),
        (
            b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--B--',
            PARTS,
        ),
    ],
)
def test_bodies_that_cannot_be_read_say_why(body: bytes, kind: str) -> None:
    with pytest.raises(BadValueError):
        read_body(body, kind)


@given(st.binary(max_size=200), st.sampled_from(["application/json", PARTS, "x=/;"]))
def test_whatever_comes_is_read_or_refused(body: bytes, kind: str) -> None:
    with suppress(BadValueError):
        orjson.dumps(read_body(body, kind))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abef"), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_whatever_is_sent_nothing_escapes_and_nothing_is_lost(sent: Any) -> None:
    hook = load_hook(HEAD + "fields: {email: a.b, title: [e, f], city: {path: a.e, part: last}}\nwhen: '@'")
    for one in leads_in(hook, sent):
        lead, problems = map_lead(hook, one)
        assert (lead is None) == bool(problems)
        if lead is not None and isinstance(one, dict):
            told = orjson.dumps([lead.raw, lead.extra]).decode()
            assert all(orjson.dumps(text).decode() in told for text in _texts(one))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for one in inner for text in _texts(one)]


# ---------------------------------------------------------------- mistakes in mappings

MISTAKES = """\
hook: Bad Name
signature: {scheme: typform}
delivery_id: a..b
when: foo(a)
feilds: {}
fields:
  email: First Name
  company: {}
  title: {path: x, value: y}
  city: [a, 3]
signals: [{nam: x}]
form: {redirect: "javascript:alert(1)"}
"""


def test_every_mistake_has_its_place() -> None:
    hook, problems = read_hook(MISTAKES, "m.yaml")
    assert hook is None
    assert [(one.line, one.column, one.path) for one in problems] == [
        (1, 7, "hook"),
        (2, 21, "signature.scheme"),
        (3, 14, "delivery_id[0]"),
        (4, 7, "when"),
        (5, 1, "feilds"),
        (7, 10, "fields.email[0].path"),
        (8, 12, "fields.company[0]"),
        (9, 10, "fields.title[0]"),
        (10, 13, "fields.city[1]"),
        (11, 11, "signals[0]"),
        (11, 12, "signals[0].nam"),
        (12, 18, "form.redirect"),
    ]
    said = {one.path: one.suggestion for one in problems}
    assert said["signature.scheme"] == "typeform"
    assert said["fields.email[0].path"] == "'\"First Name\"'"
    assert said["when"] == "floor"


def test_a_field_that_the_policy_lacks_is_a_warning() -> None:
    hook, problems = read_hook(HEAD + "fields: {emial: a, id: b, email: c}", "m.yaml", LEAD_FIELDS)
    assert hook is not None
    assert [(one.severity, one.path, one.suggestion) for one in problems] == [
        ("warning", "fields.emial", "email")
    ]


@pytest.mark.parametrize("text", ["", "- a", "a: [", HEAD + "fields: {}", HEAD + "fields: {signals: a}"])
def test_what_is_no_mapping(text: str) -> None:
    hook, problems = read_hook(text)
    assert hook is None
    assert problems


@given(st.text(alphabet="abhk:[]{}'\"?*@|&. \n-", max_size=60))
def test_whatever_a_path_says_it_is_read_or_refused(path: str) -> None:
    hook, problems = read_hook(
        orjson.dumps({"hook": "a", "signature": {"scheme": "meta"}, "fields": {"email": path}})
    )
    assert (hook is None) == bool(problems)
    if hook is not None:
        map_lead(hook, {"a": {"b": [1, "x"]}, "h": None})

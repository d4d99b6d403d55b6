"""What people write is read as they mean it, or refused with a reason; never guessed."""

from contextlib import suppress
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadlane.core.facts import LEAD_FIELDS, FieldSpec
from leadlane.intake.dates import day_first_of
from leadlane.intake.numbers import decimal_mark
from leadlane.intake.problems import BadValueError
from leadlane.intake.values import Reading, read_moment, read_value

NUMBER = FieldSpec("score", "number")
DATE = FieldSpec("renewal", "date")
TAGS = LEAD_FIELDS["tech_stack"]
PLAN = FieldSpec("plan", "choice", ("Starter", "Enterprise"))


def refused(spec: FieldSpec, raw: object, reading: Reading = Reading()) -> str:
    with pytest.raises(BadValueError) as caught:
        read_value(spec, raw, reading)
    return f"{caught.value.reason} ({caught.value.suggestion})"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("12", 12),
        ("12.0", 12),
        ("12.5", 12.5),
        ("12,5", 12.5),
        ("1,000.50", 1000.5),
        ("1.000,50", 1000.5),
        ("1 000,50", 1000.5),
        ("1\u00a0000,50", 1000.5),
        ("1\u202f000", 1000),
        ("1'000'000.50", 1_000_000.5),
        ("1.000.000", 1_000_000),
        ("1,000,000", 1_000_000),
        ("0.125", 0.125),
        ("1234.567", 1234.567),
        ("€ 10,000", 10_000),
        ("12,50 zł", 12.5),
        ("-5", -5),
        ("10k", 10_000),
        ("1,5k", 1500),
        ("1.2M", 1_200_000),
        ("2 mln", 2_000_000),
        ("n/a", None),
        ("", None),
        (7, 7),
        (7.0, 7),
        (7.25, 7.25),
    ],
)
def test_numbers(raw: object, value: float | None) -> None:
    read = read_value(NUMBER, raw)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "1,000",
            "1.000",
            "1,2,3",
            "1,00,000",
            "12.",
            "1.5k.2",
            "1.000k",
            "NaN",
            "inf",
            "1e5",
            "(5)",
            "10 apples",
        ),
        *("abc", "9" * 16, "9" * 5000, "1.000,000,5", True, [], {}, float("nan"), float("inf"), 10**400),
    ],
)
def test_numbers_that_are_none_or_two(raw: object) -> None:
    assert refused(NUMBER, raw)


def test_an_ambiguous_number_names_both_meanings() -> None:
    reason = refused(NUMBER, "1.250")
    assert "1250" in reason
    assert "1.25" in reason


def test_a_known_decimal_mark_settles_it() -> None:
    assert read_value(NUMBER, "1.250", Reading(decimal=",")) == 1250
    assert read_value(NUMBER, "1.250", Reading(decimal=".")) == 1.25
    assert read_value(NUMBER, "1,250", Reading(decimal=",")) == 1.25


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["1.000", "12,50"], ","),
        (["1,000", "12.5"], "."),
        (["1.000.000"], ","),
        (["1,000,000"], "."),
        (["1.000", "2.000"], None),
        (["12,5", "12.5"], None),
        (["", "x"], None),
    ],
)
def test_a_column_can_prove_its_decimal_mark(texts: list[str], mark: str | None) -> None:
    assert decimal_mark(texts) == mark


@given(st.integers(-(10**12), 10**12), st.sampled_from([".,", ",.", " ,", " .", "'."]))
def test_a_formatted_number_is_read_back(cents: int, marks: str) -> None:
    text = f"{cents / 100:,.2f}".translate(str.maketrans({",": marks[0], ".": marks[1]}))
    assert read_value(NUMBER, text) == cents / 100


def test_money() -> None:
    deal = LEAD_FIELDS["deal_value"]
    assert read_value(deal, "50,000") == 50_000
    assert read_value(deal, "EUR 50,000", Reading(currency="EUR")) == 50_000
    assert read_value(deal, "50.000,00 €", Reading(currency="EUR")) == 50_000
    assert "50" in refused(deal, "50.000")
    assert "EUR" in refused(deal, "$50,000", Reading(currency="EUR"))
    assert "EUR" in refused(deal, "50 000 PLN", Reading(currency="EUR"))
    assert refused(deal, "-1")
    assert refused(deal, -1)


@pytest.mark.parametrize(
    ("raw", "people"),
    [
        ("1,000", 1000),
        ("1.000", 1000),
        ("250", 250),
        ("250.0", 250),
        ("51-200", 51),
        ("201–500 employees", 201),
        ("5001-10,000", 5001),
        ("1 to 10", 1),
        ("10,000+", 10_000),
        ("10K+", 10_000),
        (">1000", 1000),
        (12, 12),
        ("-", None),
    ],
)
def test_employees(raw: object, people: int | None) -> None:
    assert read_value(LEAD_FIELDS["employees"], raw) == people


@pytest.mark.parametrize("raw", ["<50", "12.5", 12.5, "200-50", "-5", -5, "many", True, "Nov-50", "9" * 20])
def test_employees_refused(raw: object) -> None:
    assert refused(LEAD_FIELDS["employees"], raw)


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        *(
            (raw, date(2026, 3, 2))
            for raw in ("2026-03-02", "2026/3/2", "20260302", "02.03.2026", "2.3.2026")
        ),
        *(
            (raw, date(2026, 3, 2))
            for raw in ("2 Mar 2026", "March 2nd, 2026", "2. März 2026", "2 marca 2026")
        ),
        *((raw, date(2026, 3, 2)) for raw in ("2-mar-2026",)),
        ("2026-03-02T10:00+01:00", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("13/02/2026", date(2026, 2, 13)),
        ("02/13/2026", date(2026, 2, 13)),
        ("03/03/2026", date(2026, 3, 3)),
        ("", None),
    ],
)
def test_dates(raw: str, day: date | None) -> None:
    assert read_value(DATE, raw) == day


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "03/02/2026",
            "31.02.2026",
            "2026-13-01",
            "02.03.26",
            "46083",
            "2026-03",
            "tomorrow",
            "2 Foo 2026",
            20260302,
        ),
        *("x" * 100, "9" * 100_000, True),
    ],
)
def test_dates_nobody_can_read(raw: object) -> None:
    assert refused(DATE, raw)


def test_an_ambiguous_date_names_both_and_a_hint_settles_it() -> None:
    reason = refused(DATE, "03/02/2026")
    assert "2026-02-03" in reason
    assert "2026-03-02" in reason
    assert read_value(DATE, "03/02/2026", Reading(day_first=True)) == date(2026, 2, 3)
    assert read_value(DATE, "03/02/2026", Reading(day_first=False)) == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (["03/02/2026", "13/02/2026"], True),
        (["1/2/2026", "1/31/2026"], False),
        (["1/2/2026", "13.02.2026"], None),
    ],
)
def test_a_column_can_prove_its_order(texts: list[str], first: bool | None) -> None:
    assert day_first_of(texts) is first


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-03-02T10:00Z", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("2026-03-02T10:00:00+02:00", datetime(2026, 3, 2, 8, tzinfo=UTC)),
        ("2026-03-02 10:00", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-07-02 10:00", datetime(2026, 7, 2, 8, tzinfo=UTC)),
        ("02.03.2026 10:00", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("3/13/2026, 10:05 PM", datetime(2026, 3, 13, 21, 5, tzinfo=UTC)),
        ("3/13/2026 12:05 am", datetime(2026, 3, 12, 23, 5, tzinfo=UTC)),
        ("2026-03-02 10:00:00 UTC", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 1, 23, tzinfo=UTC)),
        ("1767225600000", datetime(2026, 1, 1, tzinfo=UTC)),
        (1767225600, datetime(2026, 1, 1, tzinfo=UTC)),
        ("", None),
    ],
)
def test_moments(raw: object, moment: datetime | None) -> None:
    assert read_moment(raw, Reading(ZoneInfo("Europe/Berlin"))) == moment


@pytest.mark.parametrize(
    "raw", ["2026-03-02 25:00", "10:00", "13 PM", "0001-01-01", True, 5, [], float("nan")]
)
def test_moments_nobody_can_read(raw: object) -> None:
    with pytest.raises(BadValueError):
        read_moment(raw, Reading(ZoneInfo("Asia/Tokyo")))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("yes", True),
        ("TRUE", True),
        ("1", True),
        (1, True),
        ("No", False),
        ("0", False),
        (False, False),
        ("", None),
    ],
)
def test_booleans(raw: object, value: bool | None) -> None:
    assert read_value(FieldSpec("agreed", "boolean"), raw) is value


def test_what_is_neither_yes_nor_no() -> None:
    assert refused(FieldSpec("agreed", "boolean"), "perhaps")
    assert refused(FieldSpec("agreed", "boolean"), 2)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("salesforce;hubspot", ("salesforce", "hubspot")),
        ("a | b, c", ("a", "b, c")),
        ("Acme, Inc; b", ("Acme, Inc", "b")),
        ("a,b,,A", ("a", "b")),
        (["x", " y ", ""], ("x", "y")),
        ("one", ("one",)),
        (" ; ", None),
        ([], None),
    ],
)
def test_tags(raw: object, value: tuple[str, ...] | None) -> None:
    assert read_value(TAGS, raw) == value


def test_tags_refused() -> None:
    assert refused(TAGS, [["nested"]])
    assert refused(TAGS, ",".join(map(str, range(101))))
    assert refused(TAGS, {"a": 1})


def test_choice() -> None:
    assert read_value(PLAN, " enterprise ") == "Enterprise"
    assert read_value(PLAN, "n/a") is None
    reason = refused(PLAN, "Enterprize")
    assert "Starter, Enterprise" in reason
    assert "did you mean Enterprise?" in reason


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        *((raw, "DE") for raw in ("DE", "de", "DEU", "Germany", "Deutschland", "Niemcy", "GERMANIA")),
        *((raw, "GB") for raw in ("UK", "United Kingdom", "Great Britain", "England", "GBR")),
        *((raw, "US") for raw in ("USA", "United States of America", "U.S.A.", "Stati Uniti")),
        *((raw, "PL") for raw in ("Polska", "Polonia", "poland")),
        ("NO", "NO"),
        ("NA", "NA"),
        ("Côte d’Ivoire", "CI"),
        ("n/a", None),
    ],
)
def test_countries(raw: str, code: str | None) -> None:
    assert read_value(LEAD_FIELDS["country"], raw) == code


def test_what_is_no_country() -> None:
    assert "did you mean Germany?" in refused(LEAD_FIELDS["country"], "Germny")
    assert refused(LEAD_FIELDS["country"], "EU")
    assert refused(LEAD_FIELDS["country"], "ZZ")
    assert refused(LEAD_FIELDS["country"], 49)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        *(
            (raw, "de")
            for raw in ("de", "DE", "de-DE", "de_AT", "deu", "ger", "German", "Deutsch", "niemiecki")
        ),
        ("English (US)", "en"),
        ("Chinese (Simplified)", "zh"),
    ],
)
def test_languages(raw: str, code: str) -> None:
    assert read_value(LEAD_FIELDS["language"], raw) == code


def test_what_is_no_language() -> None:
    assert refused(LEAD_FIELDS["language"], "xx")


@pytest.mark.parametrize(
    "raw",
    [
        "Jane.Doe+x@Northwind.example",
        "a@b.test",
        "o'neil@sub.northwind.co.uk",
        "jörg@bücher.example",
        "a@xn--bcher-kva.de",
    ],
)
def test_emails_are_kept_as_given(raw: str) -> None:
    assert read_value(LEAD_FIELDS["email"], f" \u200e{raw}\u00a0") == raw


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "jane",
            "jane@",
            "@b.example",
            "a@b",
            "a@b..example",
            ".a@b.example",
            "a b@c.example",
            "a@b.example; c@d.example",
        ),
        *(
            "Jane <a@b.example>",
            "a@-b.example",
            "a@b_c.example",
            "a" * 65 + "@b.example",
            5,
            "a@b.example\n"[:-1] + "\nx",
        ),
    ],
)
def test_what_is_no_email(raw: object) -> None:
    assert refused(LEAD_FIELDS["email"], raw)


def test_company_domain() -> None:
    spec = LEAD_FIELDS["company_domain"]
    assert read_value(spec, "https://www.Northwind.com/about") == "northwind.com"
    assert read_value(spec, "@northwind.co.uk") == "northwind.co.uk"
    # Somebody's page there is not the company that runs the site; it is kept as it came.
    assert read_value(spec, "LinkedIn.com/company/northwind") == "LinkedIn.com/company/northwind"
    assert read_value(spec, "https://www.linkedin.com/") == "linkedin.com"
    assert read_value(spec, "bücher.example") == "xn--bcher-kva.example"
    for raw in ("northwind", "a b.com", "http://[::1", "10.0.0.1", "-a.com"):
        assert refused(spec, raw)


def test_texts() -> None:
    company, message = LEAD_FIELDS["company"], LEAD_FIELDS["message"]
    assert read_value(company, "  Cafe\u0301 GmbH ") == "Café GmbH"
    assert read_value(company, "שלום") == "שלום"
    assert read_value(company, "👩‍👩‍👧 Ltd") == "👩‍👩‍👧 Ltd"
    assert read_value(company, 360) == "360"
    assert read_value(company, "   ") is None
    assert read_value(company, "\ufeff") is None
    assert read_value(message, "one\r\ntwo\tthree") == "one\ntwo\tthree"
    assert read_value(FieldSpec("notes", "text"), "one\ntwo") == "one\ntwo"
    assert len(str(read_value(message, "x" * 10_000))) == 10_000


@pytest.mark.parametrize(
    "raw", ["a\0b", "a\x1bb", "a\x7fb", "é\ud800", "two\nlines", "x" * 1001, "x" * 10_000_000, True, [], {}]
)
def test_texts_refused(raw: object) -> None:
    assert refused(LEAD_FIELDS["company"], raw)


def test_the_place_of_a_control_character_is_named() -> None:
    assert "U+0000 at position 3" in refused(LEAD_FIELDS["message"], "ab\0")


@given(st.sampled_from([*LEAD_FIELDS.values(), NUMBER, DATE, PLAN]), st.text(max_size=80))
def test_any_text_is_read_or_refused(spec: FieldSpec, text: str) -> None:
    with suppress(BadValueError):
        read_value(spec, text)


@given(
    st.sampled_from([*LEAD_FIELDS.values(), NUMBER, DATE, PLAN]),
    st.text("0123456789.,-/: kKmM€$+TZ'\u00a0", max_size=30),
)
def test_anything_like_a_number_or_date_is_read_or_refused(spec: FieldSpec, text: str) -> None:
    with suppress(BadValueError):
        read_value(spec, text)

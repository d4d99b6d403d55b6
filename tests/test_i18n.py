"""Languages: the right text and the right plural for each reader, and no text left without a translation."""

import re
import runpy
import string
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from jinja2 import TemplateSyntaxError

from leadlane import i18n
from leadlane.i18n import _, available_languages, catalogue_path, current_language, language, ngettext

TOOL = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "messages.py"))
extract: Callable[..., Catalog] = TOOL["extract"]
TRANSLATED = [code for code in available_languages() if code != "en"]


@pytest.fixture(scope="module")
def source() -> Catalog:
    return extract()


@pytest.fixture(scope="module", params=TRANSLATED)
def translation(request: pytest.FixtureRequest) -> Catalog:
    with catalogue_path(request.param).open("rb") as file:
        return read_po(file, locale=request.param)


def test_english_polish_and_italian_are_there() -> None:
    assert available_languages() == ("en", "it", "pl")


def test_english_is_the_source_and_an_unknown_text_stays_as_it_is() -> None:
    assert _("No such text anywhere {n}") == "No such text anywhere {n}"
    with language("pl"):
        assert _("No such text anywhere {n}") == "No such text anywhere {n}"
        assert _("") == ""
    assert [ngettext("{n} lead", "{n} leads", n) for n in (0, 1, 2)] == ["{n} leads", "{n} lead", "{n} leads"]


def test_the_language_belongs_to_the_context() -> None:
    seen: list[str] = []
    with language("pl"):
        with language("it"):
            assert current_language() == "it"
        assert current_language() == "pl"
        thread = threading.Thread(target=lambda: seen.append(current_language()))
        thread.start()
        thread.join()
    assert current_language() == "en"
    assert seen == ["en"]


def test_the_default_is_used_where_no_context_chose() -> None:
    i18n.set_default_language("it")
    assert current_language() == "it"
    with language("en"):
        assert current_language() == "en"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'de'.*en, it, pl"), language("de"):
        pass


@pytest.mark.parametrize(
    ("code", "n", "expected"),
    [
        ("pl", 1, "1 szansa"), ("pl", 2, "2 szanse"), ("pl", 5, "5 szans"), ("pl", 12, "12 szans"),
        ("pl", 22, "22 szanse"), ("pl", 112, "112 szans"),
        ("it", 1, "1 trattativa"), ("it", 0, "0 trattative"),
    ],
)  # fmt: skip
def test_plurals_follow_the_language(
    code: str, n: int, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = catalogue_path(code).read_text(encoding="utf-8").split("\n\n")[0]
    words = {"pl": ("szansa", "szanse", "szans"), "it": ("trattativa", "trattative")}[code]
    forms = "".join(f'msgstr[{i}] "{{n}} {word}"\n' for i, word in enumerate(words))
    file = tmp_path / f"{code}.po"
    file.write_text(f'{header}\n\nmsgid "{{n}} deal"\nmsgid_plural "{{n}} deals"\n{forms}', encoding="utf-8")
    monkeypatch.setattr(i18n, "catalogue_path", lambda _code: file)
    i18n._catalogue.cache_clear()
    try:
        with language(code):
            assert ngettext("{n} deal", "{n} deals", n).format(n=n) == expected
    finally:
        i18n._catalogue.cache_clear()


def test_every_text_is_translated(source: Catalog, translation: Catalog) -> None:
    missing = [message.id for message in source if message.id and not is_done(translation.get(message.id))]
    assert not missing, (
        f"{len(missing)} texts lack a translation into {translation.locale}; run `make messages`"
    )


def test_nothing_is_translated_that_is_never_shown(source: Catalog, translation: Catalog) -> None:
    unused = [message.id for message in translation if message.id and source.get(message.id) is None]
    assert not unused, f"{translation.locale} has texts that the code has not; run `make messages`"


def test_translations_fill_in_the_same_values(translation: Catalog) -> None:
    wrong = [message.id for message in translation if message.id and not has_same_placeholders(message)]
    assert not wrong


def test_texts_in_templates_are_found(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "page.html").write_text(
        "<h1>{{ _('Your leads') }}</h1>{# Translators: a button #}<a title=\"{{ _('Go on') }}\">"
        "{{ ngettext('{n} lead', '{n} leads', n).format(n=n) }}</a>"
        "{% trans name=user.name %}Hello {{ name }}{% endtrans %}"
        "{% trans count=n %}{{ count }} call{% pluralize %}{{ count }} calls{% endtrans %}"
    )
    (folder / "mail.txt").write_text("{% if x %}{{ _('Good morning, {name}').format(name=name) }}{% endif %}")
    (folder / "code.py").write_text('_("In code")')
    assert {message.id for message in extract(tmp_path) if message.id} == {
        "Your leads",
        "Go on",
        ("{n} lead", "{n} leads"),
        "Hello %(name)s",
        ("%(count)s call", "%(count)s calls"),
        "Good morning, {name}",
        "In code",
    }


def test_a_template_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ _('Your leads') }}{% if %}")
    with pytest.raises(TemplateSyntaxError):
        extract(tmp_path)


def is_done(message: Message | None) -> bool:
    return message is not None and not message.fuzzy and TOOL["is_translated"](message.string)


def has_same_placeholders(message: Message) -> bool:
    """One form of a plural may leave the number out ("jeden"); none may use a value that the code does not
    give.
    """
    ids = forms(message.id)
    expected = set().union(*map(placeholders, ids))
    found = [placeholders(form) for form in forms(message.string) if form]
    return all(form == expected or (len(ids) > 1 and expected - {"n"} <= form <= expected) for form in found)


def forms(text: Any) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def placeholders(text: str) -> set[str]:
    """The names in braces and those of {% trans %}; none in a text that speaks of braces and is no format."""
    named = set(re.findall(r"%\((\w+)\)s", text))
    try:
        return named | {field for _literal, field, _format, _conv in string.Formatter().parse(text) if field}
    except ValueError:
        return named

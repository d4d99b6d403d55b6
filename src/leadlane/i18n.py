"""In which language does the reader want this text, and how does it read there?

The source text is English. Translations are the `.po` files under `locale/`, compiled in memory on first use,
so that no compiled file can disagree with its source. The language belongs to the calling context (a request,
a command), which is why it is a context variable and not a global.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"
DOMAIN = "leadlane"
SOURCE_LANGUAGE = "en"

_default_language = SOURCE_LANGUAGE
_language: ContextVar[str | None] = ContextVar("language", default=None)


def _(text: str) -> str:
    """`text` in the language of the context; the English text itself where there is no translation."""
    return _catalogue(current_language()).gettext(text) if text else ""


def ngettext(one: str, many: str, n: int) -> str:
    """The form of the text that fits the number `n` (Polish has three forms, Italian and English two)."""
    return _catalogue(current_language()).ngettext(one, many, n)


def N_(text: str) -> str:
    """Marks a text for translation where it is written down, to be translated by `_` where it is shown."""
    return text


def current_language() -> str:
    """The language code of the context, or the default of this installation."""
    return _language.get() or _default_language


def set_default_language(code: str) -> None:
    """Sets the language that holds wherever no context chose one (the `language` setting)."""
    global _default_language
    _default_language = _known(code)


@contextmanager
def language(code: str) -> Iterator[None]:
    """Within the block, texts are in the language `code`; raises ValueError when there is no such
    translation.
    """
    token = _language.set(_known(code))
    try:
        yield
    finally:
        _language.reset(token)


@cache
def available_languages() -> tuple[str, ...]:
    """Codes of the languages that Leadlane speaks, English first."""
    translated = sorted(path.parent.parent.name for path in LOCALE_DIR.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))
    return (SOURCE_LANGUAGE, *translated)


def catalogue_path(code: str) -> Path:
    """Where the translations into the language `code` are kept."""
    return LOCALE_DIR / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def _known(code: str) -> str:
    if code not in available_languages():
        raise ValueError(f"no translation into {code!r}; there are {', '.join(available_languages())}")
    return code


@cache
def _catalogue(code: str) -> NullTranslations:
    if code == SOURCE_LANGUAGE:
        return NullTranslations()
    # Imported here because English, the common case on a server, needs none of it.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with catalogue_path(code).open("rb") as source:
        write_mo(compiled, read_po(source, locale=code))
    compiled.seek(0)
    return GNUTranslations(compiled)

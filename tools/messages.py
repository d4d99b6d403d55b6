"""Which texts does Leadlane show, and which of them still lack a translation? Brings the .po files up to
date.

python tools/messages.py        rewrites src/leadlane/locale/*/LC_MESSAGES/leadlane.po, keeping translations
"""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from leadlane.i18n import DOMAIN, SOURCE_LANGUAGE, available_languages, catalogue_path

SOURCE = Path(__file__).parent.parent / "src" / "leadlane"
TEMPLATES = ("**.html", "**.txt")
METHODS = [("**.py", "python"), *((pattern, "jinja2.ext:babel_extract") for pattern in TEMPLATES)]
# A template that cannot be read stops us: else all its texts would count as no longer used.
OPTIONS = {pattern: {"silent": "false"} for pattern in TEMPLATES}
# `gettext` is what Jinja makes of {% trans %}.
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def extract(source: Path = SOURCE) -> Catalog:
    """Every text marked for translation in code and templates, with the files where it stands."""
    catalogue = Catalog(project="Leadlane", charset="utf-8")
    texts = extract_from_dir(source, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("Translators:",))
    for file, _line, message, comments, context in texts:
        # Without line numbers: they would change every catalogue with every edit of the code.
        catalogue.add(message, None, [(file, None)], auto_comments=comments, context=context)
    return catalogue


def update(code: str, template: Catalog) -> str:
    """Brings one language up to date; returns a line that says how complete it is."""
    path = catalogue_path(code)
    with path.open("rb") as source:
        catalogue = read_po(source, locale=code, domain=DOMAIN)
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    with path.open("wb") as target:
        write_po(target, catalogue, width=100, sort_output=True, omit_header=False, ignore_obsolete=True)
    missing = sum(1 for message in catalogue if message.id and not is_translated(message.string))
    return f"{code}: {len(catalogue)} texts, {missing} without a translation"


def is_translated(string: str | list[str] | tuple[str, ...] | None) -> bool:
    """True when every form of the text is filled in."""
    return all(string) if isinstance(string, (list, tuple)) else bool(string)


def main() -> None:
    template = extract()
    for code in available_languages():
        if code != SOURCE_LANGUAGE:
            print(update(code, template))


if __name__ == "__main__":
    main()

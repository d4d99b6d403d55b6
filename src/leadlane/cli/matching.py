"""What `leadlane duplicates` and `leadlane match` have in common: settings, progress, quality in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

from leadlane.core.policy import Matching
from leadlane.explain.likeness import likeness_words
from leadlane.i18n import _, ngettext
from leadlane.intake.record_columns import Kind
from leadlane.matching.compare import Comparison
from leadlane.service.link_quality import Method, Mistake, Quality
from leadlane.service.record_files import Progress as OnProgress

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

MAP_HELP = _("Which column plays a role, where its name does not say; ROLE= leaves a role out.")
AS_HELP = _("What the rows are: company or person; else the columns say.")
SURE_HELP = _("From this probability on a link is sure.")
UNSURE_HELP = _("From this probability on a person is asked.")
ENCODING_HELP = _("The encoding of the file, such as cp1250.")


def thresholds(sure: float, unsure: float) -> Matching:
    """The settings; a usage error where they are no probabilities or the wrong way round."""
    if not 0 < unsure <= sure <= 1:
        raise typer.BadParameter(
            _("Both are between 0 and 1, and --unsure is not above --sure."), param_hint="--sure, --unsure"
        )
    return Matching(sure, unsure)


def kind_named(text: str | None) -> Kind | None:
    """What `--as` says."""
    if text is None:
        return None
    if text == "company":
        return "company"
    if text == "person":
        return "person"
    raise typer.BadParameter(_("It is company or person."), param_hint="--as")


def pairs_of(texts: Sequence[str], option: str = "--map") -> dict[str, str]:
    """`ROLE=COLUMN` texts as a column by role."""
    found = {}
    for text in texts:
        role, equals, column = text.partition("=")
        if not equals or not role.strip():
            raise typer.BadParameter(
                _("“{text}” is not ROLE=COLUMN, such as company=Name").format(text=text), param_hint=option
            )
        found[role.strip()] = column.strip()
    return found


@contextmanager
def progress_shown() -> Iterator[OnProgress]:
    """Shows how far reading and comparing are, on a terminal."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("", total=None)
        said = {"read": _("Reading"), "compare": _("Comparing")}
        yield lambda step, done, total: progress.update(
            task, description=said[step], completed=done, total=total
        )


def print_notes(notes: Sequence[str]) -> None:
    """What had to be assumed or left out."""
    for note in notes:
        console.print(Text(_("Note: {text}").format(text=note), style="yellow"), soft_wrap=True)


def print_pair(probability: float, one: str, other: str, comparison: Comparison) -> None:
    """Two records side by side, and under them what speaks for and against."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(width=6, justify="right")
    table.add_column(ratio=1, overflow="fold")
    table.add_column(ratio=1, overflow="fold")
    table.add_row(Text(percent(probability), style="bold"), Text(one), Text(other))
    console.print(table)
    print_evidence(comparison, 8)


def print_evidence(comparison: Comparison, indent: int) -> None:
    """What speaks for a pair and what against, a line each."""
    for line in likeness_words(comparison.evidence):
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, indent), expand=False))


def percent(share: float) -> str:
    """A share as it is shown; 100 % is said of what is whole only."""
    shown = f"{share:.1%}"
    return "> 99.9%" if shown == "100.0%" and share < 1 else shown


def print_quality(quality: Quality) -> None:
    """Every method with its figures, what they mean, and the worst mistakes."""
    console.print(_table(quality.methods))
    links = quality.sure + quality.unsure
    compared = ngettext("{n} pair compared", "{n} pairs compared", quality.compared)
    console.print(
        Text(
            _(
                "{compared}: {sure} sure, {unsure} unsure ({share} of links, {of_all} of pairs compared)."
            ).format(
                compared=compared.format(n=f"{quality.compared:,}"),
                sure=f"{quality.sure:,}",
                unsure=f"{quality.unsure:,}",
                share=percent(quality.unsure / links if links else 0.0),
                of_all=percent(quality.unsure / quality.compared if quality.compared else 0.0),
            )
        ),
        soft_wrap=True,
    )
    for line in _meanings(any(method.entities for method in quality.methods)):
        console.print(Text(line, style="dim"), soft_wrap=True)
    _print_mistakes(_("Sure, and wrong by the truth"), quality.false_sure)
    _print_mistakes(_("The same by the truth, and not suggested"), quality.missed)


def quality_json(quality: Quality) -> dict[str, object]:
    """The same as data."""
    return {
        "compared": quality.compared,
        "sure": quality.sure,
        "unsure": quality.unsure,
        "methods": {method.name: _method_json(method) for method in quality.methods},
        "false_sure": [mistake_json(one) for one in quality.false_sure],
        "missed": [mistake_json(one) for one in quality.missed],
    }


def mistake_json(mistake: Mistake) -> dict[str, object]:
    """Two records and their comparison as data."""
    return {"one": mistake.one, "other": mistake.other, **comparison_json(mistake.comparison)}


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """A comparison as data."""
    evidence = [
        {"code": one.code, "weight": one.weight, "ours": one.ours, "theirs": one.theirs}
        for one in comparison.evidence
    ]
    return {"probability": comparison.probability, "evidence": evidence}


def _method_json(method: Method) -> dict[str, object]:
    score, entities = method.score, method.entities
    found: dict[str, object] = {
        "linked": score.linked,
        "right": score.right,
        "true": score.true,
        "precision": score.precision,
        "recall": score.recall,
        "f1": score.f1,
    }
    if method.threshold is not None:
        found["threshold"] = method.threshold
    if entities is not None:
        found["entities"] = {
            "count": entities.entities,
            "found_wholly": entities.found_wholly,
            "precision": entities.precision,
            "recall": entities.recall,
        }
    return found


def _table(methods: Sequence[Method]) -> Table:
    with_entities = any(method.entities for method in methods)
    table = Table(title=_("Quality"), title_justify="left", title_style="bold cyan", box=None)
    table.add_column("", no_wrap=True)
    for heading in (_("linked"), _("precision"), _("recall"), "F1"):
        table.add_column(heading, justify="right")
    if with_entities:
        for heading in (_("precision by entity"), _("recall by entity"), _("found wholly")):
            table.add_column(heading, justify="right", max_width=9)
    for method in methods:
        score, entities = method.score, method.entities
        cells = [
            f"{score.linked:,}",
            *(_figure(value) for value in (score.precision, score.recall, score.f1)),
        ]
        if with_entities:
            shares = (entities.precision, entities.recall, entities.found_wholly) if entities else ()
            cells += [_figure(value) for value in shares]
        table.add_row(_method_words(method), *cells)
    return table


def _method_words(method: Method) -> str:
    match method.name:
        case "sure":
            return _("sure")
        case "suggested":
            return _("sure + unsure")
        case "names":
            threshold = method.threshold or 0.0
            return _("names ≥ {threshold}").format(threshold=f"{threshold:.0f}")
        case "keys":
            return _("shared key")


def _figure(value: float) -> str:
    return f"{value:.4f}"


def _meanings(with_entities: bool) -> list[str]:
    lines = [
        _("precision: which share of the links is right; recall: which share of the true pairs is linked."),
        _("F1: the harmonic mean of both."),
        _(
            "names ≥: normalised names by rapidfuzz token_sort_ratio, linked from the score that is best for "
            "this very truth; shared key: the same e-mail address, phone, domain or normalised name."
        ),
    ]
    if with_entities:
        lines.insert(
            2,
            _(
                "by entity: the means over entities, so that large ones count no more than small ones; found "
                "wholly: which share of the entities with several rows came out as they are."
            ),
        )
    return lines


def _print_mistakes(heading: str, mistakes: Sequence[Mistake]) -> None:
    if not mistakes:
        return
    console.print()
    console.print(Text(heading, style="bold cyan"))
    for mistake in mistakes:
        print_pair(mistake.comparison.probability, mistake.one, mistake.other, mistake.comparison)

"""Which leads does a delivery of a webhook bring? A small file says where in it each field stands.

Places are JMESPath expressions (https://jmespath.org): dotted paths, list indices, searches in lists. The
fields of a form are read as the object that they make up, so one kind of mapping serves every sender.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

import jmespath
import orjson
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult
from pydantic import BeforeValidator, Field, model_validator

from leadlane.core.facts import FieldSpec
from leadlane.i18n import N_, _
from leadlane.intake.leads import RESERVED
from leadlane.intake.problems import BadValueError, Problem, shorten
from leadlane.policy.problems import Finding, PolicyErrors, has_errors, located
from leadlane.policy.problems import Problem as DocumentProblem
from leadlane.policy.schema import Count, Name, Part, Text, checked, choice, refuse
from leadlane.policy.structure import read_structure
from leadlane.policy.values import did_you_mean
from leadlane.policy.yaml import YamlError, read_yaml

Scheme = Literal[
    "hubspot-v3",
    "typeform",
    "webflow",
    "calendly",
    "meta",
    "linkedin",
    "standard-webhooks",
    "header",
    "address",
]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
SECRET_HEADER = "X-Hook-Secret"
MOST_LEADS = 1_000
MOST_FORM_FIELDS = 1_000
MOST_LEVELS = 50

_SLUG = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FUNCTIONS = frozenset(Functions.FUNCTION_TABLE)
_NOTHING: tuple[object, ...] = (None, "", [], {})


# ---------------------------------------------------------------- what may stand in a mapping


def _read_slug(value: object) -> str:
    if not isinstance(value, str) or not _SLUG.fullmatch(value):
        refuse("wrong_value", value, _("a name of lower-case letters, digits, - and _, at most 63"))
    return value


def _read_header(value: object) -> str:
    if not isinstance(value, str) or not _HEADER.fullmatch(value):
        refuse("wrong_value", value, _("the name of a header, such as {name}").format(name=SECRET_HEADER))
    return value


def _read_address(value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) and value.isprintable() else None
    if parts is None or parts.scheme not in ("https", "http") or not parts.hostname or " " in str(value):
        refuse("wrong_value", value, _("the whole address of a page, such as https://example.com/thanks"))
    return str(value)


def _read_expression(value: object) -> ParsedResult:
    if not isinstance(value, str):
        refuse("wrong_type", value, _("a path such as `contact.email` or `answers[0].text`"))
    try:
        expression = jmespath.compile(value)
    except JMESPathError as error:
        at = getattr(error, "lex_position", None) or 0
        expected = _("a path such as `contact.email`; the mistake is at character {n}").format(n=at + 1)
        # Names of form fields have spaces and hyphens, which a path allows in double quotes only.
        is_name = value.strip() and re.fullmatch(r"[\w \-/?:#+()\[\]]+", value)
        refuse("wrong_value", value, expected, f"'\"{value}\"'" if is_name else "")
    for function in _functions(expression.parsed):
        if function not in _FUNCTIONS:
            expected = _("a function of JMESPath")
            refuse("wrong_value", f"{function}()", expected, did_you_mean(function, _FUNCTIONS))
    return expression


def _functions(node: Mapping[str, Any]) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        yield from _functions(child)


def _read_scalar(value: object) -> str | int | float | bool:
    if not isinstance(value, (str, int, float)):
        refuse("wrong_type", value, _("a text, a number, true or false"))
    return value


Slug = Annotated[str, *checked(_read_slug, type="string", pattern="^[a-z0-9_-]{1,63}$")]
Header = Annotated[str, *checked(_read_header, type="string")]
Address = Annotated[str, *checked(_read_address, type="string", format="uri")]
Expression = Annotated[Any, *checked(_read_expression, type="string")]
Scalar = Annotated[Any, *checked(_read_scalar, type=["string", "number", "boolean"])]


class SourcePart(Part):
    """Where a value comes from: a path into what was sent, or a constant."""

    path: Expression | None = Field(default=None, description="The path to it.")
    value: Scalar | None = Field(default=None, description="A constant.")
    values: dict[str, Scalar] = Field(default={}, description="What the values that are sent mean here.")
    otherwise: Scalar | None = Field(default=None, description="What any other value means.")
    part: Annotated[Literal["first", "last"] | None, *choice("first", "last")] = Field(
        default=None, description="Of a whole name: the `first` names, or the `last`."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, written: Any) -> Any:
        if isinstance(written, str):
            return {"path": written}
        if isinstance(written, dict) and ("path" in written) == ("value" in written):
            refuse("missing_key", written, _("a `path`, or a constant as `value`"))
        return written


def _listed(written: Any) -> Any:
    return written if isinstance(written, list) else [written]


def _named(written: Any) -> Any:
    return [{"value": written}] if isinstance(written, str) else _listed(written)


# The first of them that leads to a value counts.
Sources = Annotated[list[SourcePart], BeforeValidator(_listed)]
Expressions = Annotated[list[Expression], BeforeValidator(_listed)]


class SignalPart(Part):
    """Something the prospect did by sending this: a name, or where the name stands."""

    name: Annotated[list[SourcePart], BeforeValidator(_named)] = Field(
        description=N_("The name of the signal, or where it stands.")
    )
    when: Expression | None = Field(default=None, description="The signal is there only if this holds.")
    at: Sources = Field(default=[], description="Where its time stands; else on arrival.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, written: Any) -> Any:
        return {"name": written} if isinstance(written, str) else written


class SignaturePart(Part):
    """How the sender proves who they are."""

    scheme: Annotated[Scheme, *choice(*SCHEMES)] = Field(description=N_("The way in which the sender signs."))
    header: Header = Field(default=SECRET_HEADER, description="Scheme `header`: the header with the secret.")


class FormPart(Part):
    """What concerns a form that browsers send."""

    redirect: Address | None = Field(default=None, description="Where the browser goes afterwards.")
    honeypot: Name | None = Field(
        default=None, description="A field that people do not see: whoever fills it in is a program."
    )


class HookPart(Part):
    """A mapping from what one sender sends to leads."""

    hook: Slug = Field(description=N_("The name, which is also the end of the address."))
    description: Text = Field(default="", description="What it is for, in your own words.")
    signature: SignaturePart = Field(description=N_("How the sender proves who they are."))
    delivery_id: Expressions = Field(
        default=[], description="Where the sender's own id of the delivery stands, the same when sent again."
    )
    leads: Expression | None = Field(
        default=None, description="Where the list of leads stands, if one delivery brings several."
    )
    when: Expression | None = Field(default=None, description="Only what this holds for is a lead.")
    fields: dict[str, Sources] = Field(description=N_("Fields of the lead by where their values stand."))
    signals: list[SignalPart] = Field(default=[], description="What the prospect did by sending this.")
    form: FormPart = Field(default=FormPart(), description="What concerns a form that browsers send.")
    per_minute: Count = Field(default=6_000, description="So many deliveries are taken in a minute at most.")


def read_hook(
    text: str | bytes, source: str = "hook.yaml", known: Mapping[str, FieldSpec] | None = None
) -> tuple[HookPart | None, list[DocumentProblem]]:
    """The mapping that `text` says, None when there are errors, and every problem in the order of the text.

    A field that is not among the `known` ones is a warning: the policy may get it later.
    """
    try:
        document = read_yaml(text)
    except YamlError as error:
        return None, [DocumentProblem.of_yaml(error, source)]
    hook, findings = read_structure(HookPart, document.data)
    if hook is not None:
        findings += _unfit(hook, known)
    problems = located(findings, document.marks, source)
    return (None if has_errors(problems) else hook), problems


def load_hook(text: str | bytes, source: str = "hook.yaml") -> HookPart:
    """The mapping that `text` says; PolicyErrors, with every problem, when it is none."""
    hook, problems = read_hook(text, source)
    if hook is None:
        raise PolicyErrors(problems)
    return hook


def _unfit(hook: HookPart, known: Mapping[str, FieldSpec] | None) -> Iterator[Finding]:
    if not hook.fields:
        yield Finding(("fields",), "missing_key", _("no field"), _("at least one field of the lead"))
    for name in hook.fields:
        if name == "signals":
            expected = _("signals in the list `signals` beside `fields`")
            yield Finding(("fields", name), "unknown_field", "signals", expected, at_key=True)
        elif known is not None and name not in known and name not in RESERVED:
            yield Finding(
                ("fields", name),
                "unknown_field",
                _("the field {name}, which the policy does not have").format(name=name),
                "",
                did_you_mean(name, known),
                severity="warning",
                at_key=True,
            )
    if hook.form.honeypot and hook.form.honeypot in hook.fields:
        expected = _("a field that people do not see")
        yield Finding(("form", "honeypot"), "wrong_value", hook.form.honeypot, expected)


# ---------------------------------------------------------------- reading what was sent


def read_body(body: bytes, content_type: str) -> Any:
    """What a body says: JSON, or the fields of a form as an object. BadValueError says why it cannot be read.

    A field that stands several times is a list; of a file that is sent along its name is kept. Control
    characters become spaces: no mapping could mend them, and a prospect does not wait for them.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _cleaned(_gathered(_form_fields(body)))
    if kind == "multipart/form-data":
        return _cleaned(_gathered(_form_parts(body, content_type)))
    try:
        return _cleaned(orjson.loads(body.removeprefix(b"\xef\xbb\xbf")))
    except orjson.JSONDecodeError as error:
        raise BadValueError(
            _("this is neither a form nor JSON: {reason}, line {line}, column {column}").format(
                reason=error.msg, line=error.lineno, column=error.colno
            )
        ) from None


def _cleaned(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return _CONTROL.sub(" ", value)
    if depth > MOST_LEVELS:
        raise BadValueError(_("the values are nested too deeply"))
    if isinstance(value, dict):
        return {_CONTROL.sub(" ", name): _cleaned(one, depth + 1) for name, one in value.items()}
    return [_cleaned(one, depth + 1) for one in value] if isinstance(value, list) else value


def _form_fields(body: bytes) -> list[tuple[str, str]]:
    try:
        # Percent-encoding leaves nothing but ASCII; what a careless program sends unencoded is UTF-8.
        return parse_qsl(
            body.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FORM_FIELDS,
        )
    except ValueError as error:
        raise BadValueError(_("the form cannot be read: {reason}").format(reason=error)) from None


def _form_parts(body: bytes, content_type: str) -> list[tuple[str, str]]:
    head = b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n"
    whole = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = list(whole.iter_parts()) if whole.is_multipart() else []
    if not 1 <= len(parts) <= MOST_FORM_FIELDS:
        raise BadValueError(_("the form cannot be read: {reason}").format(reason=_("it has no parts")))
    return [_form_part(part) for part in parts]


def _form_part(part: Any) -> tuple[str, str]:
    name, file = part.get_param("name", header="content-disposition"), part.get_filename()
    content = part.get_payload(decode=True) or b""
    try:
        # Names come as they are, in UTF-8; the library keeps such bytes as surrogates.
        name, file = (
            str(one).encode("utf-8", "surrogateescape").decode() if one is not None else None
            for one in (name, file)
        )
        return name or "", file if file is not None else content.decode()
    except UnicodeDecodeError as error:
        raise BadValueError(_("the form cannot be read: {reason}").format(reason=error)) from None


def _gathered(fields: Sequence[tuple[str, str]]) -> dict[str, object]:
    gathered: dict[str, list[str]] = {}
    for name, value in fields:
        gathered.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in gathered.items()}


# ---------------------------------------------------------------- mapping


@dataclass(frozen=True, slots=True)
class MappedLead:
    """A lead as `leadlane.intake.leads.read_lead` takes it: values by field, and what is left over."""

    raw: dict[str, object]
    extra: dict[str, object]


def leads_in(hook: HookPart, sent: Any) -> list[Any]:
    """What is a lead in what was sent: none, one, or several. BadValueError where they cannot be found."""
    if hook.leads is None:
        found = [sent]
    else:
        found = _search(hook.leads, sent)
        if not isinstance(found, list):
            raise BadValueError(
                _("there is no list of leads at {path}").format(path=hook.leads.expression),
                _("correct `leads` in the mapping"),
            )
    if len(found) > MOST_LEADS:
        raise BadValueError(
            _("too many leads at once: {count}, at most {most}").format(count=len(found), most=MOST_LEADS)
        )
    return [one for one in found if hook.when is None or _holds(hook.when, one)]


def map_lead(hook: HookPart, sent: Any) -> tuple[MappedLead | None, list[Problem]]:
    """The lead that `sent` is, or None and why no value can be found in it."""
    problems: list[Problem] = []
    raw: dict[str, object] = {}
    taken: list[SourcePart] = []
    for name, sources in hook.fields.items():
        try:
            source, value = _found(sources, sent)
        except BadValueError as error:
            problems.append(Problem(name, "", error.reason, error.suggestion))
            continue
        if source is not None:
            raw[name] = value
            taken += [source] if source.path is not None else []
    try:
        raw["signals"] = [one for part in hook.signals for one in _signals(part, sent)]
    except BadValueError as error:
        problems.append(Problem("signals", "", error.reason, error.suggestion))
    if not problems and not taken:
        # Constants alone are no lead: this is not what the mapping was made for.
        reason = _("none of the paths of the mapping leads to a value")
        problems.append(Problem("", shorten(sent), reason, _("correct the paths under `fields`")))
    return (None if problems else MappedLead(raw, _left_over(sent, taken))), problems


def delivery_id(hook: HookPart, sent: Any) -> str | None:
    """The sender's own id of a delivery; None where none is mapped, or none is there."""
    for expression in hook.delivery_id:
        try:
            found = _search(expression, sent)
        except BadValueError:
            continue
        if isinstance(found, (str, int)) and not isinstance(found, bool) and str(found).strip():
            return str(found)
    return None


def is_from_a_program(hook: HookPart, sent: Any) -> bool:
    """Whether the field is filled in that people do not see."""
    trap = hook.form.honeypot
    return trap is not None and isinstance(sent, dict) and sent.get(trap) not in _NOTHING


def _search(expression: ParsedResult, sent: Any) -> Any:
    try:
        return expression.search(sent)
    except JMESPathError as error:
        # The library shows the expression with a caret below it, in lines of their own.
        reason = shorten(str(error).partition("\n")[0], 200)
        raise BadValueError(
            _("{path} cannot be answered for what was sent: {reason}").format(
                path=expression.expression, reason=reason
            ),
            _("correct the path in the mapping"),
        ) from None


def _holds(expression: ParsedResult, sent: Any) -> bool:
    found = _search(expression, sent)
    return found is not False and found not in _NOTHING


def _found(sources: Sequence[SourcePart], sent: Any) -> tuple[SourcePart | None, Any]:
    """The first source that leads to a value, and that value; None where none does."""
    for source in sources:
        found = _search(source.path, sent) if source.path is not None else source.value
        value = _read(source, found) if found not in _NOTHING else None
        if value not in _NOTHING:
            return source, value
    return None, None


def _read(source: SourcePart, found: Any) -> Any:
    # Senders that allow several answers send a list also where there is one.
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if source.part is not None and isinstance(found, str):
        found = _name_part(found, source.part)
    if not source.values or found is None:
        return found
    return [_meant(source, one) for one in found] if isinstance(found, list) else _meant(source, found)


def _meant(source: SourcePart, found: Any) -> Any:
    written = found if isinstance(found, str) else orjson.dumps(found).decode()
    wanted = written.strip().casefold()
    for word, meaning in source.values.items():
        if word.strip().casefold() == wanted:
            return meaning
    return found if source.otherwise is None else source.otherwise


def _name_part(name: str, part: Literal["first", "last"]) -> str | None:
    """The last word is the last name, as in imports; a single word is a first name."""
    words = name.split()
    if part == "last":
        return words[-1] if len(words) > 1 else None
    return " ".join(words[:-1]) or name


def _signals(part: SignalPart, sent: Any) -> list[object]:
    if part.when is not None and not _holds(part.when, sent):
        return []
    names, at = _found(part.name, sent)[1], _found(part.at, sent)[1]
    listed = names if isinstance(names, list) else [names]
    return [{"name": name, "at": at} if at is not None else name for name in listed if name not in _NOTHING]


# ---------------------------------------------------------------- what is left over


def _left_over(sent: Any, taken: Sequence[SourcePart]) -> dict[str, object]:
    """What was sent without the values that plain paths took: nothing that a sender tells is lost."""
    if not isinstance(sent, dict):
        return {} if sent in _NOTHING else {"sent": sent}
    left: Any = sent
    for source in taken:
        assert source.path is not None
        # Values that the mapping translates, or takes a part of, are worth keeping as they came.
        if not source.values and source.part is None and (steps := _steps(source.path.expression)):
            left = _without(left, steps)
    return {name: value for name, value in left.items() if value not in _NOTHING}


@lru_cache(maxsize=4096)
def _steps(expression: str) -> tuple[str, ...] | None:
    """The names that a plain dotted path goes through; None for any other expression."""

    def steps(node: Mapping[str, Any]) -> list[str] | None:
        if node["type"] == "field":
            return [node["value"]]
        if node["type"] != "subexpression":
            return None
        parts = [steps(child) for child in node["children"]]
        return None if None in parts else [step for part in parts for step in part or ()]

    found = steps(jmespath.compile(expression).parsed)
    return tuple(found) if found else None


def _without(value: Any, steps: Sequence[str]) -> Any:
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    rest = {name: one for name, one in value.items() if name != steps[0]}
    if len(steps) > 1:
        inner = _without(value[steps[0]], steps[1:])
        if inner not in _NOTHING:
            # In its old place, so that what is kept reads like what was sent.
            return {name: inner if name == steps[0] else one for name, one in value.items()}
    return rest

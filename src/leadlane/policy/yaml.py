"""What does this YAML say, and where does it say it? YAML 1.2, core schema: `NO` is text, and so is `10:30`.

PyYAML parses (in C where it can); composing and resolving are ours, because PyYAML speaks YAML 1.1, keeps no
positions, lets the last of two equal keys win, and its C composer overflows the stack on deep nesting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from leadlane.i18n import N_, _

Path = tuple[str | int, ...]
YamlCode = Literal["encoding", "too_large", "syntax", "duplicate_key", "expansion", "tag"]

MAX_BYTES = 5_000_000
MAX_DEPTH = 100
# Keys whose text is prose. A comma in braces ends a text in YAML; in prose it is meant as a comma.
PROSE = frozenset({"description"})
# How many values aliases may add; a document of a few hundred bytes can ask for billions.
MAX_EXPANDED = 100_000

_CORE = "tag:yaml.org,2002:"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Mark(NamedTuple):
    """A place in a text; both count from 1, columns in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Marks:
    """Where each key and each value of a document stands."""

    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)

    def find(self, path: Path, *, key: bool = False) -> Mark | None:
        """The place of the value (or of the key) at `path`, or of the nearest thing around it."""
        if key and path in self.keys:
            return self.keys[path]
        for length in range(len(path), -1, -1):
            if mark := self.values.get(path[:length]):
                return mark
        return None


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says (mappings as dicts with text keys, lists, scalars) and where."""

    data: Any
    marks: Marks


class YamlError(Exception):
    """The text is not a YAML document that we read. `found` and `expected` are translated texts."""

    def __init__(self, code: YamlCode, mark: Mark, found: str, expected: str = "") -> None:
        super().__init__(found)
        self.code, self.mark, self.found, self.expected = code, mark, found, expected


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Plain scalars that are not text, in the order of the core schema.
PLAIN = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("int", re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    (
        "float",
        re.compile(
            r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
    ),
)
_MAY_NOT_BE_TEXT = frozenset("~nNtTfF-+.0123456789")


def read_yaml(text: str | bytes) -> Document:
    """Reads one YAML document of at most 5 MB; raises YamlError for the first thing that is not right."""
    text = _decoded(text)
    _refuse_control_characters(text)
    try:
        loader = _Loader(text)
        try:
            return _Composition(loader, text).document()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise YamlError("syntax", Mark(1, 1), _not_yaml(str(error))) from error


def lines_of(text: str | bytes) -> list[str]:
    """The lines of a document as positions count them; undecodable bytes are replaced."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    return _LINE_BREAK.split(text.removeprefix("\ufeff"))


def _decoded(text: str | bytes) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", errors="surrogatepass"))
    if size > MAX_BYTES:
        found = _("a document of {size} MB").format(size=f"{size / 1e6:.1f}")
        expected = _("at most {size} MB").format(size=MAX_BYTES // 1_000_000)
        raise YamlError("too_large", Mark(1, 1), found, expected)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            mark = _mark_at(error.object[: error.start].decode("utf-8"), error.start)
            found = _("the byte 0x{byte} that is not UTF-8").format(byte=f"{error.object[error.start]:02x}")
            raise YamlError("encoding", mark, found, _("a text in UTF-8")) from error
    return text.removeprefix("\ufeff")


def _refuse_control_characters(text: str) -> None:
    if match := _FORBIDDEN.search(text):
        found = _("the control character U+{code}").format(code=f"{ord(match[0]):04X}")
        raise YamlError("encoding", _mark_at(text, match.start()), found, _("printable text"))


def _mark_at(text: str, index: int) -> Mark:
    lines = _LINE_BREAK.split(text[:index])
    return Mark(len(lines), len(lines[-1]) + 1)


# What libyaml and PyYAML say (a part of it), and what that means to the person who wrote the text.
_MEANINGS = (
    ("could not find expected ':'", N_("a line without `:`"), N_("`key: value`")),
    ("mapping values are not allowed", N_("a second `: ` in one line"), N_("quotes around text with `: `")),
    ("did not find expected key", N_("a line that continues no mapping"), N_("the same indentation")),
    ("did not find expected ',' or ']'", N_("a list that is not closed"), N_("`,` or `]`")),
    ("did not find expected ',' or '}'", N_("a mapping that is not closed"), N_("`,` or `}`")),
    ("did not find expected '-' indicator", N_("a line that does not continue the list"), N_("`- `")),
    ("unexpected end of stream", N_("a quote that is not closed"), N_("the closing quote")),
    ("undefined tag handle", N_("a tag"), N_("no tags")),
)


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    at = error.problem_mark or error.context_mark
    mark = Mark(at.line + 1, at.column + 1) if at else Mark(1, 1)
    lines = lines_of(text)
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if line[mark.column - 1 : mark.column] == "\t":
        return YamlError("syntax", mark, _("a tab"), _("spaces for indentation"))
    said = f"{error.problem or ''} {error.context or ''}"
    for part, found, expected in _MEANINGS:
        if part in said:
            return YamlError("syntax", mark, _(found), _(expected))
    return YamlError("syntax", mark, _not_yaml(error.problem or str(error)))


def _not_yaml(reason: str) -> str:
    return _("text that is not YAML ({reason})").format(reason=reason)


class _Composition:
    """One pass over the events of a parser: values, their marks, and what the anchors stand for."""

    def __init__(self, loader: Any, text: str) -> None:
        self.next = loader.get_event
        self.text = text
        self.marks = Marks()
        # What each anchor stands for, and how many values that is; None while it is being read.
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.expanded = 0

    def document(self) -> Document:
        self.next()  # the start of the stream
        if isinstance(self.next(), StreamEndEvent):
            return Document(None, Marks(values={(): Mark(1, 1)}))
        data, _size = self.value(self.next(), ())
        self.next()  # the end of the document
        after = self.next()
        if isinstance(after, DocumentStartEvent):
            expected = _("one document, without `---` between parts")
            raise YamlError("syntax", _mark(after), _("a second document"), expected)
        return Document(data, self.marks)

    def value(self, event: Event, path: Path) -> tuple[Any, int]:
        """The value that starts with `event`, and how many values it is made of, aliases expanded."""
        mark = self.marks.values[path] = _mark(event)
        if isinstance(event, AliasEvent):
            return self.alias(event, mark)
        assert isinstance(event, NodeEvent)  # the grammar of events allows no other here
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, ScalarEvent):
            result = _scalar(event, mark), 1
        elif len(path) >= MAX_DEPTH:
            found = _("more than {n} levels of nesting").format(n=MAX_DEPTH)
            raise YamlError("expansion", mark, found, _("fewer levels"))
        elif isinstance(event, SequenceStartEvent):
            result = self.sequence(event, path)
        else:
            assert isinstance(event, MappingStartEvent)
            result = self.mapping(event, path)
        if event.anchor:
            self.anchors[event.anchor] = result
        return result

    def alias(self, event: AliasEvent, mark: Mark) -> tuple[Any, int]:
        if event.anchor not in self.anchors:
            expected = _("an anchor `&name` before the alias `*name`")
            raise YamlError("expansion", mark, _("an alias without an anchor"), expected)
        result = self.anchors[event.anchor]
        if result is None:
            raise YamlError("expansion", mark, _("an alias inside what it stands for"), _("no recursion"))
        self.expanded += result[1]
        if self.expanded > MAX_EXPANDED:
            found = _("aliases that expand to more than {n} values").format(n=MAX_EXPANDED)
            raise YamlError("expansion", mark, found, _("fewer aliases of aliases"))
        return result

    def sequence(self, start: SequenceStartEvent, path: Path) -> tuple[list[Any], int]:
        _require_tag(start, "seq")
        items: list[Any] = []
        size = 1
        while not isinstance(event := self.next(), SequenceEndEvent):
            item, item_size = self.value(event, (*path, len(items)))
            items.append(item)
            size += item_size
        return items, size

    def mapping(self, start: MappingStartEvent, path: Path) -> tuple[dict[str, Any], int]:
        _require_tag(start, "map")
        items: dict[str, Any] = {}
        size = 1
        last = ""
        while not isinstance(event := self.next(), MappingEndEvent):
            key, mark = _key(event), _mark(event)
            value_event = self.next()
            if last in PROSE and isinstance(items[last], str) and self.is_bare(event, value_event):
                items[last] += f", {key}"
                continue
            if key in items:
                found = _("the key “{key}” a second time").format(key=key[:60])
                line = self.marks.keys[*path, key].line
                expected = _("each key once; it stands already in line {line}").format(line=line)
                raise YamlError("duplicate_key", mark, found, expected)
            self.marks.keys[*path, key] = mark
            items[key], item_size = self.value(value_event, (*path, key))
            size += item_size
            last = key
        return items, size

    def is_bare(self, key: Event, value: Event) -> bool:
        """Whether `key` is mere text in braces: `b` in `{description: a, b}`, to YAML a key without value."""
        if not (isinstance(value, ScalarEvent) and value.value == "" and value.implicit[0]):
            return False
        assert key.end_mark is not None
        assert value.end_mark is not None
        return ":" not in self.text[key.end_mark.index : value.end_mark.index]


def _mark(event: Event) -> Mark:
    assert event.start_mark is not None  # only events that were made by hand have none
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _key(event: Event) -> str:
    """Keys are names: whatever is written is text, so that `NO`, `12` and `true` may be names too."""
    if not isinstance(event, ScalarEvent):
        raise YamlError("syntax", _mark(event), _("something other than text as a key"), _("a name"))
    return str(event.value)


def _require_tag(event: SequenceStartEvent | MappingStartEvent, kind: str) -> None:
    if event.tag not in (None, "!", _CORE + kind):
        raise _unknown_tag(event.tag, _mark(event))


def _unknown_tag(tag: str | None, mark: Mark) -> YamlError:
    return YamlError("tag", mark, _("the tag “{tag}”").format(tag=(tag or "")[:60]), _("no tags"))


def _scalar(event: ScalarEvent, mark: Mark) -> Any:
    text: str = event.value
    kind = _kind(event, text)
    try:
        match kind:
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return {"true": True, "false": False}[text.lower()]
            case "int":
                return _integer(text)
            case "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except (KeyError, ValueError):
        found = _("“{text}”, which is not what it should be").format(text=text[:60])
        raise YamlError("syntax", mark, found, _("a number that can be read")) from None
    raise _unknown_tag(event.tag, mark)


def _kind(event: ScalarEvent, text: str) -> str:
    """Which type of the core schema a scalar has: as its tag says, else as it looks."""
    if event.tag not in (None, "!"):
        return str(event.tag).removeprefix(_CORE)
    if not event.implicit[0] or (text and text[0] not in _MAY_NOT_BE_TEXT):
        return "str"
    return next((kind for kind, pattern in PLAIN if pattern.fullmatch(text)), "str")


def _integer(text: str) -> int:
    for prefix, base in (("0o", 8), ("0x", 16)):
        if text.startswith(prefix):
            return int(text[2:], base)
    return int(text)

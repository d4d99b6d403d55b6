"""How is one thing of a policy or a roster changed, and nothing else of its text?

What an edit concerns is cut out and written anew; comments, order, style and every other line stay as their
authors wrote them. Then the text is read again: if it says anything but what the edits say, it is refused.
(A round trip through ruamel.yaml would write other lines anew too, and drop braces that matter.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, SequenceNode

from leadlane.errors import LeadlaneError
from leadlane.i18n import _
from leadlane.policy.problems import Problem
from leadlane.policy.yaml import PLAIN, YamlError, read_yaml

Place = tuple[str | int, ...]
# A row whose line would be longer takes a line for each key.
_LONGEST_LINE = 110
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Edit:
    """One change at a place: keys, and rows of lists by their `name` or `id`, or by number from 0.

    `set` puts `value` there, in the place of what was there. `insert` puts it as a row before the row at
    the place, or at the end for the number of all rows. `remove` takes it out.
    """

    do: Literal["set", "insert", "remove"]
    at: Place
    value: Any = None


class EditError(LeadlaneError):
    """An edit cannot be made in this text."""


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The text with the edits made one after the other.

    EditError if a place is not there, or if the text is such that it cannot be changed without changing
    something else too (an alias, for one).
    """
    wanted = applied(_data(text), edits)
    for edit in edits:
        text = _spliced(text, edit)
    try:
        said = read_yaml(text).data
    except YamlError:
        said = None
    if said != wanted:
        raise EditError(
            _("This cannot be changed without changing something else too: {places}.").format(
                places=", ".join(place_words(edit.at) for edit in edits)
            ),
            _("Change it by hand; anchors, aliases and unusual layout stand in the way."),
        )
    return text


def applied(data: Any, edits: Sequence[Edit]) -> Any:
    """The same edits made in a document that is data already; the one given stays as it is."""
    made = _copy(data)
    for edit in edits:
        inside = made
        for depth in range(1, len(edit.at)):
            inside = inside[_index(inside, edit.at[:depth])]
        _apply(inside, edit)
    return made


def _copy(data: Any) -> Any:
    """A copy in which what an alias stands for is a copy of its own, too."""
    if isinstance(data, Mapping):
        return {key: _copy(value) for key, value in data.items()}
    return [_copy(value) for value in data] if isinstance(data, (list, tuple)) else data


def place_words(place: Place) -> str:
    """`("routes", "hot", "pool")` as `routes.hot.pool`."""
    return ".".join(str(step) for step in place)


def _apply(inside: Any, edit: Edit) -> None:
    is_new = isinstance(inside, dict) and edit.do == "set" and edit.at[-1] not in inside
    at: Any = edit.at[-1] if is_new else _index(inside, edit.at, end=edit.do == "insert")
    if edit.do == "remove":
        del inside[at]
    elif edit.do == "insert" and isinstance(inside, list):
        inside.insert(at, _copy(edit.value))
    elif edit.do == "set":
        inside[at] = _copy(edit.value)
    else:
        raise _nothing_at(edit.at)


def _index(inside: Any, place: Place, *, end: bool = False) -> Any:
    """Where in a mapping or a list the last step of a place is; with `end`, the number after the last too."""
    step = place[-1]
    if isinstance(inside, dict) and step in inside:
        return step
    if isinstance(inside, list):
        if isinstance(step, int) and 0 <= step < len(inside) + end:
            return step
        names = [_name(row) for row in inside]
        if names.count(step) == 1:
            return names.index(step)
    raise _nothing_at(place)


def _name(row: Any) -> Any:
    return row.get("name" if "name" in row and "id" not in row else "id") if isinstance(row, dict) else row


def _nothing_at(place: Place) -> EditError:
    return EditError(
        _("There is no {place} that could be changed.").format(place=place_words(place)),
        _("It may have been removed or renamed meanwhile."),
    )


def _data(text: str) -> Any:
    try:
        return read_yaml(text).data
    except YamlError as error:
        raise EditError(str(Problem.of_yaml(error, "YAML"))) from error


# ---------------------------------------------------------------- in the text


def _spliced(text: str, edit: Edit) -> str:
    """One edit made in a text. Whatever is unusual may come out wrong; `edited` looks."""
    data, node = _data(text), yaml.compose(text, Loader=_Loader)
    for depth in range(1, len(edit.at)):
        at = _index(data, edit.at[:depth])
        data, node = data[at], _child(node, at)
    if not isinstance(node, CollectionNode):
        raise _nothing_at(edit.at)
    step = edit.at[-1]
    if edit.do == "set" and isinstance(node, MappingNode) and step not in data:
        return _with_key(text, node, str(step), edit.value)
    at = _index(data, edit.at, end=edit.do == "insert")
    if edit.do == "set":
        return _replaced(text, node, at, edit.value)
    if edit.do == "insert":
        return _inserted(text, node, at, edit.value)
    return _removed(text, node, at)


def _child(node: Any, at: str | int) -> Any:
    if isinstance(node, MappingNode):
        return next(value for key, value in node.value if key.value == at)
    return node.value[at]


def _items(node: CollectionNode) -> list[tuple[int, int]]:
    """From where to where each item of a collection reaches; of a mapping, its keys with their values."""
    if isinstance(node, MappingNode):
        return [(key.start_mark.index, _end(value)) for key, value in node.value]
    return [(item.start_mark.index, _end(item)) for item in node.value]


def _end(node: Node) -> int:
    """Where a value ends. What YAML says of block collections is where the next thing begins."""
    if isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(node, MappingNode) else last)
    assert node.end_mark is not None  # only nodes that were made by hand have none
    return int(node.end_mark.index)


def _replaced(text: str, node: CollectionNode, at: str | int, value: Any) -> str:
    if isinstance(node, MappingNode):
        key, old = next(pair for pair in node.value if pair[0].value == at)
        start, end = int(key.end_mark.index), _end(old)
        # What stands on one line keeps the spaces before it.
        between = text[start : old.start_mark.index]
        if "#" in between and end > old.start_mark.index:
            return text[: old.start_mark.index] + flow(value) + text[end:]
        gap = between if "\n" not in between and between.endswith(" ") else ": "
        return text[:start] + gap + flow(value) + text[max(end, start) :]
    start, end = _items(node)[int(at)]
    return text[:start] + flow(value) + text[end:]


def _with_key(text: str, node: CollectionNode, key: str, value: Any) -> str:
    said = flow({key: value})[1:-1]
    if node.flow_style or not node.value:
        return _at_end_of_flow(text, node, said)
    end = _line_end(text, _end(node))
    return f"{text[:end]}\n{' ' * node.value[0][0].start_mark.column}{said}{text[end:]}"


def _at_end_of_flow(text: str, node: CollectionNode, said: str) -> str:
    assert node.end_mark is not None
    close = int(node.end_mark.index) - 1
    end = len(text[:close].rstrip())
    comma = "" if not node.value else " " if text[end - 1] == "," else ", "
    return text[:end] + comma + said + text[close:]


def _inserted(text: str, node: CollectionNode, at: int, value: Any) -> str:
    items = _items(node)
    if node.flow_style or not items:
        if at == len(items):
            return _at_end_of_flow(text, node, flow(value))
        start = items[at][0]
        return text[:start] + flow(value) + ", " + text[start:]
    dash = _dash(text, items[min(at, len(items) - 1)][0])
    begin = _line_start(text, dash)
    row = _row(value, dash - begin)
    if at < len(items):
        return text[:begin] + row + "\n" + text[begin:]
    end = _line_end(text, items[-1][1])
    return text[:end] + "\n" + row + text[end:]


def _removed(text: str, node: CollectionNode, at: str | int) -> str:
    items = _items(node)
    place = [key.value for key, _value in node.value].index(at) if isinstance(node, MappingNode) else int(at)
    start, end = items[place]
    if len(items) == 1:
        return text[: items[0][0]].rstrip("- \n{[") + _emptied(text, node)
    if node.flow_style:
        if place + 1 < len(items):
            return text[:start] + text[items[place + 1][0] :]
        return text[: items[place - 1][1]] + text[end:]
    if isinstance(node, SequenceNode):
        start = _dash(text, start)
    # The first key of a row stands behind its dash: the second takes its place.
    if place + 1 < len(items) and text[_line_start(text, start) : start].strip():
        return text[:start] + text[items[place + 1][0] :]
    return text[: _line_start(text, start)] + text[_line_end(text, end) + 1 :]


def _emptied(text: str, node: CollectionNode) -> str:
    empty = " {}" if isinstance(node, MappingNode) else " []"
    assert node.end_mark is not None
    return empty + text[int(node.end_mark.index) if node.flow_style else _end(node) :]


def _dash(text: str, start: int) -> int:
    return text.rindex("-", 0, start)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    """The end of the line in which something ends; a text in lines ends before its line break."""
    found = text.find("\n", max(at - 1, 0) if text[at - 1 : at] == "\n" else at)
    return found if found >= 0 else len(text)


# ---------------------------------------------------------------- writing


class _Dumper(yaml.SafeDumper):
    """YAML 1.2 without references: quotes where a text would be read as something else, and nowhere else."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


# Those of YAML 1.1 would put quotes around dates and `NO`.
_Dumper.yaml_implicit_resolvers = {}
for _kind, _pattern in PLAIN:
    _Dumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"(?:{_pattern.pattern})\Z"), None
    )


def flow(value: Any) -> str:
    """A value as YAML on one line: `{pool: sdr, when: {country: [DE, AT]}}`."""
    said: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000, default_flow_style=True
    )
    return said.removesuffix("...\n").strip("\n")


def _row(value: Any, indent: int) -> str:
    """A row of a list as lines, each indented by so many spaces; on one line where there is room."""
    said = flow(value)
    lead = " " * indent
    if not isinstance(value, Mapping) or indent + 2 + len(said) <= _LONGEST_LINE:
        return f"{lead}- {said}"
    keys = [flow({key: one})[1:-1] for key, one in value.items()]
    return "\n".join(f"{lead}{'- ' if place == 0 else '  '}{key}" for place, key in enumerate(keys))

"""`leadlane report`: how does it go? Every kind of report over a period, on the terminal and as files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from leadlane.i18n import _


class Kinds(TyperGroup):
    """A command for each kind, made when one is asked for: importing what computes figures takes a second,
    which no other command should pay.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the kinds, in the order in which they are offered."""
        return list(_commands())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a kind; None if there is no such kind."""
        return _commands().get(cmd_name)


def _commands() -> Mapping[str, Any]:
    from leadlane.cli.report_kinds import app as kinds

    return typer.main.get_group(kinds).commands


app = typer.Typer(help=_("Reports on what happened in a period."), no_args_is_help=True, cls=Kinds)

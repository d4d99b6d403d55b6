"""What does a command look like in a terminal? Runs it in one, and draws what it printed as SVG.

    python tools/terminal_picture.py docs/pictures/explain.svg -- leadlane explain LEAD

The picture is of what really was printed; it loads no font from anywhere.
"""

import argparse
import io
import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

WIDTH, HEIGHT = 100, 200
THEME = TerminalTheme(
    (24, 26, 31),
    (214, 218, 226),
    [
        (24, 26, 31), (240, 113, 120), (152, 211, 120), (230, 200, 110),
        (97, 175, 239), (198, 140, 230), (96, 200, 205), (214, 218, 226),
    ],
    [
        (110, 118, 132), (240, 113, 120), (152, 211, 120), (230, 200, 110),
        (97, 175, 239), (198, 140, 230), (96, 200, 205), (245, 247, 250),
    ],
)  # fmt: skip


def run_in_terminal(command: list[str]) -> str:
    """Everything that `command` writes to a terminal of WIDTH columns, escape sequences included."""
    os.environ |= {"COLUMNS": str(WIDTH), "LINES": str(HEIGHT), "TERM": "xterm-256color"}
    printed: list[bytes] = []

    def read(descriptor: int) -> bytes:
        data = os.read(descriptor, 65536)
        printed.append(data)
        return data

    status = pty.spawn(command, read)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return b"".join(printed).decode().replace("\r\n", "\n")


def last_frames(text: str) -> str:
    """What stays on the screen: of lines that were drawn over, the last drawing; no cursor movements."""
    lines = [line.rsplit("\r", 1)[-1] for line in text.split("\n")]
    return re.sub(r"\x1b\[(\?25[lh]|2?K|\d*A)", "", "\n".join(lines))


def draw(text: str, title: str) -> str:
    """The text as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(text.rstrip("\n")))
    svg = console.export_svg(title=title, theme=THEME)
    # The font of the reader's machine will do; a picture must not call anybody.
    svg = re.sub(r"@font-face \{[^}]*\}", "", svg)
    return svg.replace("Fira Code", "ui-monospace, Menlo, Consolas")


def main() -> None:
    """Read the command line, run, draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    text = last_frames(run_in_terminal(given.command))
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    given.picture.write_text(draw(text, " ".join(given.command)), encoding="utf-8")


if __name__ == "__main__":
    main()

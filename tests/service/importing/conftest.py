"""Files of exports, imported in one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from leadlane.intake.import_columns import Kind
from leadlane.service.importing.difference import Difference
from leadlane.service.importing.run import ImportFile, import_file

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def bring(published: psycopg.Connection, tmp_path: Path) -> Callable[..., Difference]:
    """Imports a text as a file: `bring("accounts", "id,name\\n1,Acme\\n")`."""

    def bring(
        kind: Kind,
        text: str | bytes,
        *,
        name: str = "export.csv",
        columns: dict[str, str] | None = None,
        clears: bool = False,
        dry_run: bool = False,
        now: datetime = NOW,
    ) -> Difference:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        published.autocommit = True
        file = ImportFile(kind, str(path), columns or {}, clears=clears)
        return import_file(published, file, "tester", now, dry_run=dry_run, shown=None)

    return bring

"""What `leadlane run` says where the demonstration company was loaded only in part."""

from __future__ import annotations

from pathlib import Path

from leadlane.cli.serve import _where_to_begin_anew
from leadlane.config import Settings


def test_with_a_database_of_ones_own_it_names_that_and_not_the_folder(tmp_path: Path) -> None:
    url = "postgresql://kim:secret@db.example/leads"
    said = _where_to_begin_anew(Settings(database_url=url, data_dir=tmp_path))
    assert "LEADLANE_DATABASE_URL" in said
    assert "db.example" in said
    assert "secret" not in said
    assert "LEADLANE_DATA_DIR" not in said


def test_with_the_embedded_one_it_names_the_folder(tmp_path: Path) -> None:
    said = _where_to_begin_anew(Settings(data_dir=tmp_path))
    assert "LEADLANE_DATA_DIR" in said
    assert str(tmp_path) in said

"""Settings: each value from the right place, secrets kept, mistakes named with what was meant."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from leadlane.config import Settings, explain, load
from leadlane.errors import SettingsError


def test_defaults_need_no_file_and_no_environment(tmp_path: Path) -> None:
    loaded = load({}, tmp_path)
    assert loaded.settings == Settings()
    assert (loaded.settings.host, loaded.settings.port) == ("127.0.0.1", 8300)
    assert all(setting.is_default for setting in explain(loaded))


def test_the_environment_wins_over_the_file_and_each_value_says_where_it_is_from(tmp_path: Path) -> None:
    (tmp_path / "leadlane.toml").write_text('port = 9000\nlanguage = "pl"\n')
    loaded = load({"LEADLANE_PORT": "9001"}, tmp_path)
    assert (loaded.settings.port, loaded.settings.language) == (9001, "pl")
    sources = {setting.name: setting.source for setting in explain(loaded)}
    assert sources["port"] == "LEADLANE_PORT"
    assert sources["language"] == str(tmp_path / "leadlane.toml")
    assert sources["host"] == "default"


def test_the_variable_leadlane_config_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("batch_max = 7")
    assert load({"LEADLANE_CONFIG": "other.toml"}, tmp_path).settings.batch_max == 7
    with pytest.raises(SettingsError, match=r"gone\.toml does not exist"):
        load({"LEADLANE_CONFIG": "gone.toml"}, tmp_path)


def test_every_problem_is_reported_at_once_with_its_place_and_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "leadlane.toml").write_text('languag = "pl"\nport = 70000\n')
    with pytest.raises(SettingsError) as caught:
        load({"LEADLANE_LOG_FORMAT": "xml", "LEADLANE_DATABASE_URL": "postgresql://u:hunter2@[/"}, tmp_path)
    message = caught.value.message
    file = tmp_path / "leadlane.toml"
    assert f"{file}: there is no setting languag. Did you mean language?" in message
    assert f"{file}: port cannot be 70000; expected a whole number from 1 to 65535." in message
    assert "LEADLANE_LOG_FORMAT: log_format cannot be 'xml'; expected one of text, json." in message
    assert "LEADLANE_DATABASE_URL: database_url cannot be" in message
    assert "hunter2" not in message


def test_a_file_that_is_not_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "leadlane.toml").write_text("port = 1\nport: 2\n")
    with pytest.raises(SettingsError, match="line 2"):
        load({}, tmp_path)


def test_an_unknown_variable_is_a_warning_because_the_environment_is_shared_with_others(
    tmp_path: Path,
) -> None:
    loaded = load({"LEADLANE_PROT": "1", "LEADLANE_SERVICE_HOST": "10.0.0.1", "OTHER": "x"}, tmp_path)
    assert loaded.warnings[0] == "There is no setting LEADLANE_PROT. Did you mean LEADLANE_PORT?"
    assert len(loaded.warnings) == 2
    assert loaded.settings == Settings()


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert load({"LEADLANE_PORT": ""}, tmp_path).settings.port == 8300


def test_passwords_are_never_shown(tmp_path: Path) -> None:
    loaded = load({"LEADLANE_DATABASE_URL": "postgresql://ann:hunter2@db.example/leads"}, tmp_path)
    shown = {setting.name: setting for setting in explain(loaded)}["database_url"]
    assert shown.is_secret
    assert "db.example" in shown.value
    assert "hunter2" not in shown.value
    assert "hunter2" not in repr(loaded)
    assert loaded.settings.database_url == "postgresql://ann:hunter2@db.example/leads"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_every_setting_is_described() -> None:
    assert all(len(setting.description) > 20 for setting in explain(load({}, Path("/"))))

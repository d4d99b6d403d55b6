"""How is this Leadlane set up, and where did each value come from?

A setting is read from the environment (`LEADLANE_PORT`), else from the settings file (`port = 8300` in
`leadlane.toml` of the current folder, or in the file that `LEADLANE_CONFIG` names), else it has its default.
Every problem is reported at once, each with its place.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from annotated_types import Ge, Le
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

from leadlane.errors import SettingsError
from leadlane.i18n import N_, _

PREFIX = "LEADLANE_"
FILE_VARIABLE = "LEADLANE_CONFIG"
DEFAULT_FILE = "leadlane.toml"
# Read by the Makefile and the tests, not by Leadlane itself.
FOREIGN_VARIABLES = ("LEADLANE_PYTHON", "LEADLANE_SHARED_DATA", "LEADLANE_TEST_")
HIDDEN = "•••"


def _setting(default: Any, description: str, *, is_secret: bool = False, **limits: Any) -> Any:
    return Field(
        default,
        description=description,
        repr=not is_secret,
        json_schema_extra={"is_secret": is_secret},
        **limits,
    )


class Settings(BaseModel):
    """Every setting of an installation; a change takes a restart. Relative paths start where we are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = _setting(
        Path("leadlane-data"),
        N_("Folder for what Leadlane keeps on this machine, above all the embedded PostgreSQL."),
    )
    database_url: str = _setting(
        "",
        N_("Your own PostgreSQL 15 or newer, as postgresql://user:password@host/database; empty: embedded."),
        is_secret=True,
    )
    db_pool_size: int = _setting(8, N_("Database connections that one process keeps."), ge=1, le=500)
    host: str = _setting("127.0.0.1", N_("Network address on which the server listens; 0.0.0.0 for all."))
    port: int = _setting(8300, N_("Port on which the server listens."), ge=1, le=65535)
    language: Literal["en", "pl", "it"] = _setting("en", N_("Language where the reader has not chosen one."))
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", N_("Least important log lines to write.")
    )
    log_format: Literal["text", "json"] = _setting(
        "text", N_("Log lines as text for people, or json for collectors.")
    )
    max_body_bytes: int = _setting(10 * 1024 * 1024, N_("Largest accepted request body, in bytes."), ge=1024)
    max_upload_bytes: int = _setting(
        256 * 1024 * 1024, N_("Largest file that an admin may upload to import it, in bytes."), ge=1024
    )
    rate_limit_per_minute: int = _setting(
        60_000, N_("Requests that one API key may make in a minute; 0: no limit."), ge=0
    )
    late_after_seconds: int = _setting(
        120, N_("Seconds by which due steps may be late before /readyz says so and an alarm goes out."), ge=1
    )
    batch_max: int = _setting(500, N_("Most leads routed together in one transaction."), ge=1, le=10_000)
    smtp_url: str = _setting(
        "",
        N_("Mail server as smtp://user:password@host:587, or smtps:// for TLS at once; empty: no e-mail."),
        is_secret=True,
    )
    mail_from: str = _setting("", N_("Who e-mails are from: Leads <leads@example.com>; needed to send any."))
    mail_per_minute: int = _setting(600, N_("Most e-mails in a minute."), ge=1)
    slack_bot_token: str = _setting(
        "", N_("Token of your Slack app, xoxb-…; empty: no Slack. See docs/slack.md."), is_secret=True
    )
    slack_signing_secret: str = _setting(
        "", N_("Signing secret of your Slack app, for answers by its buttons."), is_secret=True
    )
    slack_api_url: str = _setting(
        "https://slack.com/api/", N_("Where Slack's Web API is; change it to test.")
    )
    twilio_account_sid: str = _setting("", N_("Your Twilio account, AC…; empty: no SMS by Twilio."))
    twilio_auth_token: str = _setting("", N_("The auth token of your Twilio account."), is_secret=True)
    twilio_from: str = _setting(
        "", N_("The number that SMS come from, as +15005550006, or a messaging service, MG….")
    )
    public_url: str = _setting(
        "", N_("Where people reach this server, as https://leads.example.com; links in messages begin so.")
    )
    outbound_file: Path | None = _setting(
        None, N_("File of webhook endpoints; without it, outbound.yaml of the data folder, if there is one.")
    )
    templates_dir: Path | None = _setting(
        None, N_("Folder of your own templates of messages, used in place of those of the same name.")
    )
    keep_messages_days: int = _setting(
        90, N_("Days for which messages are kept once they have been sent, or were not needed."), ge=1
    )
    admins: str = _setting(
        "", N_("Ids of the people who hear of alarms, with commas; empty: everyone whose role is revops.")
    )

    @field_validator("data_dir")
    @classmethod
    def _expand_home(cls, folder: Path) -> Path:
        return folder.expanduser()

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0):
            raise ValueError
        return url

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError
        return url.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _readable_url(cls, url: str) -> str:
        try:
            conninfo_to_dict(url)
        except ProgrammingError as error:
            raise ValueError from error
        return url


@dataclass(frozen=True, slots=True)
class ExplainedSetting:
    """One setting as `leadlane settings` shows it; `value` is fit to be shown, its secret part hidden."""

    name: str
    value: str
    source: str
    description: str
    variable: str
    is_secret: bool
    is_default: bool


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, where each that is not a default was found, and what looks like a mistake."""

    settings: Settings
    sources: Mapping[str, str]
    warnings: tuple[str, ...]


@cache
def settings() -> Settings:
    """The settings of this process, read once; raises SettingsError naming every bad one."""
    return load(os.environ, Path.cwd()).settings


def load(environ: Mapping[str, str], folder: Path) -> LoadedSettings:
    """Reads the settings from an environment and from the settings file of `folder`.

    Raises SettingsError that lists every unknown key and every value that does not fit.
    """
    from_file, file = _read_file(environ, folder)
    from_environment, warnings = _read_environment(environ)
    values = {**from_file, **from_environment}
    sources = {name: str(file) for name in from_file}
    sources |= {name: variable(name) for name in from_environment}
    try:
        loaded = Settings(**values)
    except ValidationError as error:
        problems = [_problem(detail, sources) for detail in error.errors()]
        raise SettingsError(
            "\n".join(problems), _("`leadlane settings --help` lists what can be set.")
        ) from None
    return LoadedSettings(loaded, sources, tuple(warnings))


def explain(loaded: LoadedSettings) -> list[ExplainedSetting]:
    """Every setting in the order of the class, with its value (secrets hidden) and where that came from."""
    return [
        ExplainedSetting(
            name=name,
            value=_shown(name, getattr(loaded.settings, name)),
            source=loaded.sources.get(name, _("default")),
            description=_(str(field.description)),
            variable=variable(name),
            is_secret=_is_secret(field),
            is_default=name not in loaded.sources,
        )
        for name, field in Settings.model_fields.items()
    ]


def variable(name: str) -> str:
    """The environment variable of the setting `name`."""
    return PREFIX + name.upper()


def hide_password(url: str) -> str:
    """A database address that may be shown: the same without its password."""
    parts = conninfo_to_dict(url)
    if "password" in parts:
        parts["password"] = HIDDEN
    return make_conninfo("", **parts)


def _read_file(environ: Mapping[str, str], folder: Path) -> tuple[dict[str, Any], Path]:
    named = environ.get(FILE_VARIABLE)
    file = folder / (named or DEFAULT_FILE)
    if not file.exists():
        if named:
            raise SettingsError(
                _("The settings file {file} does not exist.").format(file=file),
                _("Create it, or unset {variable}.").format(variable=FILE_VARIABLE),
            )
        return {}, file
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")), file
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            _("The settings file {file} cannot be read: {error}").format(file=file, error=error),
            _("It is a TOML file in UTF-8 with lines such as: port = 8300"),
        ) from error


def _read_environment(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    values = {}
    warnings = []
    for key, value in environ.items():
        name = key.removeprefix(PREFIX).lower()
        # An empty variable counts as not set: container tools pass on empty ones.
        is_foreign = key == FILE_VARIABLE or key.startswith(FOREIGN_VARIABLES)
        if not key.startswith(PREFIX) or is_foreign or not value:
            continue
        if name in Settings.model_fields:
            values[name] = value
        else:
            # Not refused: Kubernetes sets variables like LEADLANE_SERVICE_HOST beside such a service.
            warnings.append(_unknown(key, "", [variable(name) for name in Settings.model_fields]))
    return values, warnings


def _problem(detail: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    name = str(detail["loc"][0])
    source = sources[name]
    if detail["type"] == "extra_forbidden":
        return _unknown(name, source, list(Settings.model_fields))
    found = HIDDEN if _is_secret(Settings.model_fields[name]) else repr(detail["input"])
    return _("{source}: {name} cannot be {found}; expected {expected}.").format(
        source=source, name=name, found=found, expected=_expected(Settings.model_fields[name])
    )


def _unknown(key: str, source: str, known: list[str]) -> str:
    close = get_close_matches(key, known, n=1)
    text = _("There is no setting {key}.").format(key=key)
    if source:
        text = _("{source}: there is no setting {key}.").format(source=source, key=key)
    return text + " " + _("Did you mean {name}?").format(name=close[0]) if close else text


def _expected(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return _("one of {values}").format(values=", ".join(get_args(field.annotation)))
    if field.annotation is not int:
        return _("a text that fits: {description}").format(description=_(str(field.description)))
    low = next((limit.ge for limit in field.metadata if isinstance(limit, Ge)), None)
    high = next((limit.le for limit in field.metadata if isinstance(limit, Le)), None)
    if high is None:
        return _("a whole number of at least {low}").format(low=low)
    return _("a whole number from {low} to {high}").format(low=low, high=high)


def hide_credentials(url: str) -> str:
    """A web or mail address that may be shown: the same without its user's password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", f":{HIDDEN}@", 1)


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    if name == "database_url" and value:
        return hide_password(str(value))
    return hide_credentials(str(value)) if name == "smtp_url" else str(value)


def _is_secret(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("is_secret"))

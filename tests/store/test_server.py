"""The embedded server: starts, is shared, stops with its last user, and outlives every way of being
killed.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from leadlane.config import Settings
from leadlane.errors import DatabaseError
from leadlane.store import server
from leadlane.store.server import create_database, embedded_server, ensure_database, maintenance_url

FAST = {"fsync": "off", "shared_buffers": "16MB"}
# A Leadlane of its own: says the address, waits for a line, leaves.
OTHER = f"""
from pathlib import Path; import sys
from leadlane.store.server import embedded_server
with embedded_server(Path(sys.argv[1]), {FAST!r}) as url:
    print(url, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not below pytest's own folder: the user that PostgreSQL runs as for root could not enter that.
    with tempfile.TemporaryDirectory(prefix="leadlane-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        if pid := postmaster(Path(folder)):
            psutil.Process(pid).kill()


def postmaster(data_dir: Path) -> int | None:
    file = data_dir / "postgres" / "data" / "postmaster.pid"
    return int(file.read_text().splitlines()[0]) if file.exists() else None


def write(url: str, value: int) -> None:
    create_database(url)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def kept(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY value")]


def other_leadlane(data_dir: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, data_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("postgresql://")
    return process


def test_data_outlive_the_server_and_the_server_stops_with_its_only_user(data_dir: Path) -> None:
    with embedded_server(data_dir, FAST) as url:
        write(url, 1)
        assert postmaster(data_dir)
    assert postmaster(data_dir) is None
    with embedded_server(data_dir, FAST) as url:
        assert kept(url) == [1]


def test_the_server_is_durable_and_closed_to_the_network(data_dir: Path) -> None:
    with embedded_server(data_dir) as url, psycopg.connect(maintenance_url(url)) as connection:
        names = (
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "listen_addresses",
            "jit",
            "server_encoding",
        )
        found = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in names}  # type: ignore[index]
    assert found == {
        "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on",
        "listen_addresses": "", "jit": "off", "server_encoding": "UTF8",
    }  # fmt: skip
    assert (data_dir / "postgres").stat().st_mode & 0o777 == 0o700


def test_several_processes_share_one_server_and_the_last_one_stops_it(data_dir: Path) -> None:
    with embedded_server(data_dir, FAST) as url:
        write(url, 1)
        other = other_leadlane(data_dir)
        pid = postmaster(data_dir)
    assert postmaster(data_dir) == pid
    assert kept(url) == [1]
    other.communicate("done\n", timeout=30)
    assert postmaster(data_dir) is None


def test_a_killed_leadlane_leaves_a_server_that_the_next_one_uses_and_stops(data_dir: Path) -> None:
    other = other_leadlane(data_dir)
    other.kill()
    other.communicate(timeout=30)
    left_behind = postmaster(data_dir)
    assert left_behind
    with embedded_server(data_dir, FAST):
        assert postmaster(data_dir) == left_behind
    assert postmaster(data_dir) is None


def test_a_killed_server_starts_again_with_all_that_was_committed(data_dir: Path) -> None:
    with embedded_server(data_dir, FAST) as url:
        write(url, 1)
        pid = postmaster(data_dir)
        assert pid
        os.kill(pid, signal.SIGKILL)
        with embedded_server(data_dir, FAST) as again:
            assert postmaster(data_dir) != pid
            assert kept(again) == [1]


def test_a_server_that_dies_under_us_is_started_again(data_dir: Path) -> None:
    with embedded_server(data_dir, FAST) as url:
        write(url, 1)
        pid = postmaster(data_dir)
        assert pid
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                assert kept(url) == [1]
                break
            except psycopg.OperationalError:
                time.sleep(0.1)
        assert postmaster(data_dir) not in (None, pid)


def test_a_stale_number_that_now_belongs_to_another_process_does_not_prevent_a_start(data_dir: Path) -> None:
    with embedded_server(data_dir, FAST):
        pid_file = data_dir / "postgres" / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with embedded_server(data_dir, FAST):
        assert postmaster(data_dir) != os.getpid()


def test_a_creation_that_was_interrupted_begins_again(data_dir: Path) -> None:
    unfinished = data_dir / "postgres" / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with embedded_server(data_dir, FAST) as url:
        create_database(url)


def test_a_path_too_long_for_a_socket_is_no_obstacle(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ROOT_HOME", data_dir / "var-lib")
    monkeypatch.setattr(tempfile, "tempdir", str(data_dir))
    folder = data_dir / ("long-" * 20) / ("longer-" * 10)
    with embedded_server(folder, FAST) as url:
        create_database(url)
    assert postmaster(folder) is None


def test_your_own_parameters_win(data_dir: Path) -> None:
    with embedded_server(data_dir, FAST):
        (data_dir / "postgres" / "custom.conf").write_text("work_mem = '33MB'\n")
    with embedded_server(data_dir, FAST) as url, psycopg.connect(maintenance_url(url)) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("33MB",)


def test_a_server_that_cannot_start_says_why(data_dir: Path) -> None:
    with (
        pytest.raises(DatabaseError, match="does not start") as caught,
        embedded_server(data_dir, {"shared_buffers": "plenty"}),
    ):
        pass
    assert 'invalid value for parameter "shared_buffers": "plenty"' in caught.value.hint


def test_data_of_another_postgresql_are_left_alone(data_dir: Path) -> None:
    with embedded_server(data_dir, FAST):
        pass
    (data_dir / "postgres" / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(DatabaseError, match="are of PostgreSQL 14"), embedded_server(data_dir, FAST):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
def test_for_root_an_unreachable_folder_is_kept_elsewhere_and_no_permission_is_changed(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ROOT_HOME", data_dir / "var-lib")
    private = data_dir / "private"
    private.mkdir(mode=0o700)
    for _time in range(2):
        with embedded_server(private / "data", FAST) as url:
            write(url, 1)
    assert private.stat().st_mode & 0o777 == 0o700
    assert (private / "data" / "postgres").resolve().is_relative_to(data_dir / "var-lib")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written_is_named(data_dir: Path) -> None:
    (data_dir / "closed").mkdir(mode=0o500)
    with pytest.raises(DatabaseError, match="closed cannot be used"), embedded_server(data_dir / "closed"):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for PostgreSQL")
def test_for_root_programs_out_of_reach_are_copied_once(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ROOT_HOME", data_dir / "var-lib")
    monkeypatch.setattr(server, "_can_run", lambda program, user: False)
    with embedded_server(data_dir, FAST) as url:
        create_database(url)
        running = Path(psutil.Process(postmaster(data_dir)).cmdline()[0])
    assert running.is_relative_to(data_dir / "var-lib")


def test_your_own_server_is_used_and_the_database_made_there(server_url: str) -> None:
    url = make_conninfo(server_url, dbname=f"own_{os.getpid()}")
    with ensure_database(Settings(database_url=url)) as found:
        assert found == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    with psycopg.connect(maintenance_url(url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE own_{os.getpid()}")


def test_an_old_server_is_refused(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "OLDEST_POSTGRES", 99)
    with pytest.raises(DatabaseError, match=r"This is PostgreSQL 1\d; Leadlane needs 99 or newer"):
        create_database(server_url)


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(DatabaseError, match="cannot be reached") as caught:
        create_database("postgresql://ann:hunter2@127.0.0.1:1/leads")
    assert "127.0.0.1" in caught.value.message
    assert "hunter2" not in str(caught.value)

"""Log files of `make up` stay bounded, and `make logs` follows them over a cut and a new beginning."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.logfiles import begin, bound, end_of
from deploy.local.logs import Follower, chosen, follow


def test_a_start_begins_a_new_file_and_keeps_the_one_before(tmp_path: Path) -> None:
    for text in ("first\n", "second\n", "third\n"):
        begin(tmp_path / "log" / "auth.log").write_text(text)
    assert (tmp_path / "log" / "auth.log").read_text() == "third\n"
    assert [path.name for path in (tmp_path / "log").glob("*.1")] == ["auth.log.1"]
    assert (tmp_path / "log" / "auth.log.1").read_text() == "second\n"


def test_a_file_that_is_written_to_is_cut_and_written_on(tmp_path: Path) -> None:
    log = begin(tmp_path / "auth.log")
    program = "import sys\nfor line in sys.stdin: print(line * 1000, end='', flush=True)"
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=output, text=True, bufsize=1
        ) as writer,
    ):
        assert writer.stdin is not None
        for count in range(1, 4):
            writer.stdin.write(f"line {count}\n")
            writer.stdin.flush()
            while f"line {count}" not in log.read_text()[-7:]:
                pass
            bound(tmp_path, most_bytes=10_000)
            assert log.stat().st_size <= 10_000
    assert log.read_text() == "line 3\n" * 1000
    assert (tmp_path / "auth.log.1").read_text() == "line 1\n" * 1000 + "line 2\n" * 1000


def test_the_follower_gives_whole_lines_over_a_cut_and_a_new_file(tmp_path: Path) -> None:
    log = begin(tmp_path / "auth.log")
    follower = Follower(log)
    with log.open("a") as file:
        file.write("one\ntw")
    assert follower.added() == ["one"]
    with log.open("a") as file:
        file.write("o\n")
    assert follower.added() == ["two"]
    bound(tmp_path, most_bytes=1)
    assert follower.added() == []
    with log.open("a") as file:
        file.write("3\n")
    assert follower.added() == ["3"]
    begin(log).write_text("four, and longer than before\n")
    assert follower.added() == ["four, and longer than before"]


def test_lines_have_the_name_of_their_process_before_them(tmp_path: Path) -> None:
    for name in ("auth", "gateway"):
        begin(tmp_path / f"{name}.log").write_text(f"of {name}\n")
    assert list(follow(chosen(tmp_path, []), polls=1)) == ["auth    | of auth", "gateway | of gateway"]
    assert [log.stem for log in chosen(tmp_path, ["gateway"])] == ["gateway"]
    assert end_of(tmp_path / "none.log", 3) == []


def test_without_log_files_it_says_how_to_get_some(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="start everything with `make up`"):
        chosen(tmp_path, [])

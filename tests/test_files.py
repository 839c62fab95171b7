"""Files are written whole or not at all, and what a killed process left goes away a day later."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from autograd.files import write_whole

TEMPORARY = re.compile(r"\.(.*)\.[0-9a-f]{16}\.glassgrad-tmp")
DAY = 24 * 60 * 60


def left(name: str = "a.json", digits: str = "0123456789abcdef") -> str:
    return f".{name}.{digits}.glassgrad-tmp"


def made(path: Path, age: float) -> Path:
    path.write_bytes(b"half")
    os.utime(path, (time.time() - age,) * 2)
    return path


KILLED = """
import os, sys
from autograd.files import write_whole
os.{call} = lambda *given: os._exit(9)
write_whole(sys.argv[1], b"new")
"""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_killed_process_leaves_the_old_file_and_a_temporary_one_that_tells_its_name(tmp_path: Path, call: str):
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED.format(call=call), str(path)], check=False)
    assert done.returncode == 9
    assert path.read_bytes() == b"old"
    temporary = next(file for file in tmp_path.iterdir() if file != path)
    found = TEMPORARY.fullmatch(temporary.name)
    assert found is not None
    assert found[1] == "a.json"
    write_whole(path, b"newer")
    assert temporary.exists()  # another process may be writing it
    made(temporary, 1.1 * DAY)
    write_whole(path, b"newest")
    assert os.listdir(tmp_path) == ["a.json"]
    assert path.read_bytes() == b"newest"


def test_only_old_temporary_files_of_the_same_path_are_removed(tmp_path: Path):
    path, old = tmp_path / "a.json", made(tmp_path / left(), 1.1 * DAY)
    kept = [
        made(tmp_path / name, 100 * DAY)
        for name in (
            *(left("b.json"), left("a_json"), left(digits="0123456789abcde"), left(digits="0123456789ABCDEF")),
            *(f"{left()}.bak", f"x{left()}", ".a.json.glassgrad-tmp", ".a.json.0123456789abcdef.tmp", "a.json.old"),
        )
    ]
    kept.append(made(tmp_path / left(digits="f" * 16), 0.9 * DAY))
    folder = tmp_path / left(digits="e" * 16)
    folder.mkdir()
    os.utime(folder, (time.time() - 2 * DAY,) * 2)
    write_whole(path, b"new")
    assert not old.exists()
    assert sorted(tmp_path.iterdir()) == sorted([path, folder, *kept])


@pytest.mark.skipif(os.name != "posix", reason="links as POSIX has them")
def test_a_link_with_the_name_of_a_temporary_file_stays(tmp_path: Path):
    target = made(tmp_path / "precious", 100 * DAY)
    link = tmp_path / left()
    link.symlink_to(target)
    os.utime(link, (time.time() - 2 * DAY,) * 2, follow_symlinks=False)
    write_whole(tmp_path / "a.json", b"new")
    assert link.is_symlink()
    assert target.exists()


@pytest.mark.skipif(os.name != "posix", reason="links as POSIX has them")
def test_a_link_s_temporary_files_stand_beside_what_it_points_to(tmp_path: Path):
    (tmp_path / "far").mkdir()
    old = made(tmp_path / "far" / left("real.json"), 2 * DAY)
    link = tmp_path / "a.json"
    link.symlink_to(tmp_path / "far" / "real.json")
    write_whole(link, b"new")
    assert not old.exists()
    assert link.is_symlink()
    assert (tmp_path / "far" / "real.json").read_bytes() == b"new"


def interrupted_at(line: int, path: Path) -> bool:
    """Write with Ctrl-C before the given line that runs; return whether so many lines ran."""
    count = 0

    def local(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        if event == "line" and count == line:
            raise KeyboardInterrupt
        return local

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        return local if frame.f_code is write_whole.__code__ else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        write_whole(path, b"new")
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


# Ctrl-C before the file's own __exit__ leaves its closing to the reference count, which warns.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("exists", [True, False])
def test_ctrl_c_at_any_line_leaves_the_old_file_or_the_new_one(tmp_path: Path, exists: bool):
    line, found = 1, set()
    while True:
        path = tmp_path / f"{line}.json"
        if exists:
            path.write_bytes(b"old")
        if not interrupted_at(line, path):
            break
        found.add(path.read_bytes() if path.exists() else None)
        others = [file.name for file in tmp_path.iterdir() if file != path]
        assert len(others) <= 1  # only where Ctrl-C comes just before the temporary file would be removed
        assert all(TEMPORARY.fullmatch(name) for name in others)
        for file in tmp_path.iterdir():
            file.unlink()
        line += 1
    assert line > 10
    assert path.read_bytes() == b"new"
    assert found == {b"old" if exists else None, b"new"}


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, exists: bool
):
    path = tmp_path / "a.json"
    if exists:
        path.write_bytes(b"old")

    def fail(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left on device"):
        write_whole(path, b"new")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == ({"a.json": b"old"} if exists else {})


@pytest.mark.parametrize("name", ["苹果" * 40, "a" * 200 + ".json", "[a-z]*.json", "-x", ".hidden", "a b\n.json"])
def test_any_name_that_a_file_can_have(tmp_path: Path, name: str):
    if os.name != "posix" and set(name) & set("*\n"):
        pytest.skip("no name of a file there")
    path = tmp_path / name
    old = made(tmp_path / left(name[:50]), 2 * DAY)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert not old.exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_a_file_keeps_its_permissions_and_a_private_one_is_never_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, modes = tmp_path / "a.json", []
    fsync = os.fsync

    def look(handle: int) -> None:
        modes.append(os.fstat(handle).st_mode & 0o777)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", look)
    mask = os.umask(0o022)
    try:
        write_whole(path, b"new")
        assert path.stat().st_mode & 0o777 == 0o644
        for mode in (0o600, 0o640, 0o666):
            path.chmod(mode)
            write_whole(path, b"newer")
            assert path.stat().st_mode & 0o777 == mode
    finally:
        os.umask(mask)
    assert modes == [0o644, 0o600, 0o600, 0o600]


def test_where_no_file_can_be_written(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*nowhere.* does not exist; create it first"):
        write_whole(tmp_path / "nowhere" / "a.json", b"")
    with pytest.raises(IsADirectoryError, match="it is a folder; name a file in it"):
        write_whole(tmp_path, b"")
    assert os.listdir(tmp_path) == []

"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import time
from pathlib import Path

__all__ = ["write_whole"]

_DAY = 86_400.0
_SUFFIX = "glassgrad-tmp"
_NAME = 50  # characters of the file's name in that of a temporary one: with four bytes each there is room for the rest


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file through a temporary one beside it, and return its path.

    An existing file is replaced in one step and keeps its permissions, and where `path` is a link, the file that it
    points to is replaced. Whatever ends the write, the file is the old one or the new one. A process that is killed
    leaves its temporary file, `.NAME.<16 hex digits>.glassgrad-tmp`, which the first write to the same path after a day
    removes.

    Args:
        path: the file to write.
        content: all of its bytes.

    Raises:
        FileNotFoundError: the folder is missing.
        IsADirectoryError: `path` is a folder.
        OSError: the folder cannot be written to, or has no room.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(os.path.join(folder, "note.txt"), b"hello").read_bytes()
    b'hello'
    """
    target = Path(path)
    real = Path(os.path.realpath(target))
    if not real.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {str(target)!r}: the folder {str(real.parent)!r} does not exist; create it first"
        )
    if real.is_dir():
        raise IsADirectoryError(f"cannot write {str(target)!r}: it is a folder; name a file in it")
    _remove_old_temporaries(real)
    mode = stat.S_IMODE(real.stat().st_mode) if real.exists() else None
    # what is to replace a private file is at no moment open to others
    begins_as = 0o666 if mode is None else 0o600
    # a str: the parts of a Path are interned, which from 3.12 on is for ever
    temporary = os.path.join(real.parent, f".{real.name[:_NAME]}.{secrets.token_hex(8)}.{_SUFFIX}")
    try:
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, begins_as)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # a crash of the machine must not leave a file that is moved but empty
        if mode is not None:
            os.chmod(temporary, mode)
        os.replace(temporary, real)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    return target


def _remove_old_temporaries(path: Path) -> None:
    """Remove what writes of this file left more than a day ago, when their processes were killed."""
    ours = re.compile(rf"\.{re.escape(path.name[:_NAME])}\.[0-9a-f]{{16}}\.{_SUFFIX}")
    # one that cannot be listed or removed (another user's, say) is no reason not to write
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if ours.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat().st_mtime > _DAY:
                        os.unlink(entry.path)

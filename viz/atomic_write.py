"""Atomic writing: a file is written whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write ``content`` to ``path`` through a temporary file beside it, and return the path.

    An existing file is replaced in one step and keeps its permissions; no other file is left behind.

    Raises:
        FileNotFoundError: the folder is missing.
        IsADirectoryError: ``path`` is a folder.
        OSError: the folder cannot be written to.
    """
    target = Path(path)
    # A link stays a link: the file that it points to is written.
    real = Path(os.path.realpath(target))
    if not real.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {str(target)!r}: the folder {str(real.parent)!r} does not exist; create it first"
        )
    if real.is_dir():
        raise IsADirectoryError(f"cannot write {str(target)!r}: it is a folder; name a file in it")
    temporary = real.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
        if real.exists():
            temporary.chmod(stat.S_IMODE(real.stat().st_mode))
        os.replace(temporary, real)
    finally:
        temporary.unlink(missing_ok=True)
    return target

"""Other programs, run with bounds: on time, and on what they write."""

from __future__ import annotations

import subprocess
import threading

__all__ = ["ProgramFailed", "run"]

_PIECE = 1 << 16


class ProgramFailed(RuntimeError):
    """A program hung, crashed or wrote too much; the message says which."""


def run(command: list[str], given: bytes, *, seconds: float, most: int) -> bytes:
    """Return what ``command`` writes when it reads ``given``.

    Args:
        command: the program and its arguments.
        given: its standard input.
        seconds: how long it may take.
        most: how many bytes it may write.

    Raises:
        ProgramFailed: it could not be started, failed, took longer or wrote more.

    >>> import sys
    >>> run([sys.executable, "-c", "print(input())"], b"hello", seconds=30, most=1000).strip()
    b'hello'
    """
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        raise ProgramFailed(f"{command[0]} could not be started: {error}") from error
    written: list[bytes] = []
    said: list[bytes] = []
    threads = [
        threading.Thread(target=_feed, args=(process, given), daemon=True),
        threading.Thread(target=_drain, args=(process, "stdout", written, most), daemon=True),
        threading.Thread(target=_drain, args=(process, "stderr", said, _PIECE), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise ProgramFailed(f"{command[0]} did not finish within {seconds:g} seconds") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for thread in threads:
            thread.join(5)
    output = b"".join(written)
    if len(output) > most:
        raise ProgramFailed(f"{command[0]} wrote more than {most:,} bytes")
    if status != 0:
        reason = b"".join(said)[:500].decode(errors="replace").strip()
        raise ProgramFailed(f"{command[0]} failed with status {status}{': ' if reason else ''}{reason}")
    return output


def _feed(process: subprocess.Popen[bytes], given: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(given)
        process.stdin.close()
    except OSError:
        pass  # it ended without reading all; its status says more


def _drain(process: subprocess.Popen[bytes], name: str, pieces: list[bytes], most: int) -> None:
    """Read to the end; where there is more than ``most``, end the program."""
    stream = getattr(process, name)
    total = 0
    with stream:
        while piece := stream.read1(_PIECE):
            if total <= most:
                pieces.append(piece)
                total += len(piece)
            if name == "stdout" and total > most:
                process.kill()
                return

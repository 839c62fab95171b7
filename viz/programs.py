"""Other programs, run with bounds: on time, and on what they write."""

from __future__ import annotations

import subprocess
import threading
from io import BufferedReader

__all__ = ["ProgramFailed", "run"]

_PIECE = 1 << 16
_MOST_SAID = 10_000_000  # bytes of complaints; dot has a line for each label that it does not like


class ProgramFailed(RuntimeError):
    """A program hung, crashed or wrote too much; the message says which."""


def run(command: list[str], given: bytes, *, seconds: float, most: int) -> bytes:
    """Return what ``command`` writes when it reads ``given``.

    Args:
        command: the program and its arguments.
        given: its standard input.
        seconds: how long it may take.
        most: how many bytes it may write; complaints, on its standard error, have a bound of their own.

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
    written, said = _Written("", most, most), _Written(" of complaints", _MOST_SAID, _PIECE)
    threads = [
        threading.Thread(target=_feed, args=(process, given), daemon=True),
        threading.Thread(target=written.drain, args=(process, process.stdout), daemon=True),
        threading.Thread(target=said.drain, args=(process, process.stderr), daemon=True),
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
    for stream in (written, said):
        if stream.total > stream.most:
            raise ProgramFailed(f"{command[0]} wrote more than {stream.most:,} bytes{stream.of}")
    if status != 0:
        reason = b"".join(said.pieces)[:500].decode(errors="replace").strip()
        raise ProgramFailed(f"{command[0]} failed with status {status}{': ' if reason else ''}{reason}")
    return b"".join(written.pieces)


class _Written:
    """What a program has written to one stream: the first ``kept`` bytes, and how many there were."""

    def __init__(self, of: str, most: int, kept: int) -> None:
        self.of, self.most, self.kept = of, most, kept
        self.pieces: list[bytes] = []
        self.total = 0

    def drain(self, process: subprocess.Popen[bytes], stream: BufferedReader) -> None:
        """Read to the end; where there is more than ``most``, end the program."""
        with stream:
            while piece := stream.read1(_PIECE):
                if self.total < self.kept:
                    self.pieces.append(piece)
                self.total += len(piece)
                if self.total > self.most:
                    process.kill()
                    return


def _feed(process: subprocess.Popen[bytes], given: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(given)
        process.stdin.close()
    except OSError:
        pass  # it ended without reading all; its status says more

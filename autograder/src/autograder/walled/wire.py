"""Messages between asker, keeper and target: one request with open files, then JSON lines."""

import array
import contextlib
import json
import os
import socket
from collections.abc import Sequence
from typing import Any

_LENGTH = 8  # bytes before a request that give its length
CHUNK = 65_536
HOW_MUCH = 0  # in the place of a signal's number: the asker wants to know what has been computed


def send(connection: socket.socket, request: dict[str, Any], fds: Sequence[int]) -> None:
    """Send a request and the open files that go with it."""
    body = json.dumps(request).encode()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    connection.sendmsg([len(body).to_bytes(_LENGTH, "little")], rights)
    connection.sendall(body)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive what `send` sent.

    Raises:
        EOFError: If the connection closes too early.
    """
    head, fds, _, _ = socket.recv_fds(connection, _LENGTH, 16)
    left, parts = int.from_bytes(head, "little"), []
    try:
        while left:
            parts.append(connection.recv(min(left, CHUNK)))
            if not parts[-1]:
                raise EOFError("the request was cut short")
            left -= len(parts[-1])
        return json.loads(b"".join(parts)), list(fds)
    except BaseException:
        for number in fds:  # nobody else knows of them
            os.close(number)
        raise


def say(connection: socket.socket, said: dict[str, Any], fds: Sequence[int] = ()) -> None:
    """Send one line, with open files; does nothing if the other side is closed."""
    line = json.dumps(said).encode() + b"\n"
    with contextlib.suppress(OSError):
        sent = socket.send_fds(connection, [line], list(fds)) if fds else 0
        connection.sendall(line[sent:])


class Lines:
    """Splits the received bytes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, got: bytes) -> list[dict[str, Any]]:
        """The lines that are complete with this piece."""
        *lines, self._rest = (self._rest + got).split(b"\n")
        return [json.loads(line) for line in lines]

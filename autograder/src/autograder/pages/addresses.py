"""Which of a published course's addresses answer, and whether the wheel there is the right one.

Only addresses that course.toml gives are asked.
"""

import hashlib
import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

SECONDS = 10.0  # that a host has for an answer
_MOST_BYTES = 100 * 2**20
_METHODS_REFUSED = (403, 405, 501)  # to HEAD, by hosts that answer GET


@dataclass(frozen=True)
class Address:
    """What students' browsers or pip will ask for.

    Attributes:
        what: What is there, as a sentence names it.
        url: Where.
        digest: The SHA-256 that the file must have; empty if any answer will do.
        missing: What to do if nothing is there.
    """

    what: str
    url: str
    digest: str = ""
    missing: str = "upload it"


# Asks with a method and returns the status and, for GET, the content.
Ask = Callable[[str, str], tuple[int, bytes]]


def ask(method: str, url: str) -> tuple[int, bytes]:
    """Ask a host.

    Raises:
        OSError: If the host cannot be reached from here.
    """
    request = urllib.request.Request(url, method=method, headers={"User-Agent": "autograder"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, answer.read(_MOST_BYTES) if method == "GET" else b""
    except urllib.error.HTTPError as error:
        return error.code, b""
    except http.client.HTTPException as error:
        raise OSError(str(error)) from None


def told(addresses: Iterable[Address], asked: Ask = ask) -> Iterator[str]:
    """A sentence about each address, and one about each host that cannot be reached."""
    silent: Counter[str] = Counter()
    for one in addresses:
        host = urllib.parse.urlsplit(one.url).netloc
        if not silent[host]:
            try:
                yield _told(one, asked)
                continue
            except OSError:
                pass
        silent[host] += 1
    for host, count in silent.items():
        if count:
            many = "1 address" if count == 1 else f"{count} addresses"
            yield f"{host} is not reachable from here, so {many} there could not be tried."


def _told(one: Address, asked: Ask) -> str:
    method = "GET" if one.digest else "HEAD"
    status, content = asked(method, one.url)
    if method == "HEAD" and status in _METHODS_REFUSED:
        status, content = asked("GET", one.url)
    if not 200 <= status < 300:
        return f"{one.what} does not answer yet ({status}), so {one.missing}: {one.url}."
    if one.digest and hashlib.sha256(content).hexdigest() != one.digest:
        return (
            f"{one.what} answers with another file than the notebooks expect, which pip will "
            f"refuse, so {one.missing} again: {one.url}."
        )
    return f"{one.what} answers: {one.url}."

"""The local web server of `autograder mark`: pages on which a person marks answers by hand.

It listens on this machine alone, and answers nobody without the token of its address. Tornado,
which Jupyter brings, keeps the cookie and guards the forms. Each request is answered in turn, so
two markers never write at once.
"""

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tornado import netutil, web
from tornado.httpserver import HTTPServer

from autograder.nbgrader.by_hand import Given, Marking, Refused, Stale
from autograder.nbgrader.room import Room
from autograder.pages import marking as pages
from autograder.pages.marking import Answer, Entry, Page
from autograder.root import CourseError

ADDRESS = "127.0.0.1"
COOKIE = "autograder_mark"
MOST = 200_000  # bytes of a request
_FIELDS = ("score", "extra", "comment")


def serve(
    root: Path,
    assignment: str,
    *,
    port: int = 0,
    names: bool = False,
    say: Callable[[str], None] = lambda words: None,
) -> None:
    """Serve the pages until the process is interrupted.

    Args:
        root: The course folder.
        assignment: The assignment.
        port: The port; 0 for any that is free.
        names: Whether students' ids are shown.
        say: Called with the address.

    Raises:
        CourseError: If nothing has been graded yet, or the port is taken.
    """
    room = Room(Path(root), assignment)
    room.say = say
    marking = Marking(room)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(marking, port, names, say))
    finally:
        marking.end()


async def _serve(marking: Marking, port: int, names: bool, say: Callable[[str], None]) -> None:
    try:
        sockets = netutil.bind_sockets(port, ADDRESS)
    except OSError as error:
        words = f"Port {port} cannot be used ({error.strerror}): choose another."
        raise CourseError(words) from None
    token, port = secrets.token_urlsafe(32), sockets[0].getsockname()[1]
    server = HTTPServer(application(marking, token, names), max_buffer_size=MOST)
    server.add_sockets(sockets)
    say(f"Mark {marking.room.assignment} at http://{ADDRESS}:{port}/?token={token}")
    say("Every mark is saved as you type it. Ctrl-C ends this.")
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        await server.close_all_connections()


def application(marking: Marking, token: str, names: bool = False) -> web.Application:
    """The pages for one assignment.

    Args:
        marking: The assignment's answers.
        token: What a browser must know.
        names: Whether students' ids are shown.
    """
    given = {"marking": marking, "token": token, "names": names}
    return web.Application(
        [
            (r"/", _Index, given),
            (r"/question/([^/]+)", _First, given),
            (r"/question/([^/]+)/([0-9a-f]{16})", _Answer, given),
        ],
        default_handler_class=_Nothing,
        default_handler_args=given,
        cookie_secret=secrets.token_hex(32),
        xsrf_cookies=True,
        xsrf_cookie_kwargs={"httponly": True, "samesite": "Strict"},
        log_function=lambda handler: None,
    )


class _Handler(web.RequestHandler):
    """What all pages share: who may see them, and what a browser may do with them."""

    def initialize(self, marking: Marking, token: str, names: bool) -> None:
        self.marking, self.token, self.names = marking, token, names

    def set_default_headers(self) -> None:
        self.nonce = secrets.token_urlsafe(16)
        own = f"'nonce-{self.nonce}'"
        self.set_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src {own}; style-src {own}; img-src data:; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")

    def prepare(self) -> None:
        """Refuse who came by another name of this machine, or without the token."""
        if self.request.host_name not in (ADDRESS, "localhost"):  # a site that has this address
            raise web.HTTPError(403)
        if given := self.get_query_argument("token", ""):
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                raise web.HTTPError(403)
            self.set_signed_cookie(COOKIE, self.token, None, httponly=True, samesite="Strict")
            self.redirect(self.request.path)
            return
        known = self.get_signed_cookie(COOKIE) or b""
        if not hmac.compare_digest(known, self.token.encode()):
            raise web.HTTPError(403)

    @property
    def page(self) -> Page:
        assignment = self.marking.room.assignment
        return Page(assignment, self.names, self.nonce, self.xsrf_form_html())

    def write_error(self, status_code: int, **more: Any) -> None:
        """One sentence, without a traceback."""
        error = more.get("exc_info", (None, None, None))[1]
        said = {
            403: "Open the address that autograder mark has printed, with its token.",
            404: "There is no such page.",
        }
        words = str(error) if isinstance(error, CourseError) else said.get(status_code, "")
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(words or "This went wrong; the terminal says more.")

    def entry(self, question: str, key: str) -> tuple[Entry, list[Entry]]:
        """One entry of the list, and all of its question."""
        entries = [one for one in self.marking.entries() if one.question == question]
        for one in entries:
            if one.key == key:
                return one, entries
        raise web.HTTPError(404)


class _Nothing(_Handler):
    def get(self) -> None:
        raise web.HTTPError(404)


class _Index(_Handler):
    def get(self) -> None:
        questions = list(self.marking.questions.values())
        self.finish(pages.index(self.page, questions, self.marking.entries()))


class _First(_Handler):
    def get(self, question: str) -> None:
        """Go to the first answer that waits, or else to the first one."""
        entries = [one for one in self.marking.entries() if one.question == question]
        if not entries:
            raise web.HTTPError(404)
        first = next((one for one in entries if one.waits), entries[0])
        self.redirect(_path(first))


class _Answer(_Handler):
    def get(self, question: str, key: str) -> None:
        entry, entries = self.entry(question, key)
        self._show(self.marking.answer(entry), entries)

    def post(self, question: str, key: str) -> None:
        entry, entries = self.entry(question, key)
        mine = {name: self.get_body_argument(name, "", strip=False) for name in _FIELDS}
        given = Given(**mine, confirmed=bool(self.get_body_argument("confirmed", "")))
        try:
            saved = self.marking.save(entry, given, self.get_body_argument("seen", ""))
        except Stale as stale:
            self._refuse(409, str(stale), stale.now, entries, mine)
        except (Refused, CourseError) as error:
            status = 422 if isinstance(error, Refused) else 503
            self._refuse(status, str(error), self.marking.answer(entry), entries, mine)
        else:
            self._saved(saved, entries)

    def _saved(self, saved: Answer, entries: list[Entry]) -> None:
        if self._wants_data:
            self.finish({"version": saved.version, "waits": saved.waits})
        elif self.get_body_argument("go", "waiting") == "waiting":
            following = _around(saved.entry, entries)["waiting"]
            self.redirect(_path(following) if following else "/", status=303)
        else:
            self.redirect(_path(saved.entry), status=303)

    def _refuse(
        self, status: int, words: str, now: Answer, entries: list[Entry], mine: dict[str, str]
    ) -> None:
        self.set_status(status)
        if self._wants_data:
            self.finish({"problem": words, "version": now.version})
        else:
            self._show(now, entries, words, mine)

    def _show(
        self,
        found: Answer,
        entries: list[Entry],
        problem: str = "",
        mine: dict[str, str] | None = None,
    ) -> None:
        question = self.marking.questions[found.entry.question]
        around, waiting = _around(found.entry, entries), sum(one.waits for one in entries)
        self.finish(pages.answer(self.page, question, found, around, waiting, problem, mine))

    @property
    def _wants_data(self) -> bool:
        return self.request.headers.get("Accept") == "application/json"


def _around(entry: Entry, entries: list[Entry]) -> dict[str, Entry | None]:
    """The entries before and after this one, and the next that waits, from the start again."""
    place = next(i for i, one in enumerate(entries) if one.key == entry.key)
    later = [*entries[place + 1 :], *entries[:place]]
    return {
        "previous": entries[place - 1] if place else None,
        "next": entries[place + 1] if place + 1 < len(entries) else None,
        "waiting": next((one for one in later if one.waits), None),
    }


def _path(entry: Entry) -> str:
    return f"/question/{quote(entry.question, safe='')}/{entry.key}"

"""One request: who asks, and what is answered."""

import io
import json
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from emotion.errors import EmotionError
from emotion.view.latest import MadeOnce, Newest
from emotion.view.site import Site, same

_REQUEST = 10.0  # seconds in which a request must have come
_REQUEST_SIZE = 32 * 1024  # bytes of it, a browser's with its cookies included
_SEND = 20.0  # seconds for a viewer to take what is sent
_BUFFER = 128 * 1024  # bytes on their way to a viewer: more, and a slow one would see the past
_LOOK = 1.0  # seconds between two looks whether somebody who waits is still there
_AGAIN = 0.1  # seconds without a new picture after which the last one is sent once more

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; connect-src 'self'; script-src 'self'; "
        "style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",  # the address may hold the token
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_TEXT, _JSON = "text/plain; charset=utf-8", "application/json"
_NOTHING = "there is nothing of that name here\n"
_NO_FRAME = "the run has ended before its first frame\n"


class Handler(BaseHTTPRequestHandler):
    """A request to `site`. Every connection has one: HTTP/1.0."""

    disable_nagle_algorithm = True
    default_request_version = "HTTP/1.0"  # nonsense, too, is answered with our headers

    def __init__(self, site: Site, *connection: Any) -> None:
        self._site = site
        super().__init__(*connection)

    def setup(self) -> None:
        """Read with limits, and send without a long queue."""
        super().setup()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self.rfile.close()
        self.rfile = io.BufferedReader(_Limited(self.connection))

    def do_GET(self) -> None:
        """The page, or what it shows."""
        streams: dict[str, Callable[[], None]] = {
            "/live.mjpg": self._pictures,
            "/rows": self._rows,
            "/faces": self._faces,
            "/state": self._states,
        }
        path = self._asked()
        if path in streams:
            self._streamed(streams[path])
        elif path in self._site.files:
            self._answer(200, *self._site.files[path])
        elif path is not None:
            self._answer(404, _NOTHING)

    def do_POST(self) -> None:
        """What a button asks for, and no page but ours."""
        buttons = {"/snapshot": self._snapshot, "/record": self._record}
        path = self._asked()
        if path is None:
            return
        origin = self.headers.get("Origin")
        ours = origin is None or urlsplit(origin).netloc == self.headers["Host"]
        if not (ours and same(self.headers.get("X-Token", ""), self._site.form_token)):
            self._answer(403, "only the page's own buttons may ask for that\n")
        elif path in buttons:
            self._kept(buttons[path])
        else:
            self._answer(404, _NOTHING)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library has to refuse, as text and with our headers."""
        self._answer(code, f"{message or self.responses[code][0]}\n")

    def version_string(self) -> str:
        """What the answers call this program: without Python's version."""
        return "emotion"

    def log_message(self, *_: Any) -> None:
        """Nothing: standard error is for the run."""

    def _asked(self) -> str | None:
        """The path below the page's address; None where whoever asks may not, which was said."""
        self.connection.settimeout(_SEND)
        site, path = self._site, self.path.partition("?")[0]
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not site.address.answers_to(hosts[0]):
            self._answer(403, "this machine has another name: use the address as it was printed\n")
            return None
        if site.token:
            given, slash, rest = path[1:].partition("/")
            if not same(given, site.token):
                self._answer(403, "use the whole address that recognition.py printed\n")
                return None
            if not slash:
                self._answer(308, "", headers={"Location": f"/{given}/"})
                return None
            path = slash + rest
        if not self._is_from_here(path):
            self._answer(403, "other sites' pages may not show this\n")
            return None
        return path

    def _is_from_here(self, path: str) -> bool:
        """Whether our own page asks, or nobody's: a program, a typed address, a link to us."""
        site = self.headers.get("Sec-Fetch-Site", "none")
        followed = path == "/" and self.headers.get("Sec-Fetch-Dest") == "document"
        return site in ("none", "same-origin") or followed

    def _streamed(self, answer: Callable[[], None]) -> None:
        if not self._site.room.acquire(blocking=False):
            self._answer(503, "too many are watching\n", headers={"Retry-After": "10"})
            return
        try:
            answer()
        finally:
            self._site.room.release()

    def _pictures(self) -> None:
        """The annotated picture, again and again, once there is a first."""
        begun, last = False, b""
        for new in self._all(self._site.pictures, _AGAIN):
            # Chromium shows a part when the next one begins: the last one has to come twice.
            jpeg, last = new or last, new
            if not jpeg:
                continue
            if not begun:
                begun = True
                self._begin(200, "multipart/x-mixed-replace; boundary=frame")
                self.wfile.write(b"--frame\r\n")
            # The boundary follows at once: others show a part when they have seen its end.
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n--frame\r\n")
        if not begun:
            self._answer(503, _NO_FRAME)

    def _states(self) -> None:
        """What the page shows beside the picture, as server-sent events."""
        self._begin(200, "text/event-stream")
        for state in self._all(self._site.states):
            self.wfile.write(b"data: " + state + b"\n\n" if state else b":\n\n")

    def _rows(self) -> None:
        """The rows of every frame from now on, as server-sent events."""
        with self._site.latest.listening() as more:
            self._begin(200, "text/event-stream")
            while (events := more(_LOOK)) != b"":
                if events is None and self._has_gone():
                    return
                self.wfile.write(events or b":\n\n")  # a comment: the line is alive

    def _faces(self) -> None:
        """The newest rows."""
        newest = self._first()
        if newest and newest.rows:
            self._answer(200, json.dumps(newest.rows()), _JSON)
        else:
            self._answer(503, _NO_FRAME)

    def _kept(self, keep: Callable[[Newest], str]) -> None:
        """Do what a button asks for, and answer with the line to show."""
        newest = self._first()
        if not newest or newest.draw is None or newest.ended:
            self._answer(503, "the run has ended\n")
            return
        try:
            self._answer(200, keep(newest) + "\n")
        except EmotionError as error:
            self._answer(500, f"{error}\n")

    def _snapshot(self, newest: Newest) -> str:
        assert newest.draw
        return _named("wrote", self._site.keeper.snapshot(newest.draw()))

    def _record(self, _: Newest) -> str:
        keeper = self._site.keeper
        path = keeper.record()
        return _named("recording" if keeper.is_recording else "wrote", path)

    def _first(self) -> Newest | None:
        """The newest frame once there is one; None where whoever asks has gone meanwhile."""
        while (newest := self._site.latest.after(0, _LOOK)) is None:
            if self._has_gone():
                return None
        return newest

    def _all(self, made: MadeOnce, soon: float = _LOOK) -> Iterator[bytes]:
        """What is made of each frame until the end, b"" in between where that takes long.

        The first b"" after a frame comes `soon`, others every `_LOOK` seconds.
        """
        number, latest, patience = 0, self._site.latest, _LOOK
        while not (latest.newest.ended and number == latest.newest.number):
            if answer := made.after(number, patience):
                number, data = answer
                patience = soon
                yield data
            elif self._has_gone():
                return
            else:
                patience = _LOOK
                yield b""

    def _has_gone(self) -> bool:
        """Whether whoever asked has hung up."""
        self.connection.settimeout(0)
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        finally:
            self.connection.settimeout(_SEND)

    def _answer(
        self,
        code: int,
        body: str | bytes,
        kind: str = _TEXT,
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        data = body.encode() if isinstance(body, str) else body
        self._begin(code, kind, {"Content-Length": str(len(data)), **(headers or {})})
        self.wfile.write(data)

    def _begin(self, code: int, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": kind, **_HEADERS, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()


class _Limited(io.RawIOBase):
    """The bytes of a request, which ends after a time and a size, however slowly it comes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._end, self._left = monotonic() + _REQUEST, _REQUEST_SIZE

    def readable(self) -> bool:
        """Yes; as a buffered reader asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there. Raises TimeoutError when the time is over."""
        seconds = self._end - monotonic()
        if seconds <= 0:
            raise TimeoutError
        self._connection.settimeout(seconds)
        count = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count


def _named(done: str, path: Path) -> str:
    return f"{done} {path.name}"

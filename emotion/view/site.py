"""What is served: the page's files, the picture as JPEG, the state as JSON; and the tokens."""

import hmac
import json
import secrets
import threading
from pathlib import Path

import cv2
import numpy as np

from emotion.output.annotate import palette
from emotion.output.keeper import Keeper
from emotion.view.address import Address
from emotion.view.latest import Latest, MadeOnce, Newest

STREAMS = 128
"""How many streams may be open at once; a page has two, the picture and the state."""

_PICTURES, _STATES = 30.0, 10.0  # a second, at most
_LARGEST = 1280  # pixels of a picture's longer side
_QUALITY = 80  # of its JPEG
_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.svg": ("page.svg", "image/svg+xml"),
}


class Site:
    """The page of a run, without the way to it.

    `token` is the part of the page's address that whoever asks from another machine has to know,
    empty where none can. `form_token` stands in the page, for its buttons: a page of another site
    cannot read it. `pictures` are JPEGs, `states` JSON. `room` counts the streams that are free.
    """

    def __init__(self, address: Address, keeper: Keeper) -> None:
        self.address, self.keeper, self.latest = address, keeper, Latest()
        self.token = "" if address.is_local else secrets.token_urlsafe(16)
        self.form_token = secrets.token_urlsafe(16)
        self.pictures = MadeOnce(self.latest, _jpeg, rate=_PICTURES)
        self.states = MadeOnce(self.latest, self._state, rate=_STATES)
        self.room = threading.BoundedSemaphore(STREAMS)
        self.files = {path: (_file(name), kind) for path, (name, kind) in _FILES.items()}
        page, kind = self.files["/"]
        self.files["/"] = page.replace(b"FORM_TOKEN", self.form_token.encode()), kind

    def _state(self, newest: Newest) -> bytes:
        """What the page shows beside the picture."""
        rows = newest.rows() if newest.rows and not newest.status_message else []
        colours = {
            label: f"rgb({red} {green} {blue})"
            for label, (blue, green, red) in palette(newest.labels).items()
        }
        state = {
            "people": [row for row in rows if row["identity"] is not None],
            "source": rows[0]["source"] if rows else None,
            "reading": rows[0]["reading"] if rows else None,
            "colours": colours,
            "status_message": newest.status_message,
            "pace": newest.pace._asdict() if newest.pace else None,
            "recording": self.keeper.is_recording,
            "ended": newest.ended,
        }
        return json.dumps(state).encode()


def same(given: str, secret: str) -> bool:
    """Whether they are equal, found out in a time that tells nothing of how nearly."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode())


def _jpeg(newest: Newest) -> bytes:
    """The annotated picture; nothing where the run ended before there was one."""
    if newest.draw is None:
        return b""
    picture = newest.draw()
    scale = _LARGEST / max(picture.shape[:2])
    if scale < 1:
        size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    written, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return data.tobytes() if written else b""


def _file(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()

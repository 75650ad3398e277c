"""Serves a page, to this machine only, that reads expressions in the browser: nothing leaves it.

python -m emotion.web
"""

import errno
import gzip
import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2

from emotion import faces, model_file
from emotion.classifier import Classifier
from emotion.cli import command
from emotion.cli import settings as config
from emotion.cli.settings import setting
from emotion.errors import EmotionError
from emotion.output import rows
from emotion.output.annotate import palette
from emotion.recogniser import DEFAULT_MODEL
from emotion.tracking.parameters import PARAMETERS
from emotion.tracking.smoothing import CONFIDENCE, SMOOTHING

HOST = "127.0.0.1"
PAGE = Path(__file__).parents[1] / "web"
CASCADES = (
    *("frontalface_alt2", "frontalface_default", "frontalface_alt", "profileface"),
    *("eye", "lefteye_2splits", "righteye_2splits"),
)
"""The cascades that `emotion.faces` and `emotion.tracking` load, by what tells them apart."""

_INSTALL = "in the folder web, run: npm ci --ignore-scripts --omit=dev"
_LITERT, _OPENCV = "@litertjs/core", "@opencvjs/web/lib/opencv_js.js"
_UTILS = "@litertjs/wasm-utils"
_WASM = (
    *("litert_wasm_internal.js", "litert_wasm_internal.wasm"),
    *("litert_wasm_compat_internal.js", "litert_wasm_compat_internal.wasm"),
)
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".tflite": "application/octet-stream",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".xml": "application/xml",
}
# OpenCV.js builds the functions that call its WebAssembly from text, so it needs 'unsafe-eval'.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src blob: mediastream:; style-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class Settings:
    """Where the page is served, and which model it runs."""

    port: int = setting(8080, "the page's port; 0: any free one", check=config.between(0, 65535))
    model_path: Path | None = setting(
        None,
        "`.tflite` model of train.py; none: the one that ships",
        check=config.file(".tflite"),
    )


@dataclass(frozen=True)
class Document:
    """What is served at one path: its content, packed once, and its content type."""

    content: bytes
    kind: str

    @cached_property
    def packed(self) -> bytes:
        """The content as gzip: a third of it, of what this page needs."""
        return gzip.compress(self.content, 6, mtime=0)

    @cached_property
    def tag(self) -> str:
        """What tells this content from another, as an ETag."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


def main(settings: Settings) -> int:
    """Serve until Ctrl-C."""
    served = documents(settings.model_path or DEFAULT_MODEL)
    with opened(settings.port, served) as server:
        print(f"http://{HOST}:{server.server_port}/ is the page: Ctrl-C ends it", flush=True)
        server.serve_forever()
    return 0


def documents(model: Path) -> dict[str, Document]:
    """Everything that may be asked for, by its path: there is no other way to a file.

    Raises EmotionError when a package of npm's, a cascade or the page is missing, or when the model
    cannot be used.
    """
    if not (PAGE / "index.html").is_file():
        raise EmotionError(f"{PAGE} is not here: the page is a part of the checkout, run it there")
    found = {f"/{path.relative_to(PAGE).as_posix()}": path for path in _page()}
    found["/"] = found.pop("/index.html")
    for name in CASCADES:
        file = f"haarcascade_{name}.xml"
        faces.load_cascade(file)  # says what to do about one that is missing
        found[f"/cascades/{file}"] = Path(cv2.data.haarcascades) / file  # type: ignore[attr-defined]
    found["/packages/opencv/opencv_js.js"] = _package(_OPENCV)
    found["/packages/litert/wasm-utils.js"] = _package(f"{_UTILS}/dist/index.js")
    found |= {f"/packages/litert/wasm/{name}": _package(f"{_LITERT}/wasm/{name}") for name in _WASM}
    served = {place: _document(path) for place, path in found.items()}
    text = json.dumps(description(model)).encode()
    return served | {
        "/model.tflite": _document(model),
        "/description.json": Document(text, _KINDS[".json"]),
        "/packages/litert/index.js": Document(_litert(), _KINDS[".js"]),
    }


def description(model: Path) -> dict[str, Any]:
    """What the page has to know of the model and of how faces are followed, as JSON can hold it."""
    classifier = Classifier(model)
    if classifier.labels_assumed:
        raise EmotionError(
            f"MODEL_PATH='{model}' has no labels inside: needed is one of train.py's"
        )
    labels = tuple(classifier.labels)
    readings = model_file.readings(labels, classifier.metadata)
    return {
        "labels": labels,
        "readings": {one.name: one.columns(labels) for one in readings},
        "reading": classifier.reading.name,
        "size": classifier.size,
        "pixels": classifier.metadata.get("pixels", (0, 1)),
        "colours": {
            label: f"#{red:02x}{green:02x}{blue:02x}"
            for label, (blue, green, red) in palette(labels).items()
        },
        "cascades": CASCADES,
        "minFace": faces.MIN_FACE,
        "margin": faces.MARGIN,
        "smoothing": SMOOTHING,
        "confidence": CONFIDENCE,
        "parameters": _named_as_in_javascript(asdict(PARAMETERS)),
        "version": rows.VERSION,
        "columns": rows.columns(labels),
    }


def opened(port: int, served: Mapping[str, Document]) -> ThreadingHTTPServer:
    """A server of `served` for this machine alone.

    Raises EmotionError when it cannot have `port`.
    """
    handler = type("Handler", (_Handler,), {"served": served})
    try:
        return _Server((HOST, port), handler)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        wrong = "is in use" if error.errno == errno.EADDRINUSE else "is not allowed"
        raise EmotionError(f"PORT={port} {wrong}: give another one, or 0 for any") from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # where two servers would share one port

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of a file is nothing to tell anybody."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for what is served, to those who asked this machine by its own name."""

    served: Mapping[str, Document]
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "emotion", ""
    timeout = 60  # seconds; a connection on which nobody asks any more

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: object) -> None:
        """Nothing: who looks at the page sees whether it works."""

    def _answer(self, *, body: bool) -> None:
        if not self._is_local():
            # A page elsewhere may have pointed a name of its own to this machine.
            other = _text("ask for 127.0.0.1 or localhost")
            self._send(HTTPStatus.MISDIRECTED_REQUEST, other, body=body)
        elif document := self.served.get(urlsplit(self.path).path):
            known = self.headers.get("If-None-Match", "")
            status = HTTPStatus.NOT_MODIFIED if document.tag in known else HTTPStatus.OK
            self._send(status, document, body=body)
        else:
            self._send(HTTPStatus.NOT_FOUND, _text("not found"), body=body)

    def _is_local(self) -> bool:
        port = self.connection.getsockname()[1]
        name, _, given = self.headers.get("Host", "").partition(":")
        return name in (HOST, "localhost") and (given or "80") == str(port)

    def _send(self, status: HTTPStatus, document: Document, *, body: bool = True) -> None:
        packed = "gzip" in self.headers.get("Accept-Encoding", "")
        content = document.packed if packed else document.content
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Cache-Control", "no-cache")  # asked again each time, by its tag
        self.send_header("Vary", "Accept-Encoding")
        if status in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
            self.send_header("ETag", document.tag)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", document.kind)
            self.send_header("Content-Length", str(len(content)))
            if packed:
                self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if body and status != HTTPStatus.NOT_MODIFIED:
            self.wfile.write(content)


def _page() -> list[Path]:
    """The page's own files."""
    own = [*PAGE.glob("*.*"), *PAGE.glob("recognition/*.js")]
    kinds = {".css", ".html", ".js", ".svg", ".webmanifest"}
    return [path for path in own if path.suffix in kinds]


def _package(name: str) -> Path:
    """A file of a package that npm installed."""
    path = PAGE / "node_modules" / name
    if not path.is_file():
        raise EmotionError(f"web/node_modules/{name} is not here: {_INSTALL}")
    return path


def _litert() -> bytes:
    """LiteRT.js as a worker can load it: there, no import map says what a package's name means."""
    content = _package(f"{_LITERT}/dist/index.js").read_bytes()
    name = f'"{_UTILS}"'.encode()
    if content.count(name) != 1:
        raise EmotionError(f"web/node_modules/{_LITERT} is another version than ours: {_INSTALL}")
    return content.replace(name, b'"./wasm-utils.js"')


def _document(path: Path) -> Document:
    return Document(path.read_bytes(), _KINDS[path.suffix])


def _text(line: str) -> Document:
    return Document(line.encode(), "text/plain; charset=utf-8")


def _named_as_in_javascript(value: Any) -> Any:
    """The same with max_coast called maxCoast, through all that is inside."""
    if not isinstance(value, dict):
        return value
    return {
        re.sub("_(.)", lambda found: found[1].upper(), name): _named_as_in_javascript(inner)
        for name, inner in value.items()
    }


if __name__ == "__main__":
    sys.exit(command.run(main, Settings, __doc__))

"""The page's server: who gets what, and what it says when it cannot serve. No browser, no npm."""

import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from emotion import faces, web
from emotion.errors import EmotionError
from emotion.recogniser import DEFAULT_MODEL
from emotion.tracking.parameters import PARAMETERS

ROOT = Path(__file__).parents[1]
PLAIN = b"export const one = 1;\n" * 100
SERVED = {
    "/": web.Document(b"<p>the page</p>", "text/html; charset=utf-8"),
    "/one.js": web.Document(PLAIN, "text/javascript; charset=utf-8"),
}


@pytest.fixture(scope="module")
def port():
    with web.opened(0, SERVED) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def ask(port, path="/", *, method="GET", host=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"Host": host or f"localhost:{port}", **named}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.headers), body


def test_what_is_served_comes_whole_with_its_type(port):
    status, headers, body = ask(port, "/one.js")
    assert (status, body) == (200, PLAIN)
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_browser_gets_it_packed(port):
    _, headers, body = ask(port, "/one.js", Accept_Encoding="gzip, br")
    assert headers["Content-Encoding"] == "gzip" and gzip.decompress(body) == PLAIN
    assert len(body) < len(PLAIN) / 3


def test_a_document_is_packed_once():
    document = web.Document(PLAIN, "text/plain")
    assert document.packed is document.packed


def test_what_a_browser_has_is_not_sent_again(port):
    tag = ask(port, "/one.js")[1]["ETag"]
    status, headers, body = ask(port, "/one.js", If_None_Match=tag)
    assert (status, body) == (304, b"") and "Content-Type" not in headers


def test_head_tells_of_the_file_and_sends_none(port):
    status, headers, body = ask(port, "/one.js", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(PLAIN)))


@pytest.mark.parametrize(
    "path",
    ["/two.js", "/../README.md", "/%2e%2e/README.md", "//etc/passwd", "/one.js/", "/ONE.JS"],
)
def test_nothing_else_is_served(port, path):
    assert ask(port, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent(port, method):
    assert ask(port, method=method)[0] == 501


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:1", "localhost", "evil.example:{port}"]
)
def test_a_page_elsewhere_that_points_its_name_here_gets_nothing(port, host):
    status, _, body = ask(port, host=host.format(port=port))
    assert status == 421 and b"the page" not in body


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:{port}"])
def test_this_machines_own_names_are_answered(port, host):
    assert ask(port, host=host.format(port=port))[0] == 200


@pytest.mark.parametrize("path", ["/", "/one.js", "/nowhere"])
def test_every_answer_says_that_nothing_may_leave(port, path):
    policy = ask(port, path)[1]["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("default-src") == "'none'"
    allowed = {"'self'", "'none'", "'unsafe-eval'", "blob:", "mediastream:"}
    assert {source for rule in rules.values() for source in rule.split()} <= allowed
    assert rules["connect-src"] == "'self'"


def test_who_hangs_or_goes_away_holds_up_nobody(port):
    hanging = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    hanging[0].sendall(b"GET / HTTP/1.1\r\nHost:")
    assert ask(port)[0] == 200
    for one in hanging:
        one.close()
    assert ask(port)[0] == 200


def test_it_listens_to_this_machine_alone():
    with web.opened(0, SERVED) as server:
        assert server.server_address[0] == "127.0.0.1"


def run(**settings):
    environ = {**os.environ, **settings}
    return subprocess.run(
        [sys.executable, "-m", "emotion.web"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def test_a_port_in_use_is_said_in_one_line():
    with web.opened(0, SERVED) as server, pytest.raises(EmotionError) as error:
        web.opened(server.server_port, SERVED)
    wrong = f"PORT={server.server_port} is in use: give another one, or 0 for any"
    assert str(error.value) == wrong


def test_a_package_that_is_missing_is_said_with_the_command(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("")
    monkeypatch.setattr(web, "PAGE", tmp_path)
    with pytest.raises(EmotionError) as error:
        web.documents(DEFAULT_MODEL)
    assert str(error.value) == (
        "web/node_modules/@opencvjs/web/lib/opencv_js.js is not here: in the folder web, run: "
        "npm ci --ignore-scripts --omit=dev"
    )


def test_an_installed_package_without_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "PAGE", tmp_path)
    with pytest.raises(EmotionError, match="the page is a part of the checkout"):
        web.documents(DEFAULT_MODEL)


def test_an_unusable_port_ends_with_2():
    done = run(PORT="70000")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "PORT='70000' must be from 0 to 65535\n"


def test_the_page_is_told_what_python_computes_with():
    told = json.loads(json.dumps(web.description(DEFAULT_MODEL)))
    assert told["readings"]["fer2013"] == list(range(7)) and told["reading"] == "people"
    assert told["labels"][3] == "happy" and told["colours"]["happy"].startswith("#")
    assert told["parameters"]["maxCoast"] == PARAMETERS.max_coast
    assert told["parameters"]["quick"]["boxScale"] == PARAMETERS.quick.box_scale
    assert told["margin"] == faces.MARGIN and told["minFace"] == faces.MIN_FACE


def constants():
    """The numbers at the head of the page's faces.js, by name."""
    text = (ROOT / "web" / "recognition" / "faces.js").read_text("utf-8")
    found = re.findall(r"^const ([A-Z_]+) = (.+);$", text, re.MULTILINE)
    return {name: json.loads(value) for name, value in found}


def test_the_page_finds_faces_with_pythons_numbers():
    own = {name: value for name, value in vars(faces).items() if re.fullmatch("_[A-Z_]+", name)}
    expected = {name[1:]: value for name, value in own.items()}
    expected["BASE_WINDOW"] = faces.BASE_WINDOW
    assert constants() == json.loads(json.dumps(expected))


def test_every_cascade_that_python_loads_is_served():
    code = "\n".join(path.read_text("utf-8") for path in ROOT.glob("emotion/**/*.py"))
    named = {*faces._EYES, *re.findall(r"haarcascade_(\w+)\.xml", code)}
    named |= {f"frontalface_{name}" for name in ("alt2", "default", "alt")}
    assert named - {"frontalface_"} == set(web.CASCADES)


def test_packages_are_pinned_and_the_lock_names_no_registry():
    package = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))
    wanted = package["dependencies"] | package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version) for version in wanted.values())
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text("utf-8"))["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert not any("resolved" in one for one in lock.values())
    assert all("integrity" in one for name, one in lock.items() if name)

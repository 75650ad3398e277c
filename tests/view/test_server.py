"""The page over real sockets: what is answered, to whom, and to how many."""

import contextlib
import hmac
import json
import os
import re
import socket
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emotion import pictures
from emotion.errors import EmotionError, SettingsError
from emotion.output.keeper import Keeper
from emotion.sources.frame import Pace
from emotion.view import handler, server, site
from emotion.view.address import Address
from emotion.view.server import View

ROW = {"source": "0", "reading": "people", "identity": 1, "frame": 3}
NOISE = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """A page's end is seen at once: a tenth of a second a test adds up."""
    monkeypatch.setattr(server, "_POLL", 0.01)


@pytest.fixture
def view(tmp_path):
    with View(Address("127.0.0.1", 0), Keeper(tmp_path)) as made:
        yield made


@pytest.fixture
def open_view(tmp_path):
    """One that other machines may reach, with a token."""
    with View(Address("0.0.0.0", 0), Keeper(tmp_path)) as made:
        yield made


def leave(view, level=90, **options):
    picture = np.full((48, 64, 3), level, np.uint8)
    view.latest.update(lambda: picture, lambda: [ROW], labels=("sad", "happy"), **options)


def port_of(view):
    return int(re.search(r":(\d+)/", view.url)[1])


def connected(view):
    connection = socket.create_connection(("127.0.0.1", port_of(view)))
    connection.settimeout(20)
    return connection


def send(view, path="/", method="GET", **headers):
    """A connection on which that was asked for."""
    connection = connected(view)
    lines = [f"{method} {path} HTTP/1.1"]
    headers = {"Host": f"127.0.0.1:{port_of(view)}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    lines += [f"{name}: {value}" for name, value in headers.items() if value is not None]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def ask(view, path="/", method="GET", **headers):
    """The whole answer: code, headers (names in lower case), body."""
    with send(view, path, method, **headers) as connection:
        return answer_of(connection)


def answer_of(connection):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().splitlines()
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return SimpleNamespace(code=int(first.split()[1]), headers=headers, body=body)


def until(connection, end):
    """What comes, up to and including `end`."""
    data = b""
    while end not in data:
        piece = connection.recv(65536)
        assert piece, data[-200:]
        data += piece
    return data


def jpeg_of(data):
    """The last whole picture in what came."""
    end = data.rindex(b"\xff\xd9\r\n--frame") + 2
    start = data.rindex(b"\xff\xd8\xff", 0, end)
    return cv2.imdecode(np.frombuffer(data[start:end], np.uint8), cv2.IMREAD_COLOR)


def shows(viewer, level):
    """Wait until a picture of that level comes; the one before may come once more."""
    while jpeg_of(until(viewer, b"\xff\xd9\r\n--frame\r\n")).mean() != level:
        pass


def eventually(true):
    """Wait for what other threads do; how long is no matter."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.01)
    return False


def form_token(view, path="/"):
    return re.search(rb'name="form-token" content="([^"]+)"', ask(view, path).body)[1].decode()


# What is served


def test_the_page_and_every_file_that_it_names_are_served(view):
    page = ask(view)
    assert page.code == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(rb'(?:href|src)="([^"]+)"', page.body)
    assert {b"page.css", b"page.js", b"page.svg", b"live.mjpg"} == set(named)
    for name in set(named) - {b"live.mjpg"}:
        assert ask(view, f"/{name.decode()}").code == 200


@pytest.mark.parametrize(
    "path", ["/page.html", "/../server.py", "/..%2fserver.py", "//etc/passwd", "/view/", "/rows/"]
)
def test_nothing_else_is(view, path):
    assert ask(view, path).code == 404


def test_the_picture_comes_whole_and_again(view):
    leave(view, 50)
    with send(view, "/live.mjpg") as viewer:
        first = until(viewer, b"\xff\xd9\r\n--frame\r\n")  # its end is there to be seen
        assert b"200 OK" in first and b"multipart/x-mixed-replace; boundary=frame" in first
        assert jpeg_of(first).mean() == 50
        leave(view, 200)
        shows(viewer, 200)


def test_a_picture_that_none_follows_comes_once_more_and_no_more(view, monkeypatch):
    """Chromium shows one when the next begins."""
    monkeypatch.setattr(handler, "_AGAIN", 0.02)
    leave(view, 50)
    with send(view, "/live.mjpg") as viewer:
        data = b""
        while data.count(b"\xff\xd9\r\n--frame\r\n") < 2:
            data += viewer.recv(65536)
        _, first, second, _ = data.split(b"--frame\r\n")
        assert first == second and jpeg_of(data).mean() == 50
        viewer.settimeout(0.5)
        with pytest.raises(TimeoutError):
            viewer.recv(1)


@pytest.mark.parametrize("path", ["/live.mjpg", "/faces"])
def test_a_client_is_held_until_there_is_a_frame(view, monkeypatch, path):
    asked, wait = threading.Event(), view.latest.after

    def after(number, timeout):
        asked.set()
        return wait(number, timeout)

    monkeypatch.setattr(view.latest, "after", after)
    with send(view, path) as viewer:
        assert asked.wait(20)
        viewer.setblocking(False)
        with pytest.raises(BlockingIOError):
            viewer.recv(1)
        viewer.settimeout(20)
        leave(view)
        assert b"200 OK" in viewer.recv(65536)


def test_a_large_picture_is_sent_smaller(view):
    view.latest.update(lambda: np.zeros((2160, 3840, 3), np.uint8), None, labels=())
    with send(view, "/live.mjpg") as viewer:
        assert jpeg_of(until(viewer, b"\xff\xd9\r\n--frame\r\n")).shape[:2] == (720, 1280)


def test_the_newest_rows_are_json(view):
    leave(view)
    answer = ask(view, "/faces")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body) == [ROW]


def test_rows_are_events(view):
    with send(view, "/rows") as listener:
        assert b"text/event-stream" in until(listener, b"\r\n\r\n")
        leave(view)
        assert until(listener, b"}\n\n").split(b"data: ")[1] == json.dumps(ROW).encode() + b"\n\n"


def test_the_state_is_what_the_page_shows(view):
    leave(view, pace=Pace(20.0, 30.0, 4))
    with send(view, "/state") as page:
        event = until(page, b"}\n\n")
        state = json.loads(event.split(b"data: ")[1])
        assert state["people"] == [ROW] and state["source"] == "0" and not state["recording"]
        assert state["pace"] == {"shown": 20.0, "camera": 30.0, "dropped": 4}
        assert state["colours"]["happy"] == "rgb(240 228 66)"
        view.latest.update(lambda: NOISE, None, labels=(), status_message="no picture")
        state = json.loads(until(page, b"}\n\n").split(b"data: ")[1])
        assert state["people"] == [] and state["status_message"] == "no picture"


def test_nothing_is_drawn_while_nobody_watches(view):
    drawn = []

    def draw():
        drawn.append(1)
        return NOISE

    for _ in range(10):
        view.latest.update(draw, lambda: [ROW], labels=())
    assert ask(view).code == ask(view, "/faces").code == 200 and drawn == []
    with send(view, "/live.mjpg") as viewer:
        until(viewer, b"--frame\r\n")
        until(viewer, b"--frame\r\n")
    assert drawn == [1]


# Who may ask


@pytest.mark.parametrize("path", ["/", "/live.mjpg", "/rows", "/faces", "/state", "/none"])
@pytest.mark.parametrize("host", ["evil.example", None], ids=["another name", "no name"])
def test_another_name_is_refused(view, path, host):
    leave(view)
    assert ask(view, path, Host=host).code == 403


def test_two_names_are_refused(view):
    with connected(view) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert answer_of(connection).code == 403


@pytest.mark.parametrize("path", ["/live.mjpg", "/rows", "/faces", "/state", "/page.js"])
@pytest.mark.parametrize("where", ["cross-site", "same-site"])
def test_another_sites_page_gets_nothing(view, path, where):
    leave(view)
    assert ask(view, path, Sec_Fetch_Site=where, Sec_Fetch_Dest="image").code == 403


def test_a_link_on_another_sites_page_may_be_followed(view):
    links = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "document"}
    assert ask(view, **links).code == 200
    assert ask(view, Sec_Fetch_Site="cross-site", Sec_Fetch_Dest="iframe").code == 403


@pytest.mark.parametrize("path", ["/", "/faces", "/none", "/snapshot"])
@pytest.mark.parametrize("method", ["GET", "POST", "BREW"])
def test_every_answer_has_the_headers_that_protect_it(view, path, method):
    leave(view)
    headers = ask(view, path, method, Origin="http://evil.example").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    assert "python" not in headers["server"]


def test_this_machine_alone_needs_no_token(view):
    assert view.url == f"http://127.0.0.1:{port_of(view)}/"


def test_other_machines_need_the_token_for_everything(open_view):
    leave(open_view)
    token = open_view.url.split("/")[3]
    assert len(token) >= 20
    for path in ("/", "/live.mjpg", "/rows", "/faces", "/state", "/page.js", "/x", "/%ff", "/é"):
        assert ask(open_view, path).code == ask(open_view, f"/{token[:-1]}{path}").code == 403
    assert ask(open_view, f"/{token}/").code == ask(open_view, f"/{token}/faces").code == 200
    assert ask(open_view, "/snapshot", "POST").code == 403


def test_the_address_without_its_last_slash_leads_to_the_page(open_view):
    token = open_view.url.split("/")[3]
    answer = ask(open_view, f"/{token}")
    assert answer.code == 308 and answer.headers["location"] == f"/{token}/".lower()


def test_tokens_are_compared_in_a_time_that_tells_nothing(open_view, monkeypatch):
    compared, compare = [], hmac.compare_digest

    def noted(given, secret):
        compared.append((given, secret))
        return compare(given, secret)

    leave(open_view)
    token = open_view.url.split("/")[3]
    form = form_token(open_view, f"/{token}/")
    monkeypatch.setattr(hmac, "compare_digest", noted)
    assert ask(open_view, "/guess/faces").code == 403
    assert ask(open_view, f"/{token}/snapshot", "POST", X_Token="guess").code == 403
    pairs = [("guess", token), (token, token), ("guess", form)]
    assert compared == [(given.encode(), secret.encode()) for given, secret in pairs]


def test_each_run_has_tokens_of_its_own(tmp_path):
    views = [View(Address("0.0.0.0", 0), Keeper(tmp_path)) for _ in range(2)]
    with views[0], views[1]:
        tokens = [view.url.split("/")[3] for view in views]
        forms = [form_token(*pair) for pair in zip(views, [f"/{t}/" for t in tokens], strict=True)]
    assert len({*tokens, *forms}) == 4


# Buttons


def test_the_snapshot_button_saves_what_is_shown(view, tmp_path):
    leave(view, 77)
    answer = ask(view, "/snapshot", "POST", X_Token=form_token(view))
    (path,) = tmp_path.iterdir()
    assert answer.code == 200 and answer.body.decode() == f"wrote {path.name}\n"
    assert (pictures.read(path) == 77).all()


def test_the_record_button_begins_and_ends(view, tmp_path):
    keeper, token = view._server.RequestHandlerClass.args[0].keeper, form_token(view)
    leave(view)
    assert ask(view, "/record", "POST", X_Token=token).body.startswith(b"recording emotion-")
    keeper.write(NOISE, 0.0)
    assert ask(view, "/record", "POST", X_Token=token).body.startswith(b"wrote emotion-")
    assert [path.suffix for path in tmp_path.iterdir()] == [".mp4"]


def test_what_cannot_be_saved_is_said_and_nothing_ends(tmp_path):
    with View(Address("127.0.0.1", 0), Keeper(tmp_path / "gone")) as view:
        leave(view)
        answer = ask(view, "/snapshot", "POST", X_Token=form_token(view))
        assert answer.code == 500 and b"cannot be written" in answer.body
        assert ask(view).code == 200


@pytest.mark.parametrize("path", ["/snapshot", "/record"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X_Token": "guessed"},
        {"X_Token": "é"},
        {"right": True, "Origin": "http://evil.example"},
        {"right": True, "Origin": "null"},
        {"right": True, "Sec_Fetch_Site": "cross-site"},
        {"right": True, "Host": "evil.example"},
    ],
    ids=["no token", "wrong token", "no ASCII", "origin", "null origin", "other site", "host"],
)
def test_buttons_answer_to_the_own_page_alone(view, tmp_path, path, headers):
    leave(view)
    if headers.pop("right", False):
        headers = headers | {"X_Token": form_token(view)}
    assert ask(view, path, "POST", **headers).code == 403
    assert ask(view, path).code == 404  # a GET presses no button
    assert list(tmp_path.iterdir()) == []
    assert not view._server.RequestHandlerClass.args[0].keeper.is_recording


def test_the_own_pages_origin_is_right(view):
    leave(view)
    origin = {"Host": "localhost:9000", "Origin": "http://localhost:9000"}  # through a tunnel
    answer = ask(view, "/snapshot", "POST", X_Token=form_token(view), **origin)
    assert answer.code == 200


# How many


def test_fifty_pages_at_once(view):
    leave(view, 50)
    with contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(send(view, "/live.mjpg")) for _ in range(50)]
        states = [stack.enter_context(send(view, "/state")) for _ in range(50)]
        for viewer in viewers:
            assert jpeg_of(until(viewer, b"\xff\xd9\r\n--frame\r\n")).mean() == 50
        for state in states:
            until(state, b"}\n\n")
        leave(view, 200)
        for viewer in viewers:
            shows(viewer, 200)


def test_one_stream_too_many_is_told_so_and_there_is_room_again(view, monkeypatch):
    leave(view)
    with contextlib.ExitStack() as stack:
        for _ in range(site.STREAMS):
            until(stack.enter_context(send(view, "/live.mjpg")), b"--frame")
        answer = ask(view, "/live.mjpg")
        assert answer.code == 503 and answer.body == b"too many are watching\n"
        assert ask(view).code == 200
    assert eventually(lambda: is_served(view))


def is_served(view):
    with send(view, "/live.mjpg") as viewer:
        return b"200 OK" in viewer.recv(4096)


def test_connections_that_say_nothing_do_not_keep_others_out_for_good(view, monkeypatch):
    monkeypatch.setattr(handler, "_REQUEST", 0.5)
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connected(view)) for _ in range(server._CONNECTIONS + 20)]
        for connection in idle[:10]:
            assert connection.recv(1) == b""  # hung up on
        assert eventually(lambda: ask(view).code == 200)


def test_a_request_that_never_ends_is_cut_off(view, monkeypatch):
    monkeypatch.setattr(handler, "_REQUEST", 0.3)
    with connected(view) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(3000):  # a header line now and then
            connection.sendall(b"X: y\r\n")
            time.sleep(0.02)
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                if not connection.recv(1):
                    break
            connection.settimeout(20)
        else:
            raise AssertionError("it was listened to for a minute")


@pytest.mark.parametrize(
    "garbage",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / / HTTP/1.1\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /\x00\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET http://127.0.0.1/../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + 200 * b"X: y\r\n" + b"\r\n",
        b"GET /" + 20_000 * b"x" + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\n\r\n",  # TLS
        b"\r\n\r\n",
        b"POST /record HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n" + 999 * b"x",
    ],
    ids=lambda garbage: repr(garbage[:24]),
)
def test_nonsense_is_refused_or_hung_up_on_and_said_to_nobody(view, capfd, garbage):
    leave(view)
    with connected(view) as connection:
        connection.sendall(garbage)
        connection.shutdown(socket.SHUT_WR)
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                data += piece
    assert not data or (data.startswith(b"HTTP/1.0 4") or data.startswith(b"HTTP/1.0 5"))
    assert eventually(lambda: threads_of(view) == 0) and ask(view).code == 200
    assert capfd.readouterr() == ("", "")


def test_where_the_system_gives_no_thread_whoever_asks_is_refused(view, monkeypatch, capfd):
    def start(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        assert ask(view).code == 503
    assert ask(view).code == 200 and capfd.readouterr() == ("", "")


def test_a_request_has_a_largest_size(view):
    with connected(view) as connection, contextlib.suppress(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"X-Long: " + 30_000 * b"y" + b"\r\n")
        connection.sendall(b"X-Long: " + 30_000 * b"y" + b"\r\nHost: 127.0.0.1\r\n\r\n")
        assert b" 200 " not in connection.recv(4096)


def test_a_hanging_viewer_holds_up_nobody(view):
    """One that takes nothing: the run goes on, and another sees the newest."""
    view.latest.update(lambda: NOISE, lambda: [ROW], labels=())
    with send(view, "/live.mjpg"), send(view, "/rows"), send(view, "/live.mjpg") as other:
        for _ in range(20):  # 20 pictures of 300 kB: more than fits between the two
            view.latest.update(lambda: NOISE, lambda: [ROW] * 99, labels=())
            until(other, b"--frame\r\n")
        leave(view, 123)
        end = b""
        while not end or jpeg_of(end).shape[0] != 48:
            end = until(other, b"\xff\xd9\r\n--frame\r\n")
        assert jpeg_of(end).mean() == 123


def test_a_viewer_who_takes_nothing_is_given_up(view, monkeypatch):
    monkeypatch.setattr(handler, "_SEND", 0.3)
    with send(view, "/live.mjpg"):
        for _ in range(20):
            view.latest.update(lambda: NOISE, None, labels=())
            time.sleep(0.05)
        assert eventually(lambda: threads_of(view) == 0)


def threads_of(view):
    return sum(thread.name.startswith("Thread-") for thread in threading.enumerate())


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="handles are counted on Linux")
def test_connections_opened_and_dropped_leave_nothing(view):
    def handles():
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    leave(view)
    before = handles()
    for number in range(300):
        ways = (
            lambda: connected(view),
            lambda: send(view),
            lambda: send(view, "/live.mjpg"),
            lambda: send(view, "/rows"),
            lambda: send(view, "/state"),
        )
        ways[number % len(ways)]().close()
    assert eventually(lambda: threads_of(view) == 0 and handles() == before)
    assert view.latest._listeners == 0 and view.latest._told == view.latest._told.__class__()
    assert ask(view).code == 200


@pytest.mark.parametrize("path", ["/live.mjpg", "/rows", "/state", "/faces"])
def test_whoever_is_dropped_while_held_makes_room(view, monkeypatch, path):
    monkeypatch.setattr(handler, "_LOOK", 0.05)
    send(view, path).close()
    send(view, path).close()
    assert eventually(lambda: threads_of(view) == 0)


# The end


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (None, "all is done"),
        (KeyboardInterrupt("SIGTERM"), "it was stopped"),
        (EmotionError("camera 0 has sent no picture for 60 s"), "camera 0 has sent no picture for"),
    ],
    ids=["done", "stopped", "error"],
)
def test_viewers_are_told_why_it_ended_and_let_go(tmp_path, error, why):
    with (
        contextlib.suppress(KeyboardInterrupt, EmotionError),
        View(Address("127.0.0.1", 0), Keeper(tmp_path)) as view,
    ):
        leave(view)
        page, viewer, listener = (send(view, p) for p in ("/state", "/live.mjpg", "/rows"))
        until(page, b"}\n\n")
        until(viewer, b"--frame\r\n")
        until(listener, b"\r\n\r\n")
        if error:
            raise error
    states = [json.loads(text) for text in answer_text(page).split("data: ") if text.strip()]
    assert states[-1]["ended"].startswith(why)
    assert answer_text(viewer) is not None and answer_text(listener) is not None
    with pytest.raises(ConnectionError):
        connected(view)


def answer_text(connection):
    """All that still comes before the line is closed."""
    data = b""
    with connection:
        while piece := connection.recv(65536):
            data += piece
    return data.decode("latin-1")


@pytest.mark.parametrize("path", ["/live.mjpg", "/faces"])
def test_whoever_was_held_when_it_ended_is_told(tmp_path, path):
    with View(Address("127.0.0.1", 0), Keeper(tmp_path)) as view:
        held = send(view, path)
        assert eventually(lambda: threads_of(view) == 1)
    with held:
        answer = answer_of(held)
    assert answer.code == 503 and b"ended before its first frame" in answer.body


def test_a_port_in_use_is_one_line(view, tmp_path):
    port = port_of(view)
    with pytest.raises(SettingsError) as refusal:
        View(Address("127.0.0.1", port), Keeper(tmp_path))
    assert refusal.value.complaints == [
        f"VIEW: port {port} of 127.0.0.1 is in use: end what uses it, or give another"
    ]


def test_an_address_that_the_machine_lacks_is_one_line(tmp_path):
    with pytest.raises(SettingsError, match="this machine has no such address"):
        View(Address("192.0.2.1", 8000), Keeper(tmp_path))


def test_a_port_is_free_again_at_once(tmp_path):
    with View(Address("127.0.0.1", 0), Keeper(tmp_path)) as first:
        leave(first)
        viewer = send(first, "/live.mjpg")
        until(viewer, b"--frame")
    viewer.close()
    with View(Address("127.0.0.1", port_of(first)), Keeper(tmp_path)) as second:
        assert ask(second).code == 200


def test_nothing_is_said_of_who_asks_and_so_no_token(open_view, capfd):
    leave(open_view)
    token = open_view.url.split("/")[3]
    for path in ("/", "/faces", "/none", "/\xff"):
        ask(open_view, f"/{token}{path}")
    ask(open_view, "/")
    send(open_view, f"/{token}/live.mjpg").close()
    assert eventually(lambda: threads_of(open_view) == 0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="::1 is there on Linux")
def test_ipv6_is_served_too(tmp_path):
    try:
        made = View(Address("::1", 0), Keeper(tmp_path))
    except SettingsError:
        pytest.skip("this machine has no IPv6")
    with made, socket.create_connection(("::1", port_of(made))) as connection:
        connection.sendall(f"GET / HTTP/1.0\r\nHost: [::1]:{port_of(made)}\r\n\r\n".encode())
        assert answer_of(connection).code == 200

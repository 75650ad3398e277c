"""A live stream of motion JPEG over HTTP on this machine, which stalls, drops and comes back."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np


class Stream:
    """A context manager; `url` is where the stream is, and `mode` what it does.

    "send" sends frames of `size` at `rate` a second, "stall" keeps the line open and sends
    nothing, "drop" hangs up, "refuse" answers with an error. `picture` is what is sent, or None
    for a grey that grows by one a frame; `sent` counts frames.
    """

    def __init__(self, *, picture=None, size=(320, 240), rate=50.0):
        self.mode, self.picture, self.size, self.rate, self.sent = "send", picture, size, rate, 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/live.mjpg"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.mode = "drop"
        self._server.shutdown()
        self._server.server_close()

    def send(self, write):
        """Frames through `write`, as long as the mode allows."""
        while self.mode in ("send", "stall"):
            if self.mode == "send":
                jpeg = cv2.imencode(".jpg", self._image())[1].tobytes()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                write(head.encode() + jpeg + b"\r\n")
                self.sent += 1
            time.sleep(1 / self.rate)

    def _image(self):
        if self.picture is not None:
            return self.picture
        return np.full((self.size[1], self.size[0], 3), self.sent % 256, np.uint8)

    def _handler(self):
        stream = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                if stream.mode == "refuse":
                    self.send_error(503)
                    return
                self.send_response(200)
                kind = "multipart/x-mixed-replace; boundary=frame"
                self.send_header("Content-Type", kind)
                self.end_headers()
                with contextlib.suppress(OSError):  # whoever watched has gone
                    stream.send(self.wfile.write)

        return Handler

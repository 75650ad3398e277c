"""How long the page of `python -m emotion.web` takes for each frame, in headless Chromium.

python -m benchmarks.browser
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emotion.sources.clip import Clip

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
SECONDS, RATE = 4, 30

Frames = Iterator[tuple[float, Any]]


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        sys.exit("Chromium is not here: apt-get install chromium nodejs npm")
    for name, frames in (("samples/people.mp4, 320x240", people()), ("her face, 640x480", her())):
        spent = measured(chromium, frames)[1:]  # the first one searches the whole frame
        rate, middle = 1000 / np.mean(spent), np.median(spent)
        print(f"{name}: {rate:.0f} frames a second, {len(spent)} frames")
        print(f"  median {middle:.1f} ms, mean {np.mean(spent):.1f}, longest {max(spent):.0f}")
    return 0


def people() -> Frames:
    """The clip that ships, whose middle is moved so fast that every frame is searched anew."""
    with Clip(SAMPLES / "people.mp4") as clip:
        for frame in clip:
            yield frame.time or 0.0, frame.image


def her() -> Frames:
    """Her face before a camera that trembles a little."""
    photograph = cv2.imread(str(SAMPLES / "astronaut.png"))
    assert photograph is not None
    for number in range(SECONDS * RATE):
        x, y = 60 + 14 * np.sin(0.08 * number), 10 + 9 * np.sin(0.1 * number)
        shift = np.array([[1.6, 0, -1.6 * x], [0, 1.6, -1.6 * y]])
        yield number / RATE, cv2.warpAffine(photograph, shift, (640, 480))


def measured(chromium: str, frames: Frames) -> list[float]:
    """Milliseconds in the page's worker for each frame, from a bitmap to its faces."""
    packed = [
        (time, base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode())
        for time, image in frames
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "frames.json").write_text(json.dumps(packed))
        server = subprocess.Popen(
            [sys.executable, "-m", "emotion.web"],
            env={**os.environ, "PORT": "0"},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        try:
            asked = {
                "chromium": chromium,
                "address": server.stdout.readline().split()[0],
                "profile": str(folder / "profile"),
                "frames": str(folder / "frames.json"),
                "steps": ["frames"],
            }
            command = ["node", str(ROOT / "tests" / "browser.mjs"), json.dumps(asked)]
            answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
    found = json.loads(answer.splitlines()[-1])
    for problem in found["failed"].values():
        sys.exit(problem)
    return [frame["milliseconds"] for frame in found["frames"]]


if __name__ == "__main__":
    sys.exit(main())

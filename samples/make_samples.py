"""Makes the other samples from the one photograph: a clip, a picture of two people, one of nobody.

python samples/make_samples.py
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent
SIZE = 320, 240  # pixels of the clip, width and height
RATE, FRAMES = 15, 52  # three and a half seconds
HER, BOTH = (736, 150, 330), (512, 240, 640)  # what the camera sees: middle x, y, and width


def main() -> None:
    """Write people.mp4, two.jpg and nobody.jpg beside this script."""
    photograph = cv2.imread(str(FOLDER / "astronaut.png"))
    if photograph is None:
        sys.exit(f"{FOLDER / 'astronaut.png'} is not here or no picture")
    both = np.hstack([photograph[:, ::-1], photograph]).astype(
        np.uint8
    )  # she and her mirror image, without a seam
    write_clip(FOLDER / "people.mp4", frames(both))
    write_picture(FOLDER / "two.jpg", view(both, *BOTH, size=(480, 360)))
    write_picture(FOLDER / "nobody.jpg", nobody())


def frames(both: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """A camera held by hand: on her for a second, then back and round until both are in view."""
    for number in range(FRAMES):
        seconds = number / RATE
        along = np.clip((seconds - 0.9) / 1.5, 0, 1)
        along = along * along * (3 - 2 * along)  # starts and stops gently
        x, y, width = (1 - along) * np.array(HER) + along * np.array(BOTH)
        x += 14 * np.sin(2.4 * seconds)
        y += 9 * np.sin(3.1 * seconds)
        yield view(both, x, y, width, size=SIZE)


def view(
    picture: NDArray[np.uint8], x: float, y: float, width: float, *, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """What lies `width` pixels wide around x, y, brought to `size`."""
    scale = size[0] / width
    shift = np.array([[scale, 0, size[0] / 2 - scale * x], [0, scale, size[1] / 2 - scale * y]])
    smooth = cv2.GaussianBlur(picture, (0, 0), 0.5 / scale)  # or fine patterns flicker
    seen = cv2.warpAffine(smooth, shift, size, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, np.uint8)


def nobody() -> NDArray[np.uint8]:
    """A room with a window, a clock, a lamp and a table: round and square things, and no face."""
    room = np.full((360, 480, 3), (150, 175, 190), np.uint8)
    cv2.rectangle(room, (0, 270), (480, 360), (70, 95, 120), cv2.FILLED)  # the floor
    cv2.rectangle(room, (40, 50), (170, 190), (230, 215, 180), cv2.FILLED)  # the window
    for start, end in (((105, 50), (105, 190)), ((40, 120), (170, 120))):
        cv2.line(room, start, end, (250, 250, 250), 6)
    cv2.rectangle(room, (40, 50), (170, 190), (250, 250, 250), 8)
    cv2.circle(room, (260, 90), 38, (235, 240, 245), cv2.FILLED, cv2.LINE_AA)  # the clock
    cv2.circle(room, (260, 90), 38, (40, 40, 40), 4, cv2.LINE_AA)
    cv2.line(room, (260, 90), (260, 62), (40, 40, 40), 3, cv2.LINE_AA)
    cv2.line(room, (260, 90), (280, 100), (40, 40, 40), 3, cv2.LINE_AA)
    cv2.line(room, (400, 320), (400, 150), (50, 50, 60), 7)  # the lamp
    shade = np.array([[365, 160], [385, 90], [415, 90], [435, 160]])
    cv2.fillPoly(room, [shade], (120, 200, 240), cv2.LINE_AA)
    cv2.rectangle(room, (120, 235), (330, 252), (50, 70, 110), cv2.FILLED)  # the table
    for left in (135, 305):
        cv2.rectangle(room, (left, 252), (left + 12, 335), (45, 60, 95), cv2.FILLED)
    noise = np.random.default_rng(0).normal(0, 4, (*room.shape[:2], 1))
    return np.clip(cv2.GaussianBlur(room, (0, 0), 0.8) + noise, 0, 255).astype(np.uint8)


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    path.write_bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes())
    print(f"wrote {path}: {path.stat().st_size / 1000:.0f} kB")


def write_clip(path: Path, pictures: Iterator[NDArray[np.uint8]]) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), RATE, SIZE)
    for picture in pictures:
        writer.write(picture)
    writer.release()
    print(f"wrote {path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

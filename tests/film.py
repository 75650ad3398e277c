"""Clips as cameras, telephones, television and browsers write them, made with PyAV."""

from fractions import Fraction

import av
import cv2
import numpy as np

TICK = Fraction(1, 1000)


def grey(level, size=(64, 48)):
    return np.full((size[1], size[0], 3), level, np.uint8)


def film(
    path,
    pictures,
    *,
    times=None,
    rate=10,
    codec="libx264",
    pixels="yuv420p",
    tick=TICK,
    options=None,
    muxer=None,
    container=None,
    tune=lambda stream: None,
    matrix=None,
    sound=None,
):
    """Write `pictures`, BGR, at `times` (seconds; by default `rate` a second) to `path`.

    `tune` is given the stream before it opens. `matrix` says how colours become YUV. `sound` is a
    codec with the first and last second of its tone, which is written too.
    """
    times = [number / rate for number in range(len(pictures))] if times is None else times
    with av.open(str(path), "w", format=muxer, options=container or {}) as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = pixels, tick
        tune(stream)
        audio = out.add_stream(sound[0], rate=48_000, layout="mono") if sound else None
        for picture, time in zip(pictures, times, strict=True):
            colours = "bgra" if picture.shape[2] == 4 else "bgr24"
            frame = av.VideoFrame.from_ndarray(picture, format=colours)
            if matrix:
                frame = frame.reformat(format=pixels, dst_colorspace=matrix)
            frame.pts, frame.time_base = round(time / tick), tick
            out.mux(stream.encode(frame))
        if audio:
            tone(out, audio, *sound[1:])
        out.mux(stream.encode(None))
    return path


def tone(out, audio, first, last):
    """A hum from second `first` to second `last`."""
    size = audio.codec_context.frame_size or 1024
    for start in range(round(first * 48_000), round(last * 48_000), size):
        wave = 8000 * np.sin(np.arange(start, start + size) * 2 * np.pi * 440 / 48_000)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        out.mux(audio.encode(frame))
    out.mux(audio.encode(None))


def music(path):
    """Sound alone."""
    with av.open(str(path), "w") as out:
        tone(out, out.add_stream("aac", rate=48_000, layout="mono"), 0, 0.5)
    return path


def interlaced(stream):
    """Code pictures as two fields each."""
    stream.codec_context.flags |= 1 << 18 | 1 << 29  # interlaced DCT and motion estimation


def disc(x, y=24, radius=10, size=(64, 48)):
    """A white disc on dark grey."""
    picture = grey(40, size)
    cv2.circle(picture, (x, y), radius, (230, 230, 230), cv2.FILLED)
    return picture


def combed(one, other):
    """Two moments in one picture: every other row is the other's."""
    picture = one.copy()
    picture[1::2] = other[1::2]
    return picture


def times_of(path):
    """The times of a clip's pictures in seconds, and the sound's, by codec; its length."""
    with av.open(str(path)) as clip:
        pictures, sound = [], []
        audio = clip.streams.best("audio")
        for packet in clip.demux():
            if packet.pts is None:
                continue
            seconds = float(packet.pts * packet.time_base)
            (sound if packet.stream is audio else pictures).append(seconds)
        name = audio.codec_context.name if audio else None
        return sorted(pictures), name, sound, clip.duration / av.time_base

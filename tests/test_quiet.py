"""The chatter of libraries, kept from standard error."""

import os

import cv2

from emotion.quiet import silence, silence_opencv


def test_silence_covers_native_writers_and_ends(capfd):
    with silence():
        os.write(2, b"chatter\n")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


def test_opencv_is_silent_unless_its_variables_ask_for_words(monkeypatch):
    log = cv2.utils.logging
    before = log.setLogLevel(log.LOG_LEVEL_ERROR)
    for name in ("OPENCV_LOG_LEVEL", "OPENCV_FFMPEG_LOGLEVEL", "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"):
        monkeypatch.setenv(name, "")  # so that what is set here is taken back
        monkeypatch.delenv(name)
    try:
        silence_opencv()
        assert log.getLogLevel() == log.LOG_LEVEL_SILENT
        assert os.environ["OPENCV_FFMPEG_LOGLEVEL"] == "-8"
        log.setLogLevel(log.LOG_LEVEL_ERROR)
        monkeypatch.setenv("OPENCV_LOG_LEVEL", "ERROR")
        monkeypatch.setenv("OPENCV_FFMPEG_LOGLEVEL", "16")
        silence_opencv()
        assert log.getLogLevel() == log.LOG_LEVEL_ERROR
        assert os.environ["OPENCV_FFMPEG_LOGLEVEL"] == "16"
    finally:
        log.setLogLevel(before)

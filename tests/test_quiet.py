"""The chatter of libraries, kept from standard error."""

import os

from emotion.quiet import silence


def test_silence_covers_native_writers_and_ends(capfd):
    with silence():
        os.write(2, b"chatter\n")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"

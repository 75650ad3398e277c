"""Where results go, and whether they fit their source."""

from pathlib import Path

import pytest

from emotion.output import paths
from emotion.sources.source import Source, find


@pytest.mark.parametrize(
    ("kind", "output", "wrong"),
    [
        ("picture", "out.png", None),
        ("picture", "out.mp4", "must end in .jpg, .jpeg, .png, .bmp, .webp, .tif or .tiff"),
        ("clip", "out.webm", None),
        ("clip", "out.png", "must end in .mp4, .m4v, .mov, .mkv, .webm or .avi"),
        ("clip", "out", "must end in"),
        ("camera", "out.gif", "must end in"),
        ("folder", "out", None),
        ("folder", "out.mp4", "must be a folder"),
        ("clip", "missing/out.mp4", "is in a folder that does not exist: create"),
        ("picture", "folder.png", "is a folder: give the name of a file"),
    ],
)
def test_an_output_fits_its_source_or_is_refused(tmp_path, kind, output, wrong):
    (tmp_path / "folder.png").mkdir()
    answer = paths.wrong_output(Source(kind, "source"), tmp_path / output)
    assert answer is None if wrong is None else answer.startswith(wrong)


def test_a_refusal_keeps_a_password_to_itself():
    stream = find("rtsp://me:secret@host/live")
    assert paths.wrong_output(stream, Path("out.png")).endswith("DEVICE_ID='rtsp://host/live'")


@pytest.mark.parametrize(
    ("timeline", "output", "path"),
    [
        ("0", "a/out.mp4", None),
        ("1", "a/out.mp4", Path("a/timeline.png")),
        ("b/mine.png", "a/out.mp4", Path("b/mine.png")),
        ("b/mine.png", None, Path("b/mine.png")),
    ],
)
def test_a_timeline_goes_beside_the_output_or_where_its_path_says(timeline, output, path):
    assert paths.timeline_path(timeline, output and Path(output)) == path


def test_no_source_is_overwritten(tmp_path):
    picture = tmp_path / "a.png"
    picture.touch()
    roundabout = tmp_path / "." / ".." / tmp_path.name / "a.png"
    assert paths.wrong_output(find(str(picture)), roundabout).startswith("is the source itself")
    assert paths.wrong_output(find(str(tmp_path)), tmp_path).startswith(
        "is the folder the files come from"
    )


def test_copies_are_not_copied_again(tmp_path):
    (tmp_path / "out/deep").mkdir(parents=True)
    (tmp_path / "out/deep/a.png").touch()
    found = find(f"{tmp_path}/**/*.png")
    assert paths.wrong_output(found, tmp_path / "out").startswith(
        "holds files that DEVICE_ID names"
    )
    assert paths.wrong_output(found, tmp_path / "other") is None
    assert paths.wrong_output(find(str(tmp_path / "out/deep")), tmp_path / "out") is None


@pytest.mark.parametrize(
    ("name", "copy"),
    [("a.png", "a.png"), ("a.avif", "a.avif.png"), ("a.MP4", "a.MP4"), ("a.gif", "a.gif.mp4")],
)
def test_a_copy_keeps_its_name_where_the_format_can_be_written(name, copy):
    assert paths.copy_name(Path("folder") / name) == copy

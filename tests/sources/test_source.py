"""What DEVICE_ID and OUTPUT name."""

from pathlib import Path

import pytest

from emotion.sources import source as media


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        ("0", "camera"),
        ("12", "camera"),
        ("/dev/video2", "camera"),
        ("picamera", "picamera"),
        ("picamera1", "picamera"),
        ("rtsp://user:secret@host:554/live", "stream"),
        ("http://host:8080/?action=stream", "stream"),
        ("https://host/films/a.mp4", "clip"),
    ],
)
def test_cameras_and_urls_are_told_apart_by_their_form(device, kind):
    found = media.find(device)
    assert (found.kind, found.name, found.files) == (kind, device, ())


@pytest.mark.parametrize(
    ("name", "kind"), [("a.JPG", "picture"), ("a.mkv", "clip"), ("noname", "clip")]
)
def test_a_file_is_a_picture_by_its_suffix_and_otherwise_a_clip(tmp_path, name, kind):
    path = tmp_path / name
    path.touch()
    assert media.find(str(path)) == media.Media(kind, str(path), (path,))


def test_a_file_url_is_that_file(tmp_path):
    path = tmp_path / "a b.png"
    path.touch()
    assert media.find(f"file://{tmp_path}/a%20b.png").files == (path,)


def test_a_file_named_like_a_camera_number_is_reached_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("7").touch()
    assert media.find("7").kind == "camera"
    assert media.find("./7").kind == "clip"


def test_a_folder_lists_pictures_and_clips_in_natural_order(tmp_path):
    for name in ("10.jpg", "9.JPG", "film.mp4", ".hidden.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    found = media.find(str(tmp_path))
    assert found.kind == "folder"
    assert [path.name for path in found.files] == ["9.JPG", "10.jpg", "film.mp4"]


def test_a_glob_reaches_into_folders(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a.png", "deep/b.png", "deep/c.txt"):
        (tmp_path / name).touch()
    found = media.find(f"{tmp_path}/**/*")
    assert [path.name for path in found.files] == ["a.png", "b.png"]


def test_a_name_with_brackets_that_exists_is_no_glob(tmp_path):
    path = tmp_path / "a[1].png"
    path.touch()
    assert media.find(str(path)).kind == "picture"


def test_nothing_of_that_name_is_none():
    assert media.find("no/such/file.png") is None


def test_a_glob_without_matches_is_an_empty_folder(tmp_path):
    assert media.find(f"{tmp_path}/*.png").files == ()


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
    answer = media.wrong_output(media.Media(kind, "source"), tmp_path / output)
    assert answer is None if wrong is None else answer.startswith(wrong)


def test_a_refusal_keeps_a_password_to_itself():
    stream = media.find("rtsp://me:secret@host/live")
    assert media.wrong_output(stream, Path("out.png")).endswith("DEVICE_ID='rtsp://host/live'")


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
    assert media.chart(timeline, output and Path(output)) == path


def test_no_source_is_overwritten(tmp_path):
    picture = tmp_path / "a.png"
    picture.touch()
    roundabout = tmp_path / "." / ".." / tmp_path.name / "a.png"
    assert media.wrong_output(media.find(str(picture)), roundabout).startswith(
        "is the source itself"
    )
    assert media.wrong_output(media.find(str(tmp_path)), tmp_path).startswith(
        "is the folder the files come from"
    )


def test_copies_are_not_copied_again(tmp_path):
    (tmp_path / "out/deep").mkdir(parents=True)
    (tmp_path / "out/deep/a.png").touch()
    found = media.find(f"{tmp_path}/**/*.png")
    assert media.wrong_output(found, tmp_path / "out").startswith(
        "holds files that DEVICE_ID names"
    )
    assert media.wrong_output(found, tmp_path / "other") is None
    assert media.wrong_output(media.find(str(tmp_path / "out/deep")), tmp_path / "out") is None


@pytest.mark.parametrize(
    ("name", "copy"),
    [("a.png", "a.png"), ("a.avif", "a.avif.png"), ("a.MP4", "a.MP4"), ("a.gif", "a.gif.mp4")],
)
def test_a_copy_keeps_its_name_where_the_format_can_be_written(name, copy):
    assert media.copy_name(Path("folder") / name) == copy


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("rtsp://user:pass@host/live", "rtsp://host/live"),
        ("http://host/a@b", "http://host/a@b"),
        ("a@b.png", "a@b.png"),
        ("0", "0"),
    ],
)
def test_a_public_name_holds_no_password(name, public):
    assert media.public(name) == public

"""What DEVICE_ID names."""

from pathlib import Path

import pytest

from emotion.sources.source import Source, find, public


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
    found = find(device)
    assert (found.kind, found.name, found.files) == (kind, device, ())


@pytest.mark.parametrize(
    ("name", "kind"), [("a.JPG", "picture"), ("a.mkv", "clip"), ("noname", "clip")]
)
def test_a_file_is_a_picture_by_its_suffix_and_otherwise_a_clip(tmp_path, name, kind):
    path = tmp_path / name
    path.touch()
    assert find(str(path)) == Source(kind, str(path), (path,))


def test_a_file_url_is_that_file(tmp_path):
    path = tmp_path / "a b.png"
    path.touch()
    assert find(f"file://{tmp_path}/a%20b.png").files == (path,)


def test_a_file_named_like_a_camera_number_is_reached_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("7").touch()
    assert find("7").kind == "camera"
    assert find("./7").kind == "clip"


def test_a_dash_is_a_clip_through_standard_input():
    assert find("-") == Source("clip", "-")


def test_what_a_folder_holds_besides_is_counted(tmp_path):
    for name in ("a.jpg", "b.txt", "c.TXT", "README", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "below").mkdir()
    assert find(str(tmp_path)).passed_over == "2 .txt, 1 without suffix, 1 folder"
    assert find(f"{tmp_path}/*.jpg").passed_over == ""


@pytest.mark.parametrize(
    ("name", "start", "kind"),
    [
        ("a.webp", b"RIFF....WEBPVP8X\x0a\0\0\0\x02", "clip"),
        ("a.webp", b"RIFF....WEBPVP8X\x0a\0\0\0\x10", "picture"),
        ("a.webp", b"RIFF....WEBPVP8 ", "picture"),
        ("a.png", b"\x89PNG....IHDR....acTL....IDAT", "clip"),
        ("a.png", b"\x89PNG....IHDR....IDAT..acTL", "picture"),
        ("a.avif", b"....ftypavis", "clip"),
        ("a.avif", b"....ftypavif", "picture"),
    ],
)
def test_a_picture_that_moves_is_a_clip(tmp_path, name, start, kind):
    path = tmp_path / name
    path.write_bytes(start)
    assert find(str(path)).kind == kind


def test_a_folder_lists_pictures_and_clips_in_natural_order(tmp_path):
    for name in ("10.jpg", "9.JPG", "film.mp4", ".hidden.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    found = find(str(tmp_path))
    assert found.kind == "folder"
    assert [path.name for path in found.files] == ["9.JPG", "10.jpg", "film.mp4"]


def test_a_glob_reaches_into_folders(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a.png", "deep/b.png", "deep/c.txt"):
        (tmp_path / name).touch()
    found = find(f"{tmp_path}/**/*")
    assert [path.name for path in found.files] == ["a.png", "b.png"]


def test_a_name_with_brackets_that_exists_is_no_glob(tmp_path):
    path = tmp_path / "a[1].png"
    path.touch()
    assert find(str(path)).kind == "picture"


def test_nothing_of_that_name_is_none():
    assert find("no/such/file.png") is None


def test_a_glob_without_matches_is_an_empty_folder(tmp_path):
    assert find(f"{tmp_path}/*.png").files == ()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("rtsp://user:pass@host/live", "rtsp://host/live"),
        ("http://host/a@b", "http://host/a@b"),
        ("a@b.png", "a@b.png"),
        ("0", "0"),
    ],
)
def test_a_public_name_holds_no_password(name, shown):
    assert public(name) == shown

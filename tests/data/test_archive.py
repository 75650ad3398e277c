import os
import socket
import zipfile

import pytest

from emotion.data.archive import open_archive, plain_name
from emotion.errors import EmotionError, UnreadableError


def test_a_folder_and_its_zip_give_the_same_names_and_bytes(tmp_path):
    folder = _folder(tmp_path / "data", {"train/happy/1.jpg": b"one", "train/sad/2.JPG": b"two"})
    packed = _zip(tmp_path / "data.zip", {"train/happy/1.jpg": b"one", "train/sad/2.JPG": b"two"})
    with open_archive(folder) as one, open_archive(packed) as other:
        assert one.files == other.files == ("train/happy/1.jpg", "train/sad/2.JPG")
        assert one.folders == other.folders == ("train", "train/happy", "train/sad")
        assert [one.read(name) for name in one.files] == [b"one", b"two"]
        assert [other.read(name) for name in other.files] == [b"one", b"two"]


@pytest.mark.parametrize("pack", ["folder", "zip"])
def test_hidden_and_macos_files_are_left_out(tmp_path, pack):
    files = {"a/1.jpg": b"x", ".DS_Store": b"x", "__MACOSX/a/._1.jpg": b"x", "a/._1.jpg": b"x"}
    write, name = (_folder, "data") if pack == "folder" else (_zip, "data.zip")
    with open_archive(write(tmp_path / name, files)) as archive:
        assert archive.files == ("a/1.jpg",)
        assert archive.folders == ("a",)


def test_an_empty_folder_is_listed_in_a_zip_too(tmp_path):
    packed = _zip(tmp_path / "data.zip", {"train/happy/1.jpg": b"x", "train/sad/": b""})
    with open_archive(packed) as archive:
        assert "train/sad" in archive.folders


def test_links_are_followed_and_a_link_to_a_folder_above_is_not_walked_for_ever(tmp_path):
    _folder(tmp_path / "elsewhere", {"1.jpg": b"x"})
    data = _folder(tmp_path / "data", {"sad/2.jpg": b"y"})
    (data / "happy").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (data / "sad" / "again").symlink_to(data, target_is_directory=True)
    with open_archive(data) as archive:
        assert archive.files == ("happy/1.jpg", "sad/2.jpg")
        assert archive.read("happy/1.jpg") == b"x"


def test_a_broken_link_is_unreadable_and_says_why(tmp_path):
    data = _folder(tmp_path / "data", {"sad/2.jpg": b"y"})
    (data / "sad" / "3.jpg").symlink_to(tmp_path / "nowhere.jpg")
    with open_archive(data) as archive, pytest.raises(UnreadableError, match="No such file"):
        archive.read("sad/3.jpg")


def test_accents_have_one_spelling_however_they_were_stored(tmp_path):
    composed, apart = "caf\u00e9/1.jpg", "cafe\u0301/1.jpg"
    with open_archive(_zip(tmp_path / "mac.zip", {apart: b"x"})) as archive:
        assert archive.files == (composed,)
        assert archive.read(composed) == b"x"


def test_utf8_names_in_a_zip_that_does_not_say_so_are_read(tmp_path):
    path = _zip(tmp_path / "data.zip", {"freude_ü/1.jpg": b"x"})
    data = path.read_bytes()
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + place
        flags = int.from_bytes(data[at : at + 2], "little") & ~0x800
        data = data[:at] + flags.to_bytes(2, "little") + data[at + 2 :]
    path.write_bytes(data)
    with open_archive(path) as archive:
        assert archive.files == ("freude_ü/1.jpg",)


def test_backslashes_of_old_windows_archivers_separate_folders(tmp_path):
    path = _zip(tmp_path / "data.zip", {"train|happy|1.jpg": b"x"})
    path.write_bytes(path.read_bytes().replace(b"|", b"\\"))
    with open_archive(path) as archive:
        assert archive.files == ("train/happy/1.jpg",)


def test_a_damaged_file_in_a_zip_is_unreadable_and_the_others_are_read(tmp_path):
    path = _zip(tmp_path / "data.zip", {"a/1.jpg": b"first-first", "a/2.jpg": b"second"})
    path.write_bytes(path.read_bytes().replace(b"first-first", b"first-thirst"[:11]))
    with open_archive(path) as archive:
        assert archive.read("a/2.jpg") == b"second"
        with pytest.raises(UnreadableError, match="damaged inside the zip"):
            archive.read("a/1.jpg")


def test_a_zip_is_known_by_its_content(tmp_path):
    path = _zip(tmp_path / "download", {"a/1.jpg": b"x"})
    with open_archive(path) as archive:
        assert archive.packed
        assert archive.files == ("a/1.jpg",)


def test_one_file_stands_alone(tmp_path):
    (tmp_path / "fer2013.csv").write_bytes(b"emotion,pixels\n")
    (tmp_path / "other.csv").write_bytes(b"")
    with open_archive(tmp_path / "fer2013.csv") as archive:
        assert archive.files == ("fer2013.csv",)
        assert archive.read("fer2013.csv") == b"emotion,pixels\n"


def test_a_missing_path_is_refused(tmp_path):
    with pytest.raises(EmotionError) as error:
        open_archive(tmp_path / "nothing")
    assert str(error.value) == (
        f"DATASET='{tmp_path / 'nothing'}' does not exist: give the folder, .zip or .csv that "
        "holds FER-2013 or pictures in class folders"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipes_devices_and_links_in_a_circle_are_named_and_passed_over(tmp_path, monkeypatch):
    data = _folder(tmp_path / "data", {"sad/1.jpg": b"x"})
    os.mkfifo(data / "sad" / "pipe.jpg")
    (data / "sad" / "zero.jpg").symlink_to("/dev/zero")
    (data / "circle").symlink_to(data / "other")
    (data / "other").symlink_to(data / "circle")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(data)  # a socket's path must be short
        listener.bind("sock.csv")
    with open_archive(data) as archive:
        assert archive.files == ("sad/1.jpg",)
        assert archive.troubles == (
            "circle: a link in a circle, no file",
            "other: a link in a circle, no file",
            "sad/pipe.jpg: a pipe, no file",
            "sad/zero.jpg: a device, no file",
            "sock.csv: a socket, no file",
        )
    with pytest.raises(EmotionError, match=r"is a pipe: give a folder, a \.zip or a"):
        open_archive(data / "sad" / "pipe.jpg")


def test_what_claims_to_be_larger_than_any_picture_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "100")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("a/zeros.jpg", b"\0" * 10_000)
        bomb.writestr("a/fine.jpg", b"\0" * 300)
    folder = _folder(tmp_path / "data", {"a/zeros.jpg": b"\0" * 10_000, "a/fine.jpg": b"\0" * 300})
    for path in (tmp_path / "bomb.zip", folder):
        with open_archive(path) as archive:
            assert len(archive.read("a/fine.jpg")) == 300
            with pytest.raises(UnreadableError) as error:
                archive.read("a/zeros.jpg")
        assert str(error.value) == (
            "10,000 bytes are more than 300; OPENCV_IO_MAX_IMAGE_PIXELS=N allows 3 x N"
        )


def test_no_more_is_unpacked_than_a_zip_says(tmp_path):
    path = _zip(tmp_path / "lying.zip", {"a/1.jpg": b"\0" * 5000})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/1.jpg", b"\0" * 5000)
    data = path.read_bytes()
    path.write_bytes(data.replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with open_archive(path) as archive, pytest.raises(UnreadableError, match="damaged inside"):
        archive.read("a/1.jpg")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("fr\udcf6h", r"fr\xf6h"),
        ("a\nb", r"a\nb"),
        ("\x1b[31mred\x7f", r"\x1b[31mred\x7f"),
        ("a\u202eb", r"a\u202eb"),
        ("cafe\u0301", "café"),
        ("می\u200cخندد 嬉しい", "می\u200cخندد 嬉しい"),
    ],
)
def test_what_is_no_text_in_a_name_is_escaped(name, shown):
    assert plain_name(name) == shown


def test_files_whose_names_are_escaped_are_read(tmp_path):
    data = _folder(tmp_path / "data", {"a\nb/\x1b[1m.jpg": b"x"})
    if os.name == "posix":
        try:
            (data / os.fsdecode(b"fr\xf6h.jpg")).write_bytes(b"y")
        except OSError:
            pytest.skip("this file system wants UTF-8")
    with open_archive(data) as archive:
        assert archive.files == (r"a\nb/\x1b[1m.jpg", r"fr\xf6h.jpg")
        assert archive.folders == (r"a\nb",)
        assert [archive.read(name) for name in archive.files] == [b"x", b"y"]


@pytest.mark.parametrize("kept", [0, 10, 60])
def test_a_zip_that_is_cut_short_is_refused(tmp_path, kept):
    path = _zip(tmp_path / "data.zip", {"a/1.jpg": b"x" * 100})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(EmotionError, match=r"is a damaged zip \(.+\): download it again"):
        open_archive(path)


def test_a_zip_with_a_password_is_refused(tmp_path):
    path = _zip(tmp_path / "data.zip", {"a/1.jpg": b"x"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(EmotionError, match="protected by a password: unpack it and give the fol"):
        open_archive(path)


def test_a_folder_that_may_not_be_listed_is_refused(tmp_path, monkeypatch):
    def refuse(folder):  # file modes would not stop root
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr("emotion.data.archive.os.scandir", refuse)
    with pytest.raises(EmotionError) as error:
        open_archive(tmp_path)
    assert str(error.value) == (
        f"DATASET='{tmp_path}': the folder '{tmp_path}' cannot be listed (Permission denied): "
        "make it readable"
    )


def _folder(path, files):
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def _zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path

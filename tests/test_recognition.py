"""recognition.py as a user runs it: exit codes, both streams, files."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from display import Person, display
from film import film, times_of
from stream import Stream

from emotion import faces, lock, model_file, pictures
from emotion.errors import SettingsError
from emotion.output.paths import usable_source
from emotion.output.recording import Recording
from emotion.sources.clip import Clip
from emotion.tracking import smoothing

ROOT = Path(__file__).parents[1]
ASTRONAUT = ROOT / "samples" / "astronaut.png"
MODEL = Path(__file__).with_name("steady.tflite")  # happy 0.9, whatever it sees
QUIET = {"SHOW": "0", "MODEL_PATH": str(MODEL)}
OWN = ("DEVICE_ID", "MODEL_PATH", "OUTPUT", "RESULTS", "TIMELINE", "SHOW", "MIRROR", "GIVE_UP")
OWN += ("ROTATE", "FRAME_RATE", "DURATION", "WORKERS", "CLUSTER", "RESUME")


def environment(**settings):
    kept = {name: value for name, value in os.environ.items() if name not in OWN}
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        kept.pop(name, None)
    return kept | {name: str(value) for name, value in settings.items()}


@pytest.fixture(autouse=True)
def hang_up_is_heard():
    """Also where the tests themselves were told to survive it, as nohup does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def recognise(*arguments, cwd=ROOT, **settings):
    command = [sys.executable, str(ROOT / "recognition.py"), *arguments]
    return subprocess.run(
        command,
        env=environment(**settings),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@contextlib.contextmanager
def start(**settings):
    """The program running; one that does not end is killed, so that no test waits for ever."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "recognition.py")],
        env=environment(**settings),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        end = threading.Timer(60, running.kill)
        end.start()
        try:
            yield running
        except BaseException:
            running.kill()
            raise
        finally:
            running.wait()
            end.cancel()


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="session")
def portrait():
    """A frame of 320x240 with one face."""
    return cv2.resize(pictures.read(ASTRONAUT)[20:260, 60:380], (320, 240))


@pytest.fixture(scope="session")
def clip(tmp_path_factory, portrait):
    """20 frames, two seconds, one face."""
    path = tmp_path_factory.mktemp("clip") / "face.avi"
    with Recording(path, rate=10) as recording:
        for number in range(20):
            recording.write(portrait, number / 10)
    return path


@pytest.fixture
def folder(tmp_path, portrait, clip):
    """A picture with a face, one without, a clip, and a file that is no picture."""
    made = tmp_path / "pictures"
    made.mkdir()
    cv2.imwrite(str(made / "1 face.png"), portrait)
    cv2.imwrite(str(made / "2 none.jpg"), np.full((120, 160, 3), 90, np.uint8))
    (made / "3 broken.png").write_text("no picture")
    (made / "10 clip.avi").write_bytes(clip.read_bytes())
    return made


def test_defaults_are_those_of_the_library():
    sys.path.insert(0, str(ROOT))
    from recognition import Settings

    settings = Settings()
    assert settings.min_face == faces.MIN_FACE
    assert (settings.smoothing, settings.confidence) == (smoothing.SMOOTHING, smoothing.CONFIDENCE)


def test_a_folder_that_may_not_be_listed_is_named(tmp_path, monkeypatch):
    def refused(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(SettingsError) as refusal:
        usable_source(str(tmp_path), output=None, results=None, timeline="0", models={})
    assert refusal.value.complaints == [
        f"DEVICE_ID='{tmp_path}' cannot be listed: Permission denied"
    ]


def test_help_lists_every_variable_with_its_default():
    done = recognise("--help")
    assert done.returncode == 0 and done.stderr == ""
    for name in ("DEVICE_ID     0", "OUTPUT        none", "SMOOTHING     0.5", "GIVE_UP       60"):
        assert name in done.stdout


def test_unusable_settings_are_all_named_before_anything_slow():
    done = recognise(
        DEVICE_ID="no/such.png",
        MODEL_PATH="missing.tflite",
        RESULTS="rows.txt",
        SMOOTHING="soon",
        CAPTURE_SIZE="big",
        TIMELINE="perhaps",
        FACE_MODEL="face.xml",
        OPENCV_LOG_LEVEL="",
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "RESULTS='rows.txt' must end in .jsonl, .csv or .parquet",
        "TIMELINE='perhaps' is neither 1, 0 nor a path that ends in .png",
        "SMOOTHING='soon' is not a number",
        "FACE_MODEL='face.xml' must end in .onnx",
        "CAPTURE_SIZE='big' is not like 1280x720",
    ]


def test_settings_that_do_not_fit_what_is_there_are_all_named(tmp_path):
    done = recognise(
        DEVICE_ID="no/such.png",
        MODEL_PATH="missing.tflite",
        FACE_MODEL="missing.onnx",
        RESULTS=tmp_path / "none" / "rows.csv",
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "MODEL_PATH='missing.tflite' does not exist",
        "FACE_MODEL='missing.onnx' does not exist",
        f"RESULTS='{tmp_path}/none/rows.csv' is in a folder that does not exist: create "
        f"'{tmp_path}/none' first",
        "DEVICE_ID='no/such.png' is no camera number, no stream's URL and no file that exists",
    ]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"OUTPUT": "out.mp4"}, "OUTPUT='out.mp4' must end in .jpg, "),
        ({"OUTPUT": ASTRONAUT}, "is the source itself: give another name, nothing is overwritten"),
        ({"TIMELINE": "1"}, "TIMELINE='1' is for clips: a picture has no time to draw"),
        ({"DEVICE_ID": ROOT / "tests"}, "holds no picture and no clip"),
        ({"DEVICE_ID": "0", "TIMELINE": "1"}, "TIMELINE='1' is drawn beside OUTPUT"),
        ({"DEVICE_ID": ROOT / "samples", "TIMELINE": "a.png"}, "must be 1 for a folder"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_settings_that_do_not_fit_each_other_are_refused(settings, complaint):
    done = recognise(**{**QUIET, "DEVICE_ID": str(ASTRONAUT), **settings})
    assert done.returncode == 2 and done.stdout == ""
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1


def test_refusals_load_neither_opencv_nor_litert():
    code = (
        "import sys, recognition as r, emotion.cli.command as s\n"
        "code = s.run(r.main, r.Settings, '', arguments=())\n"
        "print(code, sorted({'cv2', 'numpy', 'ai_edge_litert'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(DEVICE_ID="no/such.png"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2 []\n"


def test_recognition_loads_nothing_that_belongs_to_training():
    code = (
        "import sys, runpy\n"
        "try: runpy.run_path('recognition.py', run_name='__main__')\n"
        "except SystemExit as end: print(end.code, file=sys.stderr)\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'sklearn', 'PIL'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(DEVICE_ID=str(ASTRONAUT), **QUIET),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-2:] == ["0", "[]"]


def test_a_picture_without_a_display_gives_rows_on_standard_output():
    done = recognise(DEVICE_ID=ASTRONAUT, MODEL_PATH=MODEL)
    assert done.returncode == 0
    (row,) = rows_of(done.stdout)
    x, y, width, height = row["box"]
    assert x < 224 < x + width and y < 115 < y + height  # the nose
    assert (row["emotion"], row["identity"], row["time"]) == ("happy", 1, None)
    assert row["confidence"] == pytest.approx(0.9, abs=0.01)
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert "no window: there is no display" in done.stderr


def test_the_start_shows_every_setting_and_nothing_else_on_stderr():
    done = recognise(DEVICE_ID=ASTRONAUT, **QUIET)
    lines = done.stderr.splitlines()
    assert len(lines) == 26
    assert "  GIVE_UP       60  (default)" in lines and "  SHOW          0  (environment)" in lines


def test_an_annotated_picture_is_written_and_no_rows_then(tmp_path):
    done = recognise(DEVICE_ID=ASTRONAUT, OUTPUT=tmp_path / "a.png", **QUIET)
    assert done.returncode == 0 and done.stdout == ""
    assert f"wrote {tmp_path / 'a.png'}" in done.stderr
    drawn, original = pictures.read(tmp_path / "a.png"), pictures.read(ASTRONAUT)
    assert drawn.shape == original.shape
    assert 1000 < (drawn != original).any(axis=2).sum() < drawn[:, :, 0].size / 4


def test_nothing_is_left_in_the_current_folder(tmp_path):
    recognise(DEVICE_ID=ASTRONAUT, cwd=tmp_path, **QUIET)
    assert list(tmp_path.iterdir()) == []


def test_mirror_turns_what_is_written_round(tmp_path):
    for mirror in ("0", "1"):
        out = tmp_path / f"{mirror}.png"
        recognise(DEVICE_ID=ASTRONAUT, OUTPUT=out, MIRROR=mirror, **QUIET)
    plain, mirrored = (pictures.read(tmp_path / f"{mirror}.png") for mirror in "01")
    rows = slice(300, 450)  # below boxes and bars, above the corner's text
    assert np.array_equal(plain[rows], mirrored[rows, ::-1])


def test_a_picture_that_is_a_face_already_is_read_as_one(tmp_path, portrait):
    """A tight crop gave an empty row: no cascade finds a face in it."""
    tight = cv2.imread(str(ASTRONAUT))[80:150, 190:260]
    cv2.imwrite(str(tmp_path / "face.png"), tight)
    empty, read = (
        rows_of(recognise(DEVICE_ID=tmp_path / "face.png", CROPPED=cropped, **QUIET).stdout)
        for cropped in (0, 1)
    )
    assert [row["identity"] for row in empty] == [None]
    assert [(row["identity"], row["box"]) for row in read] == [(1, [0, 0, 70, 70])]


def test_a_region_is_searched_and_the_boxes_are_the_whole_pictures():
    done = recognise(DEVICE_ID="samples/two.jpg", REGION="240,0,240,360", **QUIET)
    (row,) = rows_of(done.stdout)
    assert row["box"] == pytest.approx([368, 47, 80, 80], abs=6)


def test_a_region_outside_a_picture_is_one_line(tmp_path):
    done = recognise(DEVICE_ID="samples/two.jpg", REGION="480,0,9,9", **QUIET)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: REGION=480,0,9,9 lies outside a frame of 480x360"
    )


def test_of_two_faces_the_largest_alone_is_asked_for():
    (row,) = rows_of(recognise(DEVICE_ID="samples/two.jpg", MAX_FACES=1, **QUIET).stdout)
    assert row["box"] == pytest.approx([30, 45, 82, 82], abs=6)


def test_parts_and_numbers_of_faces_that_cannot_be_are_all_named(tmp_path):
    (tmp_path / "file").write_text("")
    done = recognise(
        DEVICE_ID=ASTRONAUT, REGION="1,2,3", MAX_FACES=0, CROPPED=2, CROPS=tmp_path / "file"
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line.split("=")[0] for line in lines] == ["CROPS", "MAX_FACES", "CROPPED", "REGION"]
    assert "must be x,y,width,height: four whole numbers of pixels" in lines[3]
    assert lines[0].endswith("is a file: give the name of a folder")


def test_the_faces_seen_are_saved_as_crops_one_a_second_of_each_person(tmp_path, people_clip):
    folder = tmp_path / "mine" / "happy"
    done = recognise(DEVICE_ID=people_clip, CROPS=folder, RESULTS=tmp_path / "rows.csv", **QUIET)
    assert f"wrote 6 face crops to {folder}" in done.stderr.splitlines()
    names = sorted(path.name for path in folder.iterdir())
    assert len({name.split("-")[1] for name in names}) == 1  # the mark of the source
    assert [(name.split("-")[0], name.split("-")[2]) for name in names] == [
        *[("people.mp4", "person1")] * 4,
        *[("people.mp4", "person2")] * 2,
    ]
    assert cv2.imread(str(folder / names[0]), cv2.IMREAD_UNCHANGED).shape == (48, 48)


def test_a_picture_without_a_face_is_a_row_without_one(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((120, 160, 3), 90, np.uint8))
    done = recognise(DEVICE_ID=tmp_path / "grey.png", **QUIET)
    (row,) = rows_of(done.stdout)
    assert done.returncode == 0 and row["box"] is None and row["identity"] is None


@pytest.mark.parametrize("name", ["broken.png", "broken.mp4"])
def test_a_file_that_cannot_be_read_is_one_line_and_exit_1(tmp_path, name):
    path = tmp_path / name
    path.write_text("neither picture nor clip")
    done = recognise(DEVICE_ID=path, **QUIET)
    assert done.returncode == 1 and done.stdout == ""
    (error,) = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
    assert error.startswith(f"error: {path} cannot be ")


def test_a_model_that_is_none_is_one_line_and_exit_1(tmp_path):
    (tmp_path / "bad.tflite").write_text("no model")
    done = recognise(DEVICE_ID=ASTRONAUT, SHOW=0, MODEL_PATH=tmp_path / "bad.tflite")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {tmp_path / 'bad.tflite'} cannot be lo")


def test_a_clip_gives_a_row_for_every_frame_and_a_summary(clip):
    done = recognise(DEVICE_ID=clip, **QUIET)
    rows = rows_of(done.stdout)
    assert [row["frame"] for row in rows] == list(range(20))
    assert [row["time"] for row in rows] == pytest.approx([n / 10 for n in range(20)], abs=1e-3)
    assert {row["identity"] for row in rows} == {1}
    assert {row["wall_time"] for row in rows} == {None}
    assert done.stderr.splitlines()[-1] == f"{clip}: person 1: 2.0 s in view, happy 100%"


def test_the_two_people_of_the_clip_that_ships_keep_their_numbers(people_clip):
    done = recognise(DEVICE_ID=people_clip, SHOW=0)
    shown = {}
    for row in rows_of(done.stdout):
        shown.setdefault(row["frame"], {})[row["identity"]] = row
    assert sorted(shown) == list(range(52))
    assert all(list(people) == [1] for frame, people in shown.items() if frame < 24)
    assert all(sorted(people) == [1, 2] for frame, people in shown.items() if frame >= 36)
    right, left = shown[51][1]["box"], shown[51][2]["box"]
    assert left[0] + left[2] < 160 < right[0]
    people = [line.split(": ", 1)[1] for line in done.stderr.splitlines() if "in view" in line]
    assert people[0].startswith("person 1: 3.5 s in view, happy") and len(people) == 2


@pytest.mark.parametrize(("name", "count"), [("two.jpg", 2), ("nobody.jpg", 0)])
def test_the_pictures_that_ship_hold_two_people_and_none(name, count):
    rows = rows_of(recognise(DEVICE_ID=ROOT / "samples" / name, SHOW=0).stdout)
    assert [row["identity"] for row in rows] == ([1, 2] if count else [None])
    assert {row["emotion"] for row in rows} == ({"happy"} if count else {None})


def test_a_clip_keeps_its_length_in_output_and_its_rows_go_to_results(tmp_path, clip):
    out, rows = tmp_path / "out.avi", tmp_path / "rows.csv"
    done = recognise(DEVICE_ID=clip, OUTPUT=out, RESULTS=rows, TIMELINE=1, **QUIET)
    assert done.returncode == 0 and done.stdout == ""
    with Clip(out) as written:
        frames = list(written)
    assert len(frames) == 20 and written.rate == 10
    with rows.open(newline="") as file:
        assert [row["emotion"] for row in csv.DictReader(file)] == ["happy"] * 20
    assert pictures.read(tmp_path / "timeline.png").shape[1] == 1280
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.avi",
        "rows.csv",
        "timeline.png",
    ]


def test_rows_can_go_to_standard_output_beside_a_clip(tmp_path, clip):
    done = recognise(DEVICE_ID=clip, OUTPUT=tmp_path / "out.avi", RESULTS="-", **QUIET)
    assert len(rows_of(done.stdout)) == 20


def test_a_reader_that_stops_early_ends_the_run_quietly(clip):
    with start(DEVICE_ID=clip, **QUIET) as running:
        running.stdout.readline()
        running.stdout.close()
        error = running.stderr.read()
    assert running.returncode == 141  # not all was done
    assert "Broken" not in error and "Traceback" not in error


def test_a_model_without_labels_is_read_and_said_to_be(tmp_path):
    shipped = (ROOT / "emotion" / "models" / "fer2013.tflite").read_bytes()
    bare = tmp_path / "bare.tflite"
    with zipfile.ZipFile(io.BytesIO(shipped)) as archive:
        bare.write_bytes(shipped[: min(entry.header_offset for entry in archive.infolist())])
    at, text = model_file._description(bare.read_bytes())  # without the length that it states
    bare.write_bytes(
        bare.read_bytes()[:at] + b"x" * len(text) + bare.read_bytes()[at + len(text) :]
    )
    done = recognise(DEVICE_ID=ASTRONAUT, SHOW=0, MODEL_PATH=bare)
    assert done.returncode == 0
    assert "MODEL_PATH has no labels inside: its outputs are taken for FER-2013's, angry, disg" in (
        done.stderr
    )
    assert "no labels inside" not in recognise(DEVICE_ID=ASTRONAUT, **QUIET).stderr


def test_two_runs_cannot_write_one_copy(clip, tmp_path):
    with lock.of(tmp_path / "a.mp4", "OUTPUT"):
        done = recognise(DEVICE_ID=clip, OUTPUT=tmp_path / "a.mp4", **QUIET)
    assert done.returncode == 1
    assert f"another run (process {os.getpid()}) is writing here" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_one_set_of_rows_with_a_copy_of_each(tmp_path, folder):
    out = tmp_path / "out" / "deep"
    done = recognise(DEVICE_ID=folder, OUTPUT=out, RESULTS="-", TIMELINE=1, **QUIET)
    assert done.returncode == 0
    sources = [Path(row["source"]).name for row in rows_of(done.stdout)]
    assert sources == ["1 face.png", "2 none.jpg", *["10 clip.avi"] * 20]
    assert sorted(path.name for path in out.iterdir()) == [
        "1 face.png",
        "10 clip.avi",
        "10 clip.avi.timeline.png",
        "2 none.jpg",
    ]
    assert "[####" not in done.stderr  # a bar belongs on a terminal
    assert done.stderr.splitlines()[-2:] == [
        f"error: {folder}/3 broken.png cannot be read as a picture: no picture that OpenCV "
        "can read, or a damaged one",
        "3 of 4 files read",
    ]


def test_every_clip_of_a_folder_gets_its_copy_and_the_rest_is_named(tmp_path, clip):
    (tmp_path / "in").mkdir()
    for name in ("a.mp4", "b.mts"):  # whose content is another format, which does not matter
        (tmp_path / "in" / name).write_bytes(clip.read_bytes())
    (tmp_path / "in" / "notes.txt").touch()
    done = recognise(DEVICE_ID=tmp_path / "in", OUTPUT=tmp_path / "out", **QUIET)
    assert done.stderr.count("wrote ") == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.mp4", "b.mts.mp4"]
    assert f"{tmp_path / 'in'}: neither picture nor clip, passed over: 1 .txt" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_folder_has_a_progress_bar_on_a_terminal(folder, tmp_path):
    import pty

    inside, outside = pty.openpty()
    settings = {"DEVICE_ID": folder, "RESULTS": tmp_path / "rows.csv"}
    subprocess.run(
        [sys.executable, str(ROOT / "recognition.py")],
        env=environment(**settings, **QUIET),
        cwd=ROOT,
        stderr=outside,
        check=True,
        timeout=60,
    )
    os.close(outside)
    shown = os.read(inside, 100_000).decode()
    os.close(inside)
    assert "[######..................] 1/4  0:0" in shown
    assert "[########################] 4/4  0:00 left" in shown
    assert shown.rstrip().endswith("3 of 4 files read")


def test_people_of_one_file_are_not_those_of_the_next(tmp_path, clip):
    for name in ("a.avi", "b.avi"):
        (tmp_path / name).write_bytes(clip.read_bytes())
    done = recognise(DEVICE_ID=f"{tmp_path}/*.avi", **QUIET)
    assert {row["identity"] for row in rows_of(done.stdout)} == {1}


def test_a_folder_of_which_nothing_can_be_read_is_exit_1(tmp_path):
    for name in ("a.png", "b.mp4"):
        (tmp_path / name).write_text("nothing")
    done = recognise(DEVICE_ID=tmp_path, **QUIET)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines()[-1] == "0 of 2 files read"


def test_files_of_the_same_name_keep_their_folders(tmp_path, portrait):
    for name in ("one", "two"):
        (tmp_path / "in" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "in" / name / "a.png"), portrait)
    recognise(DEVICE_ID=f"{tmp_path}/in/*/a.png", OUTPUT=tmp_path / "out", **QUIET)
    assert (tmp_path / "out/one/a.png").is_file() and (tmp_path / "out/two/a.png").is_file()


@pytest.mark.parametrize(
    ("ending", "called"),
    [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
def test_stopping_a_run_leaves_complete_files(tmp_path, portrait, ending, called):
    out, rows = tmp_path / "out.mp4", tmp_path / "rows.jsonl"
    with Stream(picture=portrait) as stream:
        settings = {"DEVICE_ID": stream.url, "OUTPUT": out, "RESULTS": rows}
        with start(**settings, TIMELINE=1, **QUIET) as running:
            wait_for(lambda: rows.exists() and rows.read_text().count("\n") > 5)
            running.send_signal(ending)
            error = running.stderr.read()
    assert running.returncode == 130
    assert error.splitlines()[-1] == f"stopped by {called}"
    assert "person 1: " in error
    written = rows_of(rows.read_text())
    assert written[-1]["emotion"] == "happy" and written[0]["wall_time"].endswith("Z")
    with Clip(out) as clip:
        assert len(list(clip)) > 3
    assert (tmp_path / "timeline.png").is_file() and not (tmp_path / "out.part.mp4").exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("module", ["dataclasses", "cv2"])
def test_a_signal_while_the_program_still_loads_ends_it_in_one_line(tmp_path, ending, module):
    (tmp_path / "sitecustomize.py").write_text(
        "import builtins, os\n"
        "original = builtins.__import__\n"
        "def loading(name, *rest, **named):\n"
        f"    if name == {module!r}:\n"
        f"        os.kill(os.getpid(), {int(ending)})\n"
        "    return original(name, *rest, **named)\n"
        "builtins.__import__ = loading\n"
    )
    done = recognise(DEVICE_ID=ASTRONAUT, PYTHONPATH=tmp_path, **QUIET)
    assert done.returncode == 130 and done.stdout == ""
    called = "Ctrl-C" if ending == signal.SIGINT else ending.name
    assert done.stderr.splitlines()[-1] == f"stopped by {called}"
    assert "Traceback" not in done.stderr


def test_a_run_that_was_told_to_survive_a_hang_up_does(tmp_path, portrait):
    rows = tmp_path / "rows.jsonl"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with Stream(picture=portrait) as stream:
            settings = {"DEVICE_ID": stream.url, "RESULTS": rows}
            with start(**settings, **QUIET) as running:
                wait_for(lambda: rows.exists() and rows.read_text().count("\n") > 2)
                running.send_signal(signal.SIGHUP)
                count = rows.read_text().count("\n")
                wait_for(lambda: rows.read_text().count("\n") > count + 2)
                running.send_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert running.returncode == 130


def test_so_much_of_a_clip_is_looked_at_and_written_in_step(tmp_path, portrait):
    path = film(tmp_path / "in.mp4", [portrait] * 30, sound=("aac", 0, 3))
    out = tmp_path / "out.mp4"
    done = recognise(DEVICE_ID=path, OUTPUT=out, RESULTS="-", FRAME_RATE=5, DURATION=2, **QUIET)
    assert done.returncode == 0, done.stderr
    rows = rows_of(done.stdout)
    assert [row["time"] for row in rows] == pytest.approx([n / 5 for n in range(10)], abs=0.001)
    assert [row["frame"] for row in rows] == list(range(0, 20, 2))
    times, codec, sound, length = times_of(out)
    assert times == pytest.approx([n / 5 for n in range(10)], abs=0.001)
    assert codec == "aac" and sound[-1] == pytest.approx(2, abs=0.05) and length < 2.1


def test_footage_without_a_tag_is_turned(tmp_path, portrait):
    lying = cv2.rotate(portrait, cv2.ROTATE_90_COUNTERCLOCKWISE)
    path = film(tmp_path / "in.mkv", [lying] * 5)
    done = recognise(DEVICE_ID=path, OUTPUT=tmp_path / "out.mp4", RESULTS="-", ROTATE=90, **QUIET)
    assert {row["emotion"] for row in rows_of(done.stdout)} == {"happy"}
    with Clip(tmp_path / "out.mp4") as written:
        assert next(iter(written)).image.shape == (240, 320, 3)
    refused = recognise(DEVICE_ID=path, ROTATE=45, **QUIET)
    assert refused.returncode == 2
    assert refused.stderr == "ROTATE='45' is not 90, 180 or 270; 0 turns nothing\n"


def test_a_clip_comes_through_standard_input(tmp_path, portrait):
    path = film(tmp_path / "in.mkv", [portrait] * 5, container={"live": "1"})
    with path.open("rb") as file:
        done = subprocess.run(
            [sys.executable, str(ROOT / "recognition.py")],
            env=environment(DEVICE_ID="-", **QUIET),
            cwd=ROOT,
            stdin=file,
            capture_output=True,
            text=True,
            check=True,
        )
    assert [row["source"] for row in rows_of(done.stdout)] == ["-"] * 5


@pytest.mark.skipif(sys.platform == "win32", reason="knows no limit of a file's size")
def test_a_full_disk_is_one_line_and_exit_1_and_the_old_copy_stays(tmp_path, people_clip):
    out = tmp_path / "out.mp4"
    out.write_text("the old one")
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 20; exec {sys.executable} recognition.py"],
        env=environment(DEVICE_ID=people_clip, OUTPUT=out, **QUIET),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines()[-1] == (
        f"error: {out} cannot be written (file too large): make room, "
        "then give the same command again"
    )
    assert out.read_text() == "the old one"
    assert [file.name for file in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(("device", "code"), [(str(ASTRONAUT), 0), ("99", 1)])
def test_pictures_and_cameras_need_no_ffmpeg(device, code):
    program = (
        "import sys, runpy\n"
        "try: runpy.run_path('recognition.py', run_name='__main__')\n"
        "except SystemExit as end: print(end.code, 'av' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(DEVICE_ID=device, **QUIET),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == f"{code} False"


def wait_for(condition, patience=30.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_without_a_network_and_from_a_checkout_that_cannot_be_written(sealed, tmp_path):
    done = subprocess.run(
        [*sealed, sys.executable, str(ROOT / "recognition.py")],
        env=environment(DEVICE_ID=ASTRONAUT, OUTPUT=tmp_path / "a.png", RESULTS="-", SHOW=0),
        cwd=ROOT.resolve(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (row,) = rows_of(done.stdout)
    assert row["emotion"] == "happy" and (tmp_path / "a.png").exists()


def test_a_killed_run_keeps_its_rows(tmp_path, portrait):
    rows = tmp_path / "rows.csv"
    with Stream(picture=portrait) as stream:
        settings = {"DEVICE_ID": stream.url, "RESULTS": rows}
        with start(**settings, **QUIET) as running:
            wait_for(lambda: rows.exists() and rows.read_text().count("\n") > 5)
            running.kill()
    with rows.open(newline="") as file:
        assert len(list(csv.DictReader(file))) >= 5


def test_a_stream_that_is_lost_for_good_is_exit_1(tmp_path, portrait):
    out, rows = tmp_path / "out.avi", tmp_path / "rows.jsonl"
    with Stream(picture=portrait) as stream:
        settings = {"DEVICE_ID": stream.url, "OUTPUT": out, "RESULTS": rows, "GIVE_UP": 1}
        with start(**settings, **QUIET) as running:
            wait_for(rows.exists)
            stream.mode = "refuse"
            error = running.stderr.read()
    assert running.returncode == 1
    assert f"{stream.url}: no picture; trying again for 1 s" in error
    assert f"error: {stream.url} has sent no picture for 1 s" in error.splitlines()[-1]
    with Clip(out) as clip:
        assert len(list(clip)) > 0


@pytest.mark.skipif(Path("/dev/video99").exists(), reason="there is a camera 99 here")
def test_a_camera_that_is_not_there_is_exit_1_with_the_next_step():
    done = recognise(DEVICE_ID=99, **QUIET)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("error: camera 99 does not open: ")


def test_a_stream_that_is_not_there_is_exit_1_and_its_password_stays_secret():
    done = recognise(DEVICE_ID="rtsp://me:secret@127.0.0.1:9/live", **QUIET)
    assert done.returncode == 1
    assert "error: rtsp://127.0.0.1:9/live does not open: check the address" in done.stderr
    assert "secret" not in done.stderr


def test_a_display_that_cannot_be_reached_counts_as_none():
    done = recognise(DEVICE_ID=ASTRONAUT, MODEL_PATH=MODEL, DISPLAY=":987")
    assert done.returncode == 0 and len(rows_of(done.stdout)) == 1
    assert "no window: DISPLAY=:987 cannot be reached" in done.stderr


@pytest.fixture(scope="module")
def screen():
    with display() as name:
        yield name


def test_a_picture_is_shown_until_a_key(screen):
    person = Person(screen, "Emotion Recognition")
    with start(DEVICE_ID=ASTRONAUT, MODEL_PATH=MODEL, DISPLAY=screen) as running:
        assert person.grown_to((512, 512))
        assert running.poll() is None
        person.press("x")
        out = running.stdout.read()
    assert running.returncode == 0 and out == ""


def test_closing_the_window_ends_a_stream(screen, portrait, tmp_path):
    person = Person(screen, "Emotion Recognition")
    out = tmp_path / "out.avi"
    with Stream(picture=portrait) as stream:
        settings = {"DEVICE_ID": stream.url, "OUTPUT": out, "MODEL_PATH": MODEL}
        with start(**settings, DISPLAY=screen) as running:
            person.window()
            person.close()
    assert running.returncode == 0
    assert out.is_file()


@pytest.mark.parametrize("reading", ["people", "fer2013"])
def test_the_model_that_ships_answers_either_question(reading):
    done = recognise(DEVICE_ID=ASTRONAUT, SHOW=0, RESULTS="-", READING=reading)
    assert done.returncode == 0, done.stderr
    (row,) = rows_of(done.stdout)
    assert (row["reading"], row["emotion"]) == (reading, "happy")
    assert sum(row["probabilities"].values()) == pytest.approx(1, abs=0.001)


def test_people_are_asked_unless_another_reading_is_named():
    (row,) = rows_of(recognise(DEVICE_ID=ASTRONAUT, SHOW=0, RESULTS="-").stdout)
    assert row["reading"] == "people"


def test_a_reading_that_the_model_does_not_have_is_one_line():
    done = recognise(DEVICE_ID=ASTRONAUT, **QUIET, READING="people")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: READING='people' is not in ")

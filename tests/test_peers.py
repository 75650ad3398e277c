"""The benchmark beside others, with peers made up here: nothing is installed, nothing fetched."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import peer_environments, peers
from benchmarks.peer_environments import DRIVERS, Driver, Peer, Skipped
from emotion.cli import settings as config
from emotion.errors import EmotionError

KNOWS_HAPPY = """
import sys
sys.path.insert(0, {drivers!r})
from loop import serve
print("a banner while it is imported")
class Fake:
    labels = ["Happiness", "Anger", "contempt"]
    def frame(self, image, seconds):
        print("chatter")
        return 2
    def crop(self, image):
        return [0.3, 0.1, 0.6]
serve(Fake)
"""
FETCHES_WEIGHTS = """
raise OSError("weights cannot be fetched")
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A function that makes a peer of a driver's text, run by this Python."""
    monkeypatch.setattr(peer_environments, "python", lambda place: sys.executable)

    def made(name, text):
        driver = tmp_path / f"{name}.py"
        driver.write_text(text.format(drivers=str(DRIVERS)))
        return Peer(name, name, ("numpy",), str(driver), note=f"what {name} does")

    return made


@pytest.fixture
def one_run(fake, tmp_path, monkeypatch, drawn_folder):
    """What a run prints and writes with one peer that works and one whose weights are away."""
    there = (fake("good", KNOWS_HAPPY), fake("away", FETCHES_WEIGHTS))
    monkeypatch.setattr(peers, "PEERS", there)
    monkeypatch.setattr(peer_environments, "one_core", lambda: "core 0 alone")
    for peer in there:
        place = tmp_path / "kept" / peer.name
        place.mkdir(parents=True)
        (place / peer_environments.STAMP).write_text(
            json.dumps({"python": sys.version.split()[0], "requirements": "numpy"})
        )
    given = {"ENVIRONMENTS": tmp_path / "kept", "OUTPUT": tmp_path / "out", "DATASET": drawn_folder}
    small = {"FRAMES": 3, "ROUNDS": 2, "STARTS": 1}
    read = {name: str(value) for name, value in (given | small).items()}
    return config.read(peers.Settings, read)


def test_run_gives_table_json_and_picture(one_run, capsys):
    peers.main(one_run)
    printed = capsys.readouterr().out
    assert "away skipped: it stopped: OSError: weights cannot be fetched\n" in printed
    assert "good: what good does\n" in printed
    written = json.loads((one_run.output / "peers.json").read_text())
    assert list(written["peers"]) == ["good"]
    assert list(written["skipped"]) == ["away"]
    good = written["peers"]["good"]
    assert len(good["frames_per_second"]) == 2
    assert good["faces_per_frame"] == 2
    assert good["accuracy"] == pytest.approx(1 / 7)  # happy for everything, of seven as large
    assert good["macro_recall"] == pytest.approx(1 / 7)
    assert good["versions"] == {"numpy": np.__version__}
    assert cv2.imread(str(one_run.output / "peers.png")) is not None


def test_no_peer_at_all_is_an_error(fake, one_run, monkeypatch):
    monkeypatch.setattr(peers, "PEERS", (peers.PEERS[1],))
    with pytest.raises(EmotionError, match="no peer could be measured"):
        peers.main(one_run)


def test_scores_are_brought_into_the_datas_order():
    rows = np.array([[0.1, 0.2, 0.3, 0.4]])
    answers = ("Contempt", "Happiness", "Anger", "Neutral")
    found = peers.among(rows, answers, ("angry", "happy", "fear"))
    assert found.tolist() == [[0.3, 0.2, -np.inf]]


def test_split_to_score_is_the_named_or_the_only_one():
    assert peers.part({"train": 1, "validation": 2}, "validation") == 2
    assert peers.part({"test": 3}, "validation") == 3
    with pytest.raises(EmotionError, match="it has train, test; name one of these"):
        peers.part({"train": 1, "test": 2}, "validation")


def test_fastest_comes_first_and_what_was_not_measured_is_a_dash():
    measured = {"processor_milliseconds": [7.0], "seconds_to_first_answer": [2.0]}
    slow = peers.Figures({}, "", frames_per_second=[4.0, 5.0, 9.0], **measured)
    fast = peers.Figures({}, "", frames_per_second=[50.0], **measured)
    _, first, second = peers.table({"slow": slow, "fast": fast}).splitlines()
    assert first.split()[:4] == ["fast", "50.0", "(50.0-50.0)", "20.0"]
    assert first.split()[4] == "7.0"
    assert second.split()[:4] == ["slow", "5.0", "(4.0-9.0)", "200.0"]
    assert second.split()[-4:] == ["-", "-", "-", "-"]


def test_failed_install_is_one_line(tmp_path):
    said = "import sys; sys.exit('Collecting\\nERROR: No matching distribution\\n[notice] news')"
    with pytest.raises(Skipped, match=r"^not installed: ERROR: No matching distribution$"):
        peer_environments._run([sys.executable, "-c", said], tmp_path, 60)


def test_slow_install_is_given_up(tmp_path):
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(Skipped, match="not installed within"):
        peer_environments._run(sleeps, tmp_path, 0.1)


def test_no_node_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(peer_environments.shutil, "which", lambda name: None)
    peer = Peer("human", "human", ("human@1",), "run_human.cjs")
    with pytest.raises(Skipped, match=r"^node and npm are not here$"):
        peer_environments.made(peer, tmp_path, 60)


def test_changed_requirements_make_the_environment_anew(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(peer_environments, "_run", lambda command, *_: ran.append(command))
    for requirement in ("one==1", "one==1", "one==2"):
        peer_environments.made(Peer("one", "one", (requirement,), "run_one.py"), tmp_path, 60)
    assert [command[-1] for command in ran if "pip" in command] == ["one==1", "one==2"]


def test_an_environment_is_where_its_commands_look_for_it(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(peer_environments, "_run", lambda command, place, _: ran.append(command))
    monkeypatch.chdir(tmp_path)
    place = peer_environments.made(Peer("one", "one", ("one",), "run_one.py"), Path("here"), 60)
    assert place == tmp_path / "here" / "one"
    assert ran[0][-1] == str(place) and ran[1][0] == str(peer_environments.python(place))


def test_silent_driver_is_given_up(fake, tmp_path):
    with (
        Driver(fake("mute", "import time; time.sleep(60)"), tmp_path) as driver,
        pytest.raises(Skipped, match="no answer within"),
    ):
        driver.ask(0.1, do="frames")


def test_size_leaves_pip_out(tmp_path):
    for package in ("pip", "pip-24.0.dist-info", "pipeline"):
        folder = tmp_path / "site-packages" / package
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(bytes(1_000_000))
    assert peer_environments.megabytes(tmp_path) == 1


def test_unknown_peer_is_refused():
    with pytest.raises(
        EmotionError, match="ONLY names nobody, which is no peer: there are emotion"
    ):
        peer_environments.chosen(peers.PEERS, ["nobody"])


def test_every_driver_is_there():
    assert {peer.driver for peer in peers.PEERS} <= {path.name for path in DRIVERS.iterdir()}

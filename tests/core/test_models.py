import hashlib
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from core.decoder import Decoder
from core.download_model import main
from core.encoder import Encoder
from core.models import listed_models
from tests.core.hugging_face import save_small_gpt2

ROOT = Path(__file__).parents[2]
REVISION, SUM = "0123456789" * 4, "0123456789abcdef" * 4
FOLDER = f'[one]\nlabel = "One"\nfolder = "here"\nsha256 = "{SUM}"\n'
HUB = f'[one]\nlabel = "One"\nrepository = "a/b"\nrevision = "{REVISION}"\nsha256 = "{SUM}"\n'


def sha256(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def listing(tmp_path: Path, text: str):
    file = tmp_path / "models.toml"
    file.write_text(text, encoding="utf-8")
    return listed_models(file)


def test_without_a_list_there_is_no_other_model(tmp_path):
    assert listed_models(tmp_path / "models.toml") == {}


def test_a_list_keeps_its_order_and_knows_its_folders(tmp_path):
    absolute = FOLDER.replace("[one]", "[z-1]").replace("One", "猫").replace("here", "/srv/z")
    models = listing(tmp_path, absolute + FOLDER + HUB.replace("[one]", "[2]").replace("One", "2"))
    assert [(model.id, model.label) for model in models.values()] == [
        ("z-1", "猫"),
        ("one", "One"),
        ("2", "2"),
    ]
    folders = [model.folder for model in models.values()]
    assert folders == [Path("/srv/z"), tmp_path / "here", tmp_path / "models/2"]
    assert models["2"].repository == "a/b"
    assert models["2"].revision == REVISION
    assert models["one"].repository is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[one", r"^models.toml is not valid TOML"),
        (FOLDER + FOLDER, r"^models.toml is not valid TOML.*one"),
        ("one = 3", r"\[one\]: a model is a table, not 3"),
        ("[one]", r"\[one\] says nothing; a model has label, sha256, and either folder, or"),
        (FOLDER.replace("[one]", "[minilm]"), r"\[minilm\]: an id is .* not 'minilm'"),
        (FOLDER.replace("[one]", '["../x"]'), r"\[../x\]: an id is 1 to 40 of a-z, 0-9 and -"),
        (FOLDER.replace("[one]", "[One]"), r"\[One\]: an id is"),
        (FOLDER + 'device = "cuda"', r"\[one\] says device, folder, label, sha256; a model has"),
        (FOLDER.replace("sha256", "sha"), r"\[one\] says folder, label, sha; a model has label"),
        (FOLDER + 'revision = "x"', r"\[one\] says folder, label, revision, sha256; a model has"),
        (HUB + 'folder = "x"', r"\[one\] says folder, label, repository, revision, sha256; a mo"),
        (HUB.replace("revision", "branch"), r"\[one\] says branch, label, repository, sha256; "),
        (HUB.replace(REVISION, "main"), r"revision='main' is not 40 digits"),
        (HUB.replace("a/b", "../../b"), r"repository='../../b' is not owner/name on the hub"),
        (HUB.replace("a/b", "b"), r"repository='b' is not owner/name on the hub"),
        (HUB.replace(SUM, SUM.upper()), r"sha256='.*' is not 64 digits of 0-9, a-f"),
        (FOLDER.replace(SUM, SUM[1:]), r"sha256='.*' is not 64 digits of 0-9, a-f"),
        (FOLDER.replace("One", " "), r"label=' ' is not 1 to 60 characters on one line"),
        (FOLDER.replace('"One"', "1"), r"label=1 is not 1 to 60 characters on one line"),
        (FOLDER.replace("here", ""), r"folder='' is not the path of a folder"),
        (FOLDER + FOLDER.replace("[one]", "[two]"), r"label='One' stands for two models"),
    ],
)
def test_a_list_that_is_not_as_it_should_be_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        listing(tmp_path, text)


def test_listed_models_read_with_their_own_weights(tmp_path, small_folder):
    gpt2 = tmp_path / "gpt2"
    gpt2.mkdir()
    save_small_gpt2(gpt2)
    first = FOLDER.replace("here", str(small_folder)).replace(SUM, sha256(small_folder))
    second = FOLDER.replace("here", "gpt2").replace(SUM, sha256(gpt2))
    second = second.replace("[one]", "[two]").replace("One", "Two")
    models = listing(tmp_path, first + second)
    assert isinstance(models["one"].load(), Encoder)
    assert isinstance(models["two"].load(), Decoder)
    assert models["two"].load_reader().read("the cat").tokens == ("the", "Ġcat")


def test_listed_weights_that_changed_are_refused(tmp_path, small_folder):
    models = listing(tmp_path, FOLDER.replace("here", str(small_folder)))
    with pytest.raises(ValueError, match=f"its sha256 is {sha256(small_folder)}, not {SUM}"):
        models["one"].load()


@pytest.mark.parametrize("part", ["load", "load_reader"])
def test_a_model_that_is_not_there_says_what_to_do(tmp_path, part):
    with pytest.raises(ValueError, match=r"'one' is not in folder=.*here$"):
        getattr(listing(tmp_path, FOLDER)["one"], part)()
    with pytest.raises(ValueError, match=r"models/one; run make model ID=one$"):
        getattr(listing(tmp_path, HUB)["one"], part)()


def test_the_list_needs_no_pytorch_and_no_network():
    code = "import core.models as m, sys\nm.listed_models()\n"
    code += "print([name for name in ('torch', 'urllib.request', 'http.client') if name in"
    code += " sys.modules])"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "[]"


# Downloading, from a hub on this machine


class Hub(SimpleHTTPRequestHandler):
    """Gives files as the hub does; those called model.safetensors from another address."""

    asked: list[str] = []  # noqa: RUF012
    breaks_off = ""

    def do_GET(self):
        self.asked.append(self.path)
        if self.path.endswith(f"{REVISION}/model.safetensors"):
            self.send_response(302)
            self.send_header("Location", f"{self.path}?store")
            self.end_headers()
        elif self.breaks_off and self.breaks_off in self.path:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"{}")
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with one model; gives the folder of the model and the address."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Hub, "asked", [])
    folder = tmp_path / "hub/a/b/resolve" / REVISION
    folder.mkdir(parents=True)
    save_small_gpt2(folder)
    handler = partial(Hub, directory=tmp_path / "hub")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def settings(tmp_path, hub):
    file = tmp_path / "app/models.toml"
    file.parent.mkdir()
    file.write_text(HUB.replace(SUM, sha256(hub[0])))
    return file


def downloaded(settings: Path) -> list[str]:
    return sorted(
        path.relative_to(settings.parent).as_posix()
        for path in settings.parent.rglob("*")
        if path.is_file() and path != settings
    )


def test_a_download_brings_what_the_model_needs(settings, hub, capsys):
    assert main(["one"], settings, hub[1]) is None
    names = ["config.json", "model.safetensors", "tokenizer.json"]
    assert downloaded(settings) == [f"models/one/{name}" for name in names]
    assert "One is in " in capsys.readouterr().out
    model = listed_models(settings)["one"].load()
    assert isinstance(model, Decoder)
    assert model.trace("the cat").tokens == ("the", "Ġcat")


def test_a_second_download_replaces_the_first(settings, hub):
    main(["one"], settings, hub[1])
    (settings.parent / "models/one/model.safetensors").write_text("broken")
    assert main(["one"], settings, hub[1]) is None
    listed_models(settings)["one"].load()
    assert [path.name for path in (settings.parent / "models").iterdir()] == ["one"]


def test_other_weights_than_those_listed_are_not_kept(settings, hub):
    settings.write_text(HUB)
    message = main(["one"], settings, hub[1])
    assert f"its sha256 is {sha256(hub[0])}, not {SUM}" in message
    assert downloaded(settings) == []


def test_a_failed_download_leaves_the_model_that_was_there(settings, hub):
    main(["one"], settings, hub[1])
    (hub[0] / "tokenizer.json").unlink()
    assert "tokenizer.json answers 404" in main(["one"], settings, hub[1])
    listed_models(settings)["one"].load()
    assert [path.name for path in (settings.parent / "models").iterdir()] == ["one"]


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_download_that_breaks_off_is_not_kept(settings, hub, monkeypatch, name):
    monkeypatch.setattr(Hub, "breaks_off", name)
    assert f"{name} broke off after 2 of 1,000 bytes" in main(["one"], settings, hub[1])
    assert downloaded(settings) == []


def test_a_kind_that_is_not_read_is_refused_before_its_weights_are_fetched(settings, hub):
    (hub[0] / "config.json").write_text('{"model_type": "t5"}')
    assert "model_type='t5'; only 'bert' and 'gpt2' are read" in main(["one"], settings, hub[1])
    assert [path.rpartition("/")[2] for path in Hub.asked] == ["config.json"]
    assert downloaded(settings) == []


def test_a_hub_that_does_not_answer_is_named(settings):
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        silent = f"http://127.0.0.1:{server.server_port}"
    assert f"{silent}/a/b/resolve/{REVISION}/config.json does not answer" in main(
        ["one"], settings, silent
    )


@pytest.mark.parametrize("arguments", [[], ["two"], ["one", "two"], [""]])
def test_only_listed_models_are_downloaded(settings, hub, arguments):
    message = main(arguments, settings, hub[1])
    assert message == "Say which model: make model ID=… Listed: one"
    assert Hub.asked == []


def test_a_model_in_a_folder_is_not_downloaded(settings, hub):
    settings.write_text(FOLDER)
    message = main(["one"], settings, hub[1])
    assert message.startswith("Not downloaded: the model 'one' lies in ")
    assert Hub.asked == []

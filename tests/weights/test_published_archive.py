"""Published archives: pulled from a server of the test's own, checked against a card of the test's own."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

import boxable
from boxable.errors import RefusedError, WeightsError
from boxable.weights import cards
from boxable.weights.cards import Card, Member, Published, find_card
from boxable.weights.model import Model
from boxable.weights.published_archive import git_blob_id
from boxable.weights.pull import pull
from tests.file_server import FileServer, Resource
from tests.parity.same_set import Found, excused_differences
from tests.weights.conftest import Real, sha256
from tests.weights.tensorflow_writer import same_arrays, tarball

FOLDER = "ssd_mobilenet_v2_2018_12_12"
DOUBT = "the hashes rest on one measurement"
SSD23 = find_card("ssd23")


@dataclasses.dataclass(frozen=True)
class Zoo:
    """An archive laid out as the model zoo's are."""

    archive: bytes
    files: dict[str, bytes]

    def card(self, *addresses: str, **changes: object) -> Card:
        members = tuple(Member(name, len(data), sha256(data)) for name, data in self.files.items())
        source = Published("archive", addresses, f"{FOLDER}.tar.gz", len(self.archive), sha256(self.archive),
                           members=members, doubt=DOUBT,
            network="model.ckpt.index")  # fmt: skip
        return dataclasses.replace(SSD23, handle="tests/zoo/1", aliases=("zoo",), title="the zoo's", metrics=(),
                                   source=dataclasses.replace(source, **changes))  # type: ignore[arg-type] # fmt: skip


@pytest.fixture(scope="module")
def zoo(real: Real, reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    """The same seven files as in the real one, with the weights of the 23 classes; the two graphs are stand-ins."""
    folder = real.checkpoint.parent
    names = ("checkpoint", "model.ckpt.data-00000-of-00001", "model.ckpt.index", "model.ckpt.meta")
    files = {name: (folder / name).read_bytes() for name in names}
    files["frozen_inference_graph.pb"] = b"never read: the checkpoint is"
    files["pipeline.config"] = (reference / "real23" / "pipeline.config").read_bytes()
    files["saved_model/saved_model.pb"] = b"nor this"
    path = tmp_path_factory.mktemp("zoo") / "zoo.tar.gz"
    tarball(path, {f"{FOLDER}/{name}": data for name, data in files.items()})
    return Zoo(path.read_bytes(), files)


@pytest.fixture(scope="module")
def module_archive(reference: Path) -> bytes:
    return (reference / "real23" / "hub_constants.tar.gz").read_bytes()


@pytest.fixture
def module_card(real: Real) -> Callable[..., Card]:
    """A card that knows only the git ids of a module's files, as that of the TF-Hub archive does."""
    blobs = tuple((name, git_blob_id(real.hub_constants / name)) for name in ("saved_model.pb", "tfhub_module.pb"))

    def make(*addresses: str, **changes: object) -> Card:
        source = Published(
            "archive", addresses, "module.tar.gz", git_blobs=blobs, doubt=DOUBT, network="saved_model.pb"
        )
        return dataclasses.replace(SSD23, handle="tests/module/1", aliases=("module",), title="the module", metrics=(),
                                   source=dataclasses.replace(source, **changes))  # type: ignore[arg-type] # fmt: skip

    return make


ModuleCard = Callable[..., Card]


def weights_of(path: Path) -> Model:
    return Model.from_bytes(path.read_bytes(), str(path))


def refused(card: Card, local: Path | None = None, trusted: str | None = None) -> str:
    with pytest.raises(WeightsError) as error:
        pull(card, local, trusted)
    value = error.value
    assert str(value).count("\n") == len(value.tried) + bool(value.advice)
    return str(error.value)


def left_over(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_an_archive_as_the_zoos_is_pulled_from_a_server(
    home: Path, server: FileServer, zoo: Zoo, real: Real, reference: Path, caplog: pytest.LogCaptureFixture
) -> None:
    card = zoo.card(server.put("gone", Resource(status=404)), server.put("zoo.tar.gz", Resource(zoo.archive)))
    with caplog.at_level(logging.INFO, "boxable"):
        path = pull(card)
    model = weights_of(path)
    same_arrays(model.weights, real.weights)
    assert (model.handle, model.classes, model.origin) == ("tests/zoo/1", SSD23.classes, f"the zoo's, {FOLDER}.tar.gz")
    assert left_over(home) == [path]
    assert caplog.messages[0] == "fetching the weights of zoo"
    assert [name for name, _ in server.requests] == ["gone", "zoo.tar.gz"]
    assert pull(card) == path
    assert len(server.requests) == 2
    recorded = np_recorded(reference)
    found = boxable.load(model)(reference / "photos" / "chelsea.png", min_score=0)
    print(excused_differences(Found(found.label_ids, found.scores, found.boxes), recorded))


def np_recorded(reference: Path) -> Found:
    import numpy as np

    with np.load(reference / "real23" / "detections.npz") as file:
        labels = np.array([item.label_id for item in SSD23.classes])[file["chelsea/classes"]]
        return Found(labels, file["chelsea/scores"], file["chelsea/boxes"])


def test_a_broken_download_is_continued(home: Path, server: FileServer, zoo: Zoo) -> None:
    card = zoo.card(server.put("zoo.tar.gz", Resource(zoo.archive, cut_after=5_000_000)))
    assert "bytes, got 5000000" in refused(card) or left_over(home)
    assert pull(card).exists()
    assert server.requests[-1] == ("zoo.tar.gz", "bytes=5000000-")


def test_an_archive_or_its_folder_is_taken_from_the_disk(empty_home: Path, tmp_path: Path, zoo: Zoo) -> None:
    (tmp_path / "z.tar.gz").write_bytes(zoo.archive)
    folder = tmp_path / "unpacked" / FOLDER
    for name, data in zoo.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    for local in (tmp_path / "z.tar.gz", folder, folder.parent, folder / "model.ckpt.index"):
        pull(zoo.card("http://127.0.0.1:9/x"), local).unlink()
    assert "no such file or folder" in refused(zoo.card("http://127.0.0.1:9/x"), tmp_path / "gone")


def test_an_archive_with_another_hash_is_refused_with_the_doubt_and_a_way_out(
    home: Path, server: FileServer, zoo: Zoo
) -> None:
    digest = sha256(zoo.archive)
    card = zoo.card(server.put("zoo.tar.gz", Resource(zoo.archive)), sha256="0" * 64)
    text = refused(card)
    assert f"expected sha256 {'0' * 64}, got {digest}" in text
    assert DOUBT in text
    assert f"boxable models pull zoo --trust {digest}" in text
    assert left_over(home) == []
    assert pull(card, trusted=digest).exists()


def test_trust_works_whatever_the_size_and_the_members_are(home: Path, server: FileServer, zoo: Zoo) -> None:
    wrong = (Member("model.ckpt.index", 1, "0" * 64),)
    address = server.put("zoo.tar.gz", Resource(zoo.archive))
    card = zoo.card(address, size=17, sha256="0" * 64, members=wrong)
    refused(card)
    other = refused(card, trusted="1" * 64)
    assert f"expected sha256 {'1' * 64}" in other
    assert pull(card, trusted=sha256(zoo.archive)).exists()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("model.ckpt.index", {"sha256": "0" * 64}),
        ("saved_model/saved_model.pb", {"sha256": "0" * 64}),
        ("pipeline.config", {"size": 7}),
    ],
)
@pytest.mark.parametrize("from_disk", [False, True], ids=["server", "disk"])
def test_a_member_with_another_hash_is_refused_with_the_doubt_and_a_way_out(
    home: Path, server: FileServer, tmp_path: Path, zoo: Zoo, name: str, change: dict[str, object], from_disk: bool
) -> None:
    card = zoo.card(server.put("zoo.tar.gz", Resource(zoo.archive)))
    members = tuple(dataclasses.replace(one, **change) if one.name == name else one for one in card.source.members)
    card = dataclasses.replace(card, source=dataclasses.replace(card.source, members=members))
    (tmp_path / "z.tar.gz").write_bytes(zoo.archive)
    local = tmp_path / "z.tar.gz" if from_disk else None
    text = refused(card, local)
    assert f"{name} has " in text
    assert DOUBT in text
    assert f"boxable models pull zoo {f'--from {local} ' if local else ''}--trust {sha256(zoo.archive)}" in text
    assert left_over(home) == []
    assert pull(card, local, sha256(zoo.archive)).exists()


def test_a_genuine_small_file_does_not_vouch_for_other_weights(empty_home: Path, tmp_path: Path, zoo: Zoo) -> None:
    folder = tmp_path / "evil"
    folder.mkdir()
    (folder / "checkpoint").write_bytes(zoo.files["checkpoint"])
    for name in ("index", "data-00000-of-00001"):
        (folder / f"other.ckpt.{name}").write_bytes(zoo.files[f"model.ckpt.{name}"])
    assert "evil: contains no published network of zoo" in refused(zoo.card("http://127.0.0.1:9/x"), folder)


def test_what_is_another_archive_or_none_is_refused(empty_home: Path, tmp_path: Path, zoo: Zoo) -> None:
    tarball(tmp_path / "a.tar.gz", {"readme.txt": b"nothing"})
    (tmp_path / "b.tar.gz").write_bytes(b"junk")
    card = zoo.card("http://127.0.0.1:9/x")
    assert "a.tar.gz: contains no published network of zoo" in refused(card, tmp_path / "a.tar.gz")
    assert "b.tar.gz: cannot unpack it" in refused(card, tmp_path / "b.tar.gz")
    assert left_over(empty_home) == []


def test_when_no_address_answers_one_message_says_how_to_do_it_by_hand(
    home: Path, server: FileServer, zoo: Zoo
) -> None:
    gone = [server.put(name, Resource(status=404)) for name in ("a", "b")]
    text = refused(zoo.card(*gone))
    assert text.count("the server answered 404 Not Found") == 2
    assert f"By hand: download {gone[0]} where there is a network, then run: boxable models pull zoo --from" in text
    assert DOUBT not in text
    assert "--trust" not in text


def test_without_a_network_the_message_says_so(empty_home: Path, zoo: Zoo) -> None:
    text = refused(zoo.card("http://127.0.0.1:9/x"))
    assert "BOXABLE_OFFLINE forbids" in text
    assert "By hand: download http://127.0.0.1:9/x" in text


# --- a module of which only git ids are known ---


def test_git_ids_are_gits(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "module").write_bytes(b"\x08\x03")
    assert git_blob_id(tmp_path / "empty") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert git_blob_id(tmp_path / "module") == "d65dd8f1d544a6b5058ca9bcfa2fcb00e3719918"


def test_a_module_is_known_by_its_git_id_and_its_archive_trusted_from_then_on(
    home: Path, server: FileServer, tmp_path: Path, module_card: ModuleCard, module_archive: bytes, real: Real,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    card = module_card(server.put("1.tar.gz", Resource(module_archive)))
    with caplog.at_level(logging.INFO, "boxable"):
        path = pull(card)
    same_arrays(weights_of(path).weights, real.weights)
    said = f"trusting this archive of module from now on: sha256 {sha256(module_archive)}"
    assert caplog.messages == ["fetching the weights of module", said]
    assert json.loads((home / "trusted.json").read_text()) == {"tests/module/1": sha256(module_archive)}

    caplog.clear()
    path.unlink()
    pull(card).unlink()
    assert said not in caplog.messages

    other = tarball(tmp_path / "other.tar.gz", {name: (real.hub_constants / name).read_bytes()
                                                for name in ("saved_model.pb", "tfhub_module.pb")})  # fmt: skip
    digest = sha256(other.read_bytes())
    server.put("1.tar.gz", Resource(other.read_bytes()))
    for local in (None, other):
        text = refused(card, local)
        assert f"its sha256 is {digest}, but that of the first archive of module was {sha256(module_archive)}" in text
        assert f"boxable models pull module {f'--from {local} ' if local else ''}--trust {digest}" in text
    assert pull(card, trusted=digest).exists()


def test_another_module_is_refused_with_the_doubt(
    home: Path, server: FileServer, module_card: ModuleCard, module_archive: bytes
) -> None:
    card = module_card(server.put("1.tar.gz", Resource(module_archive)), git_blobs=(("saved_model.pb", "0" * 40),))
    text = refused(card)
    assert f"the published one {'0' * 40} ({DOUBT})" in text
    assert f"boxable models pull module --trust {sha256(module_archive)}" in text
    assert not (home / "trusted.json").exists()
    assert pull(card, trusted=sha256(module_archive)).exists()


def test_a_genuine_module_file_alone_vouches_for_nothing(
    empty_home: Path, tmp_path: Path, module_card: ModuleCard, real: Real
) -> None:
    frozen = real.frozen.read_bytes()
    path = tarball(tmp_path / "a.tar.gz", {"tfhub_module.pb": b"\x08\x03", "frozen_inference_graph.pb": frozen})
    assert "a.tar.gz: contains no published network of module" in refused(module_card("http://127.0.0.1:9/x"), path)


@pytest.mark.parametrize("content", ["", "{", "[1]", "7", "\u00ff"])
def test_a_damaged_list_of_trusted_archives_is_an_error(
    home: Path, tmp_path: Path, module_card: ModuleCard, module_archive: bytes, content: str
) -> None:
    home.mkdir(exist_ok=True)
    (home / "trusted.json").write_bytes(content.encode("latin-1"))
    (tmp_path / "1.tar.gz").write_bytes(module_archive)
    assert "trusted.json: cannot read" in refused(module_card("http://127.0.0.1:9/x"), tmp_path / "1.tar.gz")


# --- substitutes ---


@pytest.fixture
def with_zoo(monkeypatch: pytest.MonkeyPatch) -> Callable[[Card], None]:
    """One more card among the known ones."""

    def add(card: Card) -> None:
        known = (*cards.all_cards(), card)
        monkeypatch.setattr(cards, "all_cards", lambda: known)

    return add


def test_a_substitute_is_installed_and_said_in_one_line(
    home: Path, server: FileServer, zoo: Zoo, module_card: ModuleCard, with_zoo: Callable[[Card], None], real: Real,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    with_zoo(zoo.card(server.put("zoo.tar.gz", Resource(zoo.archive))))
    card = dataclasses.replace(module_card(server.put("gone", Resource(status=404))), substitute="zoo")
    with caplog.at_level(logging.WARNING, "boxable"):
        path = pull(card)
    model = weights_of(path)
    same_arrays(model.weights, real.weights)
    assert (model.handle, model.origin) == ("tests/module/1", f"the zoo's, {FOLDER}.tar.gz")
    (line,) = caplog.messages
    assert "module is unavailable; installed instead, another training of it: the zoo's" in line
    assert "tests--zoo--1" not in str(list(home.rglob("*.safetensors")))


def test_a_module_that_is_to_be_had_goes_before_its_substitute(
    home: Path, server: FileServer, zoo: Zoo, module_card: ModuleCard, module_archive: bytes,
    with_zoo: Callable[[Card], None],
) -> None:  # fmt: skip
    with_zoo(zoo.card(server.put("zoo.tar.gz", Resource(zoo.archive))))
    card = dataclasses.replace(module_card(server.put("1", Resource(module_archive))), substitute="zoo")
    assert weights_of(pull(card)).origin == "the module, module.tar.gz"
    assert [name for name, _ in server.requests] == ["1"]


@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"git_blobs": (("saved_model.pb", "0" * 40),)}],
                         ids=["hash of the archive", "git id of a file"])  # fmt: skip
def test_no_substitute_is_installed_for_a_file_that_is_refused(
    home: Path, server: FileServer, zoo: Zoo, module_card: ModuleCard, module_archive: bytes, wrong: dict[str, object],
    with_zoo: Callable[[Card], None],
) -> None:  # fmt: skip
    with_zoo(zoo.card(server.put("zoo.tar.gz", Resource(zoo.archive))))
    card = dataclasses.replace(module_card(server.put("1", Resource(module_archive)), **wrong), substitute="zoo")
    with pytest.raises(RefusedError, match=DOUBT):
        pull(card)
    assert left_over(home) == []
    assert {name for name, _ in server.requests} == {"1"}


def test_when_the_substitute_is_unavailable_too_it_is_said(
    home: Path, server: FileServer, zoo: Zoo, module_card: ModuleCard, with_zoo: Callable[[Card], None]
) -> None:
    with_zoo(zoo.card(server.put("b", Resource(status=500))))
    card = dataclasses.replace(module_card(server.put("a", Resource(status=404))), substitute="zoo")
    text = refused(card)
    assert "404 Not Found" in text
    assert "\n  zoo, another training of it: 127.0.0.1" in text
    assert left_over(home) == []


def test_the_ids_of_the_official_cards_are_the_known_ones() -> None:
    module, archive = find_card("ssd601"), find_card("ssd601-zoo")
    assert dict(module.source.git_blobs)["tfhub_module.pb"] == hashlib.sha1(b"blob 2\0\x08\x03").hexdigest()
    assert module.substitute == "ssd601-zoo"
    assert len(archive.source.members) == 7
    assert archive.source.size == 158851107
    assert {member.name: member.size for member in archive.source.members}["model.ckpt.index"] == 14175
    assert all(len(member.sha256) == 64 for member in archive.source.members)

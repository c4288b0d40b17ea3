"""Published archives: fetched, unpacked and checked against what is known of them."""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from boxable.errors import WeightsError
from boxable.files import write_atomically, writing
from boxable.settings import home, offline
from boxable.weights.archive import SUFFIXES, unpacked
from boxable.weights.cards import Card, Member
from boxable.weights.download import download, sha256_of, sha256_of_file
from boxable.weights.importing import read_model
from boxable.weights.model import Model

logger = logging.getLogger("boxable")


def read_published(card: Card, local: Path | None, trusted: str | None) -> Model:
    """The model in the published archive of a card, fetched from its addresses or taken from `local`.

    `trusted` is the SHA-256 of an archive that the user accepts whatever is known of the published one.
    Raises WeightsError with what went wrong at each place and how to do it by hand.
    """
    if local is not None:
        return _checked(card, local, trusted)
    if offline():
        raise WeightsError(
            f"the weights of {card.handle} are not installed, and BOXABLE_OFFLINE forbids to fetch them. "
            + by_hand(card)
        )
    logger.info("fetching the weights of %s", card.alias)
    problems = []
    for address in card.source.addresses:
        part = home() / "downloads" / f"{card.source.file}.{sha256_of(address.encode())[:12]}.part"
        found = download([address], part, card.source.size, trusted or card.source.sha256)
        if not found:
            try:
                return _checked(card, part, trusted)
            except WeightsError as error:
                found = [f"{address}: {error}"]
            finally:
                with writing(part):
                    part.unlink()
        # The host tells enough; the whole address is in the advice.
        problems += [problem.replace(address, urlsplit(address).netloc) for problem in found]
    doubt = f" ({card.source.doubt})" if any("sha256" in problem for problem in problems) else ""
    raise WeightsError(
        f"the weights of {card.handle} are not installed and cannot be fetched: {'; '.join(problems)}{doubt}. "
        + by_hand(card)
    )


def by_hand(card: Card) -> str:
    """How to get the file without this program."""
    return (
        f"By hand: download {card.source.addresses[0]} where there is a network, then run: "
        f"boxable models pull {card.alias} --from FILE"
    )


def is_published_module(card: Card, path: Path) -> bool | None:
    """Whether the saved_model.pb in a file, folder or archive is the published one; None where there is none."""
    with _opened(path) as folder:
        found = _find(folder, "saved_model.pb")
        return None if found is None else git_blob_id(found) == dict(card.source.git_blobs).get("saved_model.pb")


def git_blob_id(path: Path) -> str:
    """The id that git gives to the content of a file."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def remember(card: Card, archive: Path) -> None:
    """Record the hash of an archive on first use, and from then on refuse another one for this card."""
    file = home() / "trusted.json"
    known = json.loads(file.read_text("utf-8")) if file.exists() else {}
    found = sha256_of_file(archive)
    before = known.get(card.handle)
    if before == found:
        return
    if before is not None:
        raise WeightsError(
            f"{archive}: its sha256 is {found}, but that of the first archive of {card.alias} was {before}. "
            f"If you trust this one: boxable models pull {card.alias} --trust {found}"
        )
    known[card.handle] = found
    write_atomically(file, json.dumps(known, indent=1).encode())
    logger.info("trusting this archive of %s from now on: sha256 %s", card.alias, found)


def _checked(card: Card, path: Path, trusted: str | None) -> Model:
    """The model in an archive or folder that is the published one, or has the hash that the user trusts."""
    if not path.exists():
        raise WeightsError(f"{path}: no such file or folder")
    is_archive = path.is_file()
    accepted = is_archive and trusted is not None and sha256_of_file(path) == trusted
    with _opened(path) as folder:
        if not accepted:
            _check_members(card, folder, path)
            if is_archive and card.source.git_blobs and not card.source.sha256:
                remember(card, path)
        model = read_model(folder, card.handle, classes=card.classes)
        # Mapped files end with the folder.
        weights = {name: np.array(values) for name, values in model.weights.items()}
    return replace(model, weights=weights, origin=f"{card.title}, {card.source.file}")


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    """The folder that holds the files: unpacked if it is an archive, else the path's own."""
    if path.is_file() and (path.name.endswith((*SUFFIXES, ".part"))):
        with unpacked(path) as folder:
            yield folder
    else:
        yield path if path.is_dir() else path.parent


def _check_members(card: Card, folder: Path, path: Path) -> None:
    """Every file of which a hash is known must have it, and there must be one at least."""
    known = [(member, _find(folder, member.name)) for member in card.source.members]
    blobs = [(name, blob, _find(folder, name)) for name, blob in card.source.git_blobs]
    for member, found in known:
        if found is not None:
            _check_member(card, member, found, path)
    for name, blob, found in blobs:
        if found is not None and git_blob_id(found) != blob:
            raise WeightsError(_not_published(card, name, f"git blob {git_blob_id(found)}", f"{blob}", path))
    if not any(found for *_, found in (*known, *blobs)):
        raise WeightsError(f"{path}: holds none of the published files of {card.alias}")


def _check_member(card: Card, member: Member, found: Path, path: Path) -> None:
    size = found.stat().st_size
    if size != member.size:
        raise WeightsError(_not_published(card, member.name, f"{size} bytes", f"{member.size}", path))
    digest = sha256_of_file(found)
    if digest != member.sha256:
        raise WeightsError(_not_published(card, member.name, f"sha256 {digest}", member.sha256, path))


def _not_published(card: Card, name: str, came: str, expected: str, path: Path) -> str:
    trust = (
        f" If you trust it: boxable models pull {card.alias} --trust {sha256_of_file(path)}" if path.is_file() else ""
    )
    return f"{path}: {name} has {came}, the published one {expected} ({card.source.doubt}).{trust}"


def _find(folder: Path, name: str) -> Path | None:
    """The file of this relative name in the folder, or in the one folder that it holds."""
    places = (folder, *(path for path in sorted(folder.iterdir()) if path.is_dir()))
    return next((place / name for place in places if (place / name).is_file()), None)

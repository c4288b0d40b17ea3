"""Fetch published archives, extract them and verify the known hashes of their files."""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from boxable.download import download
from boxable.errors import BoxableError, HashError, RefusedError, WeightsError
from boxable.files import write_atomically, writing
from boxable.hashing import hash_of_file, sha256_of
from boxable.settings import home, offline
from boxable.weights.archive import SUFFIXES, unpacked
from boxable.weights.cards import Card
from boxable.weights.importing import read_model
from boxable.weights.model import Model
from boxable.weights.store import lock
from boxable.weights.tried import at_host

logger = logging.getLogger("boxable")


def read_published_archive(card: Card, local: Path | None, trusted: str | None) -> Model:
    """Read the model in the published archive of a card, downloaded or from `local`.

    `local` is the archive, a folder with its files, or the one file with the network. `trusted` is the SHA-256 of
    an archive to accept although it is not the published one. Raises WeightsError with the error of each address
    and the manual steps, and RefusedError for a file that is not the published one.
    """
    if local is not None:
        return _checked(card, local, trusted)
    if offline():
        raise WeightsError(
            f"the weights of {card.handle} are not installed, and BOXABLE_OFFLINE forbids downloading them. "
            f"By hand: {card.by_hand}"
        )
    logger.info("fetching the weights of %s", card.alias)
    problems: list[str] = []
    refused, other = False, None
    size = 0 if trusted else card.source.size
    for address in card.source.addresses:
        part = home() / "downloads" / f"{card.source.file}.{sha256_of(address.encode())[:12]}.part"
        error: BoxableError | None = download([address], part, size, trusted or card.source.sha256).get(address)
        if error is None:
            try:
                return _checked(card, part, trusted)
            except WeightsError as caught:
                error = caught
            finally:
                with writing(part):
                    part.unlink()
        refused = refused or isinstance(error, HashError | RefusedError)
        other = error.actual if isinstance(error, HashError) and other is None else other
        problems.append(at_host(address, error))
    if refused:
        doubt = f"{card.source.doubt}. {_offer(card, other)}" if other else ""
        raise RefusedError(
            f"got another file than the published {card.source.file} of {card.alias}; tried:", problems, doubt
        )
    raise WeightsError(f"cannot fetch the weights of {card.handle}; tried:", problems, f"By hand: {card.by_hand}")


def is_published_module(card: Card, path: Path) -> bool | None:
    """Compare the git blob id of saved_model.pb with the published one.

    `path` is an archive, a folder or the file itself. Returns None where there is no saved_model.pb.
    """
    if not path.is_dir() and not is_archive(path) and not (path.is_file() and path.suffix == ".pb"):
        return None
    with _opened(path) as folder:
        found = path if path.suffix == ".pb" and path.is_file() else _find(folder, "saved_model.pb")
        return None if found is None else git_blob_id(found) == dict(card.source.git_blobs).get("saved_model.pb")


def git_blob_id(path: Path) -> str:
    """Compute the git blob id of a file."""
    header = f"blob {path.stat().st_size}\0".encode()
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(header, usedforsecurity=False)).hexdigest()


def is_archive(path: Path) -> bool:
    """Tell by its name whether a file is an archive; a finished download (.part) is one."""
    return path.is_file() and path.name.endswith((*SUFFIXES, ".part"))


def remember(card: Card, archive: Path) -> None:
    """Record the hash of an archive as the expected one for this card (trust on first use)."""
    with lock("trusted"):
        known = _trusted()
        found = hash_of_file(archive)
        if known.get(card.handle) != found:
            known[card.handle] = found
            write_atomically(home() / "trusted.json", json.dumps(known, indent=1).encode())
            logger.info("trusting this archive of %s from now on: sha256 %s", card.alias, found)


def check_remembered(card: Card, archive: Path) -> None:
    """Raise RefusedError unless the archive has the recorded hash of this card, or none is recorded."""
    before, found = _trusted().get(card.handle), hash_of_file(archive)
    if before not in (None, found):
        raise RefusedError(
            f"{archive}: its sha256 is {found}, but that of the first archive of {card.alias} was {before}. "
            + _offer(card, found, archive)
        )


def _trusted() -> dict[str, str]:
    file = home() / "trusted.json"
    try:
        known: dict[str, str] = dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}
    except (ValueError, TypeError, OSError) as error:
        raise WeightsError(f"{file}: cannot read it ({error}); it contains only hashes, so you can delete it") from None
    return known


def _checked(card: Card, path: Path, trusted: str | None) -> Model:
    """Read the model in an archive, folder or file after verifying that it is the published one, or `trusted`."""
    if not path.exists():
        raise WeightsError(f"{path}: no such file or folder")
    packed = is_archive(path)
    accepted = path.is_file() and trusted is not None and hash_of_file(path) == trusted
    if packed and not accepted and not card.source.sha256:
        check_remembered(card, path)
    with _opened(path) as folder:
        network = _find(folder, card.source.network)
        if network is None or (path.is_file() and not packed and network != path):
            raise RefusedError(
                f"{path}: contains no published network of {card.alias}; expected {card.source.file}, "
                f"a folder with its files, or the {card.source.network} in it"
            )
        if not accepted:
            _check_files(card, network, path)
        model = read_model(network, card.handle, classes=card.classes)
        # Copied: memory-mapped files vanish with the folder.
        weights = {name: np.array(values) for name, values in model.weights.items()}
    if packed and not card.source.sha256:
        remember(card, path)
    return replace(model, weights=weights, origin=f"{card.title}, {card.source.file}")


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    """Give the folder of the files: the extracted archive, the folder itself, or the folder of the file."""
    if is_archive(path):
        with unpacked(path) as folder:
            yield folder
    else:
        yield path if path.is_dir() else path.parent


def _check_files(card: Card, network: Path, path: Path) -> None:
    """Verify size and hash of the files beside the network; raise RefusedError if one differs or is missing."""
    root = network.parents[len(Path(card.source.network).parts) - 1]
    read = {card.source.network}
    if network.suffix == ".index":
        read |= {member.name for member in card.source.members if member.name.startswith(f"{network.stem}.data")}
    elif (network.parent / "variables" / "variables.index").exists():
        raise RefusedError(f"{path}: variables/ lies beside {network.name}; the published archive has none")
    for member in card.source.members:
        if member.name in read and not (root / member.name).is_file():
            raise RefusedError(f"{path}: {member.name} is missing")
    for name, got, expected in _differences(card, root):
        offer = f" {_offer(card, hash_of_file(path), path)}" if path.is_file() else ""
        raise RefusedError(f"{path}: {name} has {got}, the published one {expected} ({card.source.doubt}).{offer}")


def _differences(card: Card, root: Path) -> Iterator[tuple[str, str, str]]:
    """Compare the files in `root` with their known sizes and hashes; yields (name, got, expected)."""
    for member in card.source.members:
        file = root / member.name
        if file.is_file() and file.stat().st_size != member.size:
            yield member.name, f"{file.stat().st_size} bytes", f"{member.size}"
        elif file.is_file() and member.sha256 and (digest := hash_of_file(file)) != member.sha256:
            yield member.name, f"sha256 {digest}", member.sha256
    for name, blob in card.source.git_blobs:
        if (root / name).is_file() and (found := git_blob_id(root / name)) != blob:
            yield name, f"git blob {found}", blob


def _offer(card: Card, digest: str, path: Path | None = None) -> str:
    """Format the command that accepts a file anyway; a download at `path` is removed and fetched again."""
    source = f"--from {path} " if path and path.suffix != ".part" else ""
    return f"If you trust it: boxable models pull {card.alias} {source}--trust {digest}"


def _find(folder: Path, name: str) -> Path | None:
    """Find a file by its relative name in the folder or its direct subfolders."""
    places = (folder, *(path for path in sorted(folder.iterdir()) if path.is_dir()))
    return next((place / name for place in places if (place / name).is_file()), None)

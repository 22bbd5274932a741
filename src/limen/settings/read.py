"""Read ``limen.toml`` and the environment, and report every problem at once."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from limen.kernel.errors import ConfigurationError
from limen.settings.model import Settings
from limen.settings.names import CONFIG, NAMES, OLDER_KEY, PREFIX, Place, name_of
from limen.settings.production import find_unsafe

_LISTS: Final = frozenset({("net", "allow"), ("web", "trusted_proxies")})
_MAX_CONFIG_BYTES: Final = 1_000_000
_MAX_ROUNDS: Final = 4


def load(environ: Mapping[str, str] | None = None, *, config: Path | None = None) -> Settings:
    """Return the settings of this process; the environment wins over the file.

    Args:
        environ: In place of the process's environment.
        config: The TOML file. Otherwise ``LIMEN_CONFIG`` names it, or ``limen.toml`` in the
            working directory is read if there is one.

    Raises:
        ConfigurationError: With all problems: the file's, unknown names, bad values, and
            values a production server refuses. No problem quotes a secret or a URL.
    """
    environ = os.environ if environ is None else environ  # noqa: TID251 -- the only reader
    problems: list[str] = []
    values = _read_file(_config_path(environ, config), problems)
    _read_environment(environ, values, problems)
    settings = _build(values, problems)
    if settings is not None:
        problems += find_unsafe(settings)
    if settings is None or problems:
        raise ConfigurationError(*problems)
    return settings


def environment_with(changes: Mapping[str, str], *, without: Iterable[str] = ()) -> dict[str, str]:
    """Return this process's environment, changed, for a child process."""
    dropped = set(without)
    kept = {name: value for name, value in os.environ.items() if name not in dropped}  # noqa: TID251 -- the only reader
    return kept | dict(changes)


def _config_path(environ: Mapping[str, str], config: Path | None) -> tuple[Path, bool]:
    """Return the file and whether it has to exist."""
    if config is not None:
        return config, True
    if named := environ.get(CONFIG):
        return Path(named), True
    return Path("limen.toml"), False


def _read_file(found: tuple[Path, bool], problems: list[str]) -> dict[str, Any]:
    path, must_exist = found
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_CONFIG_BYTES).decode()
        return tomllib.loads(text)
    except FileNotFoundError:
        if must_exist:
            problems.append(f"{path}: there is no such file.")
    except OSError as error:
        problems.append(f"{path}: {error.strerror or 'can not be read'}.")
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: is not TOML: {error}.")
    except UnicodeDecodeError:
        problems.append(f"{path}: is not UTF-8 text.")
    return {}


def _read_environment(
    environ: Mapping[str, str], values: dict[str, Any], problems: list[str]
) -> None:
    if _older_key_differs(environ):
        problems.append(f"LIMEN_MASTER_KEY and {OLDER_KEY} are both set and differ; set one.")
    for name in sorted(environ, key=lambda name: name != OLDER_KEY):
        if (place := NAMES.get(name)) is not None:
            if environ[name] or place in _LISTS:
                _put(values, place, text=environ[name], problems=problems)
        elif name.startswith(PREFIX) and name != CONFIG:
            problems.append(f"{name}: there is no such setting{_nearest(name)}")


def _older_key_differs(environ: Mapping[str, str]) -> bool:
    ours, older = environ.get("LIMEN_MASTER_KEY"), environ.get(OLDER_KEY)
    return bool(ours and older and ours != older)


def _put(values: dict[str, Any], place: Place, *, text: str, problems: list[str]) -> None:
    *above, last = place
    for name in above:
        values = values.setdefault(name, {})
        if not isinstance(values, dict):
            problems.append(f"{name}: is a table in limen.toml, not a value.")
            return
    values[last] = text


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else "."


def _build(values: dict[str, Any], problems: list[str]) -> Settings | None:
    """Validate; what is bad is reported and left out, so that the rest is looked at as well."""
    for _ in range(_MAX_ROUNDS):
        try:
            return Settings.model_validate(values)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False, include_context=False)
            problems += [_sentence(fault["type"], fault["loc"], fault["msg"]) for fault in faults]
            for fault in faults:
                _drop(values, fault["loc"])
    return None


def _drop(values: dict[str, Any], loc: tuple[int | str, ...]) -> None:
    """Leave out the value at fault, or its whole section where a part of it is missing."""
    inner: Any = values
    for name in loc[:-1]:
        if not isinstance(inner, dict) or not isinstance(inner.get(str(name)), dict):
            break
        if str(loc[-1]) not in inner[str(name)] and name == loc[-2]:
            inner.pop(str(name))
            return
        inner = inner[str(name)]
    else:
        inner.pop(str(loc[-1]), None)


def _sentence(kind: str, loc: tuple[int | str, ...], message: str) -> str:
    place = tuple(str(part) for part in loc)
    if kind == "extra_forbidden":
        return f"{'.'.join(place)}: there is no such setting."
    if kind == "missing":
        return f"{name_of(place)}: is missing beside its other half."
    text = message.removeprefix("Value error, ")
    return f"{name_of(place)}: {text[:1].lower()}{text[1:]}."

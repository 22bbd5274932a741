"""Write ``docs/settings.md`` from the models that read the environment (``make docs``)."""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from limen.kernel.secret import Secret
from limen.settings import Settings
from limen.settings.kinds import Rate
from limen.settings.names import CONFIG, NAMES, OLDER_KEY

TARGET = Path(__file__).resolve().parent / "settings.md"
_ATTRIBUTE: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_PER: Final = {1: "second", 60: "minute", 3600: "hour", 86400: "day"}

HEAD = f"""\
# Settings

Made by `make docs` from the code; don't edit by hand. Each is read from the environment or, by the
names in the second column, from `limen.toml` in the working directory, or the file that
`{CONFIG}` names; the environment wins. What is misspelt or makes no sense keeps `limen` from
starting, all of it told at once; `limen doctor` reads them too.

Durations are written `90s`, `15m`, `12h` or `30d`, rates `30/minute` or `5/10s`, lists with commas.
`LIMEN_ENVIRONMENT=development` implies generous rates, outbound calls to this machine, logs as
text, and mailbox, clock, simulators and approvals under `/dev`. `LIMEN_MASTER_KEY` may also be
called `{OLDER_KEY}`.

"""


def _notes(model: type[BaseModel]) -> dict[str, str]:
    text = inspect.getdoc(model) or ""
    _, _, attributes = text.partition("Attributes:\n")
    found = _ATTRIBUTE.findall(attributes)
    return {name: " ".join(note.split()).replace("``", "`") for name, note in found}


def _shown(value: Any) -> str:
    """Return a default as it would be written in the environment."""
    match value:
        case None | () | "":
            return ""
        case bool():
            return f"`{str(value).lower()}`"
        case dt.timedelta():
            seconds = int(value.total_seconds())
            size, unit = next(each for each in _UNITS if seconds % each[0] == 0)
            return f"`{seconds // size}{unit}`"
        case Rate(amount=amount, per_seconds=per):
            return f"`{amount}/{_PER.get(per, f'{per}s')}`"
        case Secret():
            return f"`{value.reveal()}`"  # of a default, which is none
        case _:
            return f"`{value}`"


def _rows() -> Iterator[tuple[str, str]]:
    """Return each section with a row of its table."""
    for name, place in NAMES.items():
        if name == OLDER_KEY or place[0] == "providers":
            continue
        *above, last = place
        model: type[BaseModel] = Settings
        for part in above:
            kind = model.model_fields[part].annotation
            assert isinstance(kind, type)
            model = kind
        field = model.model_fields[last]
        default = "" if field.default is PydanticUndefined else _shown(field.default)
        note = _notes(model).get(last, "").replace("|", "\\|")
        section = above[0] if above else ""
        yield section, f"| `{name}` | `{'.'.join(place)}` | {default} | {note} |"


def render() -> str:
    """Return the document."""
    sections: dict[str, list[str]] = {}
    for section, row in _rows():
        sections.setdefault(section, []).append(row)
    parts = [HEAD]
    for section in sorted(sections):
        if section:
            kind = Settings.model_fields[section].annotation
            said = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("``", "`")
            parts.append(f"## {section}\n\n{' '.join(said.split())}\n\n")
        parts.append("| Variable | In `limen.toml` | Unless given | |\n|---|---|---|---|\n")
        parts.append("\n".join(sections[section]) + "\n\n")
    providers = ", ".join(f"`{name}`" for name, place in NAMES.items() if place[0] == "providers")
    parts.append(
        "## providers\n\nOur clients at the providers, for the default tenant: "
        f"{providers}. Others, and those of other tenants, are registered at "
        "`/api/v1/admin/providers`.\n"
    )
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")

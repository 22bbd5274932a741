"""The forms of an HTML page, as a browser without JavaScript sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from typing_extensions import override

_TICKED: Final = ("checkbox", "radio")


@dataclass(slots=True)
class Button:
    """What pressing it adds to the form.

    Args:
        id: Its ``id``; empty when it has none.
        name: Its ``name``; empty when pressing it adds nothing.
        value: Its ``value``.
        action: ``formaction``, which wins over the form's.
    """

    id: str
    name: str
    value: str
    action: str


@dataclass(slots=True)
class Form:
    """One form.

    Args:
        action: Where it goes; empty for the page's own address.
        method: ``get`` or ``post``.
        fields: What would be sent, in order: hidden, prefilled and ticked ones.
        names: Every input's name, filled or not.
        buttons: What can be pressed.
    """

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def button(self, button_id: str) -> Button | None:
        """Return the button with that id."""
        return next((button for button in self.buttons if button.id == button_id), None)


def forms_in(text: str) -> list[Form]:
    """Return the forms of a page, in order."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.forms


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._open = False
        self._in_area = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get").lower()))
            self._open = True
        elif self._open and tag == "input":
            self._input(self.forms[-1], found)
        elif self._open and tag == "button":
            self._button(self.forms[-1], found)
        elif self._open and tag == "textarea" and found.get("name"):
            self._input(self.forms[-1], {"name": found["name"]})
            self._in_area = True

    @override
    def handle_data(self, data: str) -> None:
        if self._in_area:
            name, value = self.forms[-1].fields.pop()
            self.forms[-1].fields.append((name, value + data))

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False
        if tag in {"form", "textarea"}:
            self._in_area = False

    def _input(self, form: Form, found: dict[str, str]) -> None:
        kind, name = found.get("type", "text"), found.get("name", "")
        if kind == "submit":
            self._button(form, found)
            return
        if not name:
            return
        form.names.append(name)
        if kind in _TICKED and "checked" not in found:
            return
        default = "on" if kind in _TICKED else ""
        form.fields.append((name, found.get("value", default)))

    def _button(self, form: Form, found: dict[str, str]) -> None:
        form.buttons.append(
            Button(
                found.get("id", ""),
                found.get("name", ""),
                found.get("value", ""),
                found.get("formaction", ""),
            )
        )

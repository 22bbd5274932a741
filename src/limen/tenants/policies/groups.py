"""Changing some members of a policy, at any depth, and nothing beside them.

A member whose type is a model is a group of settings: it is changed member by member. Every other
one is one value, a list or a mapping of names too, and is replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel


def overlay(
    model: type[BaseModel], lower: Mapping[str, Any], upper: Mapping[str, Any]
) -> dict[str, Any]:
    """Return members with others laid over them, group by group.

    Args:
        model: What they are members of.
        lower: JSON members; those that ``upper`` does not name are kept.
        upper: JSON members, not checked: what is no group's object is left to the model.
    """
    members = dict(lower)
    for name, value in upper.items():
        group = _group(model, name)
        if group is not None and isinstance(value, Mapping):
            below = lower.get(name)
            members[name] = overlay(group, below if isinstance(below, Mapping) else {}, value)
        else:
            members[name] = value
    return members


def without_nulls(model: type[BaseModel], members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members without those that are ``None``, and without groups that say nothing then.

    What the model does not know is kept, for the model to refuse. A group that may be absent as a
    whole is kept though it be empty: of such a one something has to be said.
    """
    kept: dict[str, Any] = {}
    for name, value in members.items():
        group = _group(model, name)
        if value is None and name in model.model_fields:
            continue
        if group is None or not isinstance(value, Mapping):
            kept[name] = value
        elif (inner := without_nulls(group, value)) or model.model_fields[name].default is None:
            kept[name] = inner
    return kept


def _group(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Return the model of a member that is a group of settings, or may be one."""
    field = model.model_fields.get(name)
    if field is None:
        return None
    said = field.annotation
    # A tuple's or a mapping's arguments are what is in it: names there are no settings of ours.
    kinds = get_args(said) if get_origin(said) in {UnionType, Union} else (said,)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None

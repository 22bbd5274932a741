"""The whole schema: every capability's tables, found by name."""

from __future__ import annotations

import importlib
import pkgutil

import sqlalchemy as sa

from limen.db.base import CONDITION, metadata


def load_tables() -> sa.MetaData:
    """Import every ``limen.*.tables``, and those one folder deeper; return what they fill."""
    for found in pkgutil.iter_modules(importlib.import_module("limen").__path__):
        if found.ispkg:
            _import_tables(f"limen.{found.name}")
    for table in metadata.tables.values():
        for index in table.indexes:
            if CONDITION in index.info:
                index.dialect_options["postgresql"]["where"] = index.info[CONDITION]
    return metadata


def _import_tables(package: str) -> None:
    for folder in importlib.import_module(package).__path__:
        for found in pkgutil.iter_modules([folder]):
            if found.name == "tables":
                importlib.import_module(f"{package}.tables")
            elif found.ispkg and _has_tables(f"{folder}/{found.name}"):
                importlib.import_module(f"{package}.{found.name}.tables")


def _has_tables(folder: str) -> bool:
    return any(found.name == "tables" for found in pkgutil.iter_modules([folder]))

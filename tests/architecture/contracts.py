"""Import contracts of our own, used from pyproject.toml."""

from __future__ import annotations

import re
from typing import Final

import grimp
from importlinter import Contract, ContractCheck, output
from typing_extensions import override

ROWS: Final = re.compile(r"^(limen\.[a-z_]+)(?:\.[a-z_]+)*\.(?:tables|(?:[a-z_]+_)?store)(?:\.|$)")


class RowsStayHome(Contract):
    """A capability's ``tables`` and ``store`` are imported only inside that capability.

    Whoever reads another's rows has copied its rules; a column can't change any more. Alembic's
    environment loads every ``tables`` by name, which no import graph sees.
    """

    type_name = "rows_stay_home"

    @override
    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        strangers = [
            (importer, module)
            for module in sorted(graph.modules)
            if (found := ROWS.match(module))
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if not f"{importer}.".startswith(f"{found[1]}.")
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    @override
    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, module in check.metadata["strangers"]:
            output.print_error(f"{importer} imports {module}", bold=True)
            output.new_line()

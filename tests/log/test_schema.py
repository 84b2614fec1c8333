"""The tables as the code knows them are the tables that the migrations make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, inspect

from motion_widgets.log.migrations import migrate
from motion_widgets.log.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Inspector


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Inspector]:
    engine = create_engine(f"sqlite:///{tmp_path / 'log.sqlite'}")
    with engine.begin() as connection:
        migrate(connection)
    yield inspect(engine)
    engine.dispose()


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=str)
def test_columns_and_their_types_are_those_of_the_file(made: Inspector, table) -> None:
    there = {column["name"]: column["type"].python_type for column in made.get_columns(table.name)}
    assert {column.name: column.type.python_type for column in table.columns} == there

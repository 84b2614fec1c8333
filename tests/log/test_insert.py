"""Thousands of jobs written at once are what one after the other would have become."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert, text

from motion_widgets.log.schema import budgets, events, jobs, sweeps
from motion_widgets.log.states import State
from motion_widgets.log.store import Log
from tests.log.conftest import VALUES

SWEEP = {"id": "run-1", "endpoint": "sandbox", "account": "sandbox", "axes": "{}"}
STANDS = {**VALUES, "sandbox": True, "created": 1, "seq": 1, "reserved": 0}
EARLIER = st.fixed_dictionaries(
    {
        "key": st.sampled_from("ab"),
        "repeat": st.integers(1, 3),
        "attempt": st.integers(1, 2),
        "state": st.sampled_from([State.PLANNED, State.FAILED, State.COLLECTED, State.UNKNOWN]),
        "lease_owner": st.sampled_from([None, "somebody"]),
    }
)
CELLS = st.fixed_dictionaries(
    {"key": st.sampled_from("abc")},
    optional={
        "repeat": st.integers(1, 3),
        "estimate_low": st.sampled_from([1, None]),
        "estimate_high": st.integers(1, 9),
    },
)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    logs = [Log(tmp_path_factory.mktemp("adding") / f"{name}.sqlite") for name in ("whole", "single")]
    yield logs
    for log in logs:
        log.close()


def begin(log, earlier):
    with log.database.write() as connection:
        for table in (jobs, events, sweeps, budgets):
            connection.execute(delete(table))
        unique = {(row["key"], row["repeat"], row["attempt"]): row for row in earlier}
        for number, row in enumerate(unique.values()):
            own = {"id": f"job-{number}", "idempotency_key": f"{number}", "state": row["state"].value}
            held = {"lease_until": 2**60} if row["lease_owner"] else {}
            connection.execute(insert(jobs), {**STANDS, **row, **own, **held})


def told(log):
    """Return all jobs and events but for ids and times; a new job is known by its content."""
    names = {}
    for row in log.jobs.rows():
        new = row.created > 1
        names[row.id] = (row.key, row.repeat, row.attempt) if new else row.id
    drop = ("id", "created", "idempotency_key")
    rows = {names[row.id]: {k: v for k, v in asdict(row).items() if k not in drop} for row in log.jobs.rows()}
    with log.database.read() as connection:
        said = [(names[one.job_id], one.to_state, one.note) for one in connection.execute(events.select())]
    return rows, said


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    earlier=st.lists(EARLIER, max_size=4),
    cells=st.lists(CELLS, min_size=1, max_size=6),
    new=st.booleans(),
    data=st.data(),
)
def test_a_run_is_what_its_cells_one_by_one_would_be(two, earlier, cells, new, data):
    order = data.draw(st.permutations(range(1, len(cells) + 1)))
    whole, single = two
    for log in two:
        begin(log, earlier)
    wanted = [{**VALUES, **cell} for cell in cells]
    rows = whole.sweeps.add(
        SWEEP, [({}, cell) for cell in wanted], limit=None, keep=False, new=new, order=order
    )
    paid = {"sweep_id": "run-1", "budget_id": "run-1"}
    alone = {}
    for at in sorted(range(len(cells)), key=order.__getitem__):
        alone[at], _ = single.jobs.add({**wanted[at], **paid}, new=new)
    assert told(whole) == told(single)
    same = ("key", "repeat", "attempt", "state", "sweep_id", "budget_id")
    for at, row in enumerate(rows):
        assert {name: getattr(row, name) for name in same} == {
            name: getattr(alone[at], name) for name in same
        }
    fresh = [row.id for at, row in sorted(enumerate(rows), key=lambda one: order[one[0]])]
    made = [one for one in dict.fromkeys(fresh) if whole.jobs.get(one).created > 1]
    assert made == sorted(made), "ids sort by the running order"


def test_thousands_take_no_more_statements_than_hundreds(tmp_path):
    counts = []
    for cells in (400, 2000):
        log = Log(tmp_path / f"{cells}.sqlite")
        said = []
        event.listen(
            log.database._writer, "before_cursor_execute", lambda *given, said=said: said.append(given[2])
        )
        wanted = [({}, {**VALUES, "key": f"{number}"}) for number in range(cells)]
        log.sweeps.add(SWEEP, wanted, limit=None, keep=False, new=False)
        with log.database.read() as connection:
            assert connection.execute(text("SELECT count(*) FROM events")).scalar_one() == cells
        counts.append(len(said))
        log.close()
    assert counts[1] - counts[0] <= 4, "one more for every 500 contents that are looked up"

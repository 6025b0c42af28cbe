"""The queue of scans that workers take: procrastinate's tables, beside our own in the same PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlmodel import Session

from scanner.store.database import Database
from scanner.store.errors import NewerStoreError, StoreError, UpgradeNeededError
from scanner.store.service_tables import OccasionRow

#: The name of the one task there is.
TASK = "hygie scan"
_NO_SERVER = (
    "workers share a PostgreSQL store: set [store] url to postgresql://USER@HOST/DATABASE and run `hygie db upgrade`; "
    'with a SQLite file, leave [serve] runs at "here": `hygie serve` runs the scans itself'
)
_NO_LIBRARY = "workers need the package procrastinate: install hygie[postgres], then run `hygie db upgrade`"
_FOREIGN = "the database holds the queue of another application (procrastinate_jobs); give Hygie a database of its own"
_VERSION = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL, obj_description(to_regclass('procrastinate_jobs'))"
_WAITS = (
    "SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' AND task_name = :task "
    "AND args->>'perimeter' = :perimeter AND args->>'kind' = :kind)"
)
_RESCUE = (
    "SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM (SELECT job.id FROM procrastinate_jobs job "
    "WHERE job.status = 'doing' AND NOT EXISTS (SELECT 1 FROM procrastinate_workers worker WHERE "
    "worker.id = job.worker_id AND worker.last_heartbeat > now() - make_interval(secs => :seconds)) "
    "FOR UPDATE OF job SKIP LOCKED) silent"
)
_HEARD = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => :seconds)"
_CANCEL = (
    "SELECT procrastinate_cancel_job_v1(id, false, false), args FROM procrastinate_jobs "
    "WHERE status = 'todo' AND task_name = :task AND args->>'perimeter' = :perimeter AND args->>'scan' = :scan"
)
_OPEN = (
    "SELECT args, status::text, queue_name FROM procrastinate_jobs "
    "WHERE status IN ('todo', 'doing') AND task_name = :task ORDER BY id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A scan asked of the workers; ``scan`` is the id it will have, (``schedule``, ``due_at``) its occasion."""

    scan: str
    perimeter: str
    kind: str
    by: str
    schedule: str
    due_at: datetime

    def words(self) -> dict[str, str]:
        """Return the order as the arguments of a job."""
        return asdict(self) | {"due_at": self.due_at.astimezone(UTC).isoformat()}


def order_of(words: Mapping[str, str]) -> Order:
    """Return the order that the arguments of a job mean."""
    texts = {name: text for name, text in words.items() if name != "due_at"}
    return Order(**texts, due_at=datetime.fromisoformat(words["due_at"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An order that has not ended: in which queue, and whether a worker has it."""

    order: Order
    queue: str
    taken: bool


class Queue:
    """Orders, each queued once with its occasion; every method raises ``StoreError`` without a queue's tables."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    @property
    def address(self) -> str:
        """Where the database is, as libpq reads it; it may hold a password."""
        return self._database.address

    def require(self) -> None:
        """Raise ``StoreError`` unless workers can share this store."""
        if self._database.path is not None:
            raise StoreError(_NO_SERVER)
        with self._database.read() as session:
            if _applied(session.connection()) != _steps()[-1]:
                raise UpgradeNeededError

    def ask(self, order: Order, queue: str) -> bool:
        """Take an occasion and queue its scan, both or neither.

        False, and nothing is done, when the occasion was taken already or a scan of that kind still waits.
        """
        with self._database.write() as session:
            self._database.lock(session, f"occasion {order.schedule}")
            if session.get(OccasionRow, (order.schedule, order.due_at)) is not None:
                return False
            like = {"task": TASK, "perimeter": order.perimeter, "kind": order.kind}
            if session.connection().execute(text(_WAITS), like).scalar_one():
                return False
            _defer(session, order, queue)
            taken = self._clock()
            session.add(OccasionRow(schedule=order.schedule, due_at=order.due_at, taken_at=taken, outcome=""))
        return True

    def cancel(self, perimeter: str, scan: str, outcome: str) -> Order | None:
        """Take an order that no worker has out of its queue, and record what came of its occasion.

        None, and nothing is done, when no such order waits.
        """
        wanted = {"task": TASK, "perimeter": perimeter, "scan": scan}
        with self._database.write() as session:
            rows = session.connection().execute(text(_CANCEL), wanted).all()
            orders = [order_of(args) for cancelled, args in rows if cancelled is not None]
            for order in orders:
                if (row := session.get(OccasionRow, (order.schedule, order.due_at))) is not None:
                    row.outcome = outcome
        return orders[0] if orders else None

    def rescue(self, seconds: float) -> int:
        """Give back the orders of workers not heard of for that long; return how many."""
        with self._database.write() as session:
            return len(session.connection().execute(text(_RESCUE), {"seconds": seconds}).all())

    def heard(self, seconds: float) -> int:
        """Return how many workers were heard of in the last seconds."""
        with self._database.read() as session:
            return int(session.connection().execute(text(_HEARD), {"seconds": seconds}).scalar_one())

    def open(self) -> tuple[Asked, ...]:
        """Return the orders that have not ended, oldest first."""
        with self._database.read() as session:
            rows = session.connection().execute(text(_OPEN), {"task": TASK}).all()
        return tuple(Asked(order=order_of(args), queue=queue, taken=state == "doing") for args, state, queue in rows)


def _defer(session: Session, order: Order, queue: str) -> None:
    """Queue a job in the transaction of a session; jobs of one queue never run side by side."""
    from procrastinate import App, SyncPsycopgConnector

    app = App(connector=SyncPsycopgConnector())
    driver: Any = session.connection().connection.driver_connection
    app.configure_task(TASK, queue=queue, lock=f"scan {queue}", connection=driver).defer(**order.words())


def upgrade(database: Database) -> None:
    """Bring the queue's tables to the installed version, one process at a time; a database new to it gets them."""
    if find_spec("procrastinate") is None:
        return
    while _step(database):
        pass


def _step(database: Database) -> bool:
    """Make the tables, or apply the first change that is missing, in one transaction; False when none is."""
    steps = _steps()
    with database.schema_change() as connection:
        before = _applied(connection)
        if before == steps[-1]:
            return False
        applied, change = _change(steps, before)
        driver: Any = connection.connection.driver_connection
        driver.execute(change)
        connection.exec_driver_sql(f"COMMENT ON TABLE procrastinate_jobs IS 'hygie {applied}'")
    return True


def _change(steps: Sequence[str], before: str) -> tuple[str, str]:
    from procrastinate.schema import SchemaManager

    if not before:
        return steps[-1], SchemaManager.get_schema()
    following = steps[steps.index(before) + 1]
    return following, (Path(SchemaManager.get_migrations_path()) / following).read_text("utf-8")


def _applied(connection: Connection) -> str:
    """The newest change of the queue's tables, kept as the comment of one of them; "" when there are none."""
    present, comment = connection.execute(text(_VERSION)).one()
    if not present:
        return ""
    name = str(comment or "").removeprefix("hygie ")
    if not comment or name == comment:
        raise StoreError(_FOREIGN)
    if name not in _steps():
        raise NewerStoreError
    return name


def _steps() -> Sequence[str]:
    """The changes of the queue's tables that the installed version knows, oldest first."""
    if find_spec("procrastinate") is None:
        raise StoreError(_NO_LIBRARY)
    from procrastinate.schema import SchemaManager

    return sorted(path.name for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))

"""A run with all that is kept of it, taken out of one home folder and put into another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.storage.files import remove_folder, replace_folder, write_whole
from engine.storage.reader import ReaderStore
from engine.storage.records import StoreError

_PLAIN = ("metrics", "episodes")
"""Tables whose rows name their run and nothing else."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parcel:
    """
    row, tables: what the database has of the run, by table and column; evaluations carry their returns.
    files: what lies in its folder, by POSIX path: checkpoints, agents, rows to learn from.
    """

    row: Row
    tables: dict[str, list[Row]]
    files: dict[str, bytes]

    @property
    def run(self) -> str:
        return str(self.row["id"])

    @property
    def progress(self) -> float:
        return float(self.row["progress"])

    @property
    def size(self) -> int:
        """Bytes of its files and of the blobs in its tables."""
        blobs = (value for rows in self.tables.values() for row in rows for value in row.values())
        return sum(map(len, self.files.values())) + sum(len(blob) for blob in blobs if isinstance(blob, bytes))


class ParcelStore(ReaderStore):
    """The part of a home folder that sends and receives runs."""

    def pack(self, run: str) -> Parcel:
        """A run that nobody works on at the moment.

        Raises:
            StoreError: there is no run of that id.
            OSError: its files cannot be read.
        """
        with self._read() as db:
            found = db.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
            if found is None:
                raise StoreError(f"there is no run {run!r}; `dqn-lab runs list` names them.")
            queries = {table: f"SELECT * FROM {table} WHERE run = ?" for table in _PLAIN}
            queries["evaluations"] = (
                "SELECT evaluations.*, returns FROM evaluations LEFT JOIN returns ON evaluation = id "
                "WHERE run = ? ORDER BY id"
            )
            tables = {table: [dict(row) for row in db.execute(query, (run,))] for table, query in queries.items()}
        folder = self.home / "runs" / run
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(_files(folder))}
        return Parcel(dict(found), tables, files)

    def unpack(self, parcel: Parcel) -> None:
        """Put a run in place of what is here under its id; nobody but the caller may work on that.

        Files come first: whoever is killed between them and the rows finds a run that can be gone on with.

        Raises:
            StoreError: the database cannot be written.
            OSError: the files cannot be.
        """
        folder = self.home / "runs" / parcel.run
        by_folder: dict[Path, dict[str, bytes]] = {}
        for name, content in parcel.files.items():
            path = folder / name
            by_folder.setdefault(path.parent, {})[path.name] = content
        for name, content in by_folder.pop(folder, {}).items():
            write_whole(folder / name, content)
        for place, files in by_folder.items():
            replace_folder(place, files)
        for place in (folder / "checkpoint", *(folder / "agents").glob("[!.]*")):
            if place.is_dir() and place not in by_folder:
                remove_folder(place)  # Of an earlier run under this id, or of this one before.
        with self._transaction() as db:
            db.execute("DELETE FROM runs WHERE id = ?", (parcel.run,))
            _insert(db, "runs", parcel.row)
            for table in _PLAIN:
                for row in parcel.tables[table]:
                    _insert(db, table, row)
            for row in parcel.tables["evaluations"]:
                own = {name: value for name, value in row.items() if name not in ("id", "returns")}
                evaluation = _insert(db, "evaluations", own)
                if row["returns"] is not None:
                    _insert(db, "returns", {"evaluation": evaluation, "returns": row["returns"]})

    def save_named_agent(self, parcel: Parcel) -> None:
        """Save the agent of a run that was given a name under that name, as the run does where it ends at home."""
        for which in ("best", "last"):
            place = f"agents/{which}/"
            files = {name.removeprefix(place): file for name, file in parcel.files.items() if name.startswith(place)}
            if files and parcel.row["name"] is not None:
                replace_folder(self.home / "agents" / str(parcel.row["name"]), files)
                return


def _files(folder: Path) -> list[Path]:
    """The files below a folder that are no locks and no leftovers."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.rglob("*") if path.is_file()]
    hidden = (path for path in found if any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(set(found) - set(hidden) - {folder / "lock"})


def _insert(db: Any, table: str, row: Row) -> int:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    return int(db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values())).lastrowid)

"""What the home folder keeps of the one who reads: how far a lesson was read, predictions, answers."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.storage.database import Database
from engine.storage.records import LessonProgress


def now() -> str:
    """The time as the database keeps it: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class ReaderStore(Database):
    """The reader's part of a home folder."""

    def lesson_progress(self) -> dict[str, LessonProgress]:
        with self._read() as db:
            rows = db.execute("SELECT * FROM progress").fetchall()
        return {row["lesson"]: LessonProgress(*row) for row in rows}

    def set_lesson_progress(self, lesson: str, state: str, position: float) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT INTO progress VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET "
                "state = excluded.state, position = excluded.position, updated = excluded.updated",
                (lesson, state, position, now()),
            )

    def predictions(self) -> dict[str, int]:
        """The committed choice for each question."""
        with self._read() as db:
            return dict(db.execute("SELECT question, choice FROM predictions").fetchall())

    def add_prediction(self, question: str, choice: int) -> None:
        """Commit to a prediction; the first one stays."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO predictions VALUES (?,?,?)", (question, choice, now()))

    def answers(self) -> dict[str, list[int]]:
        """Every choice ever given to each quiz question, oldest first."""
        found: dict[str, list[int]] = {}
        with self._read() as db:
            for question, choice in db.execute("SELECT question, choice FROM answers ORDER BY id"):
                found.setdefault(question, []).append(choice)
        return found

    def add_answer(self, question: str, choice: int, correct: bool) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT INTO answers (question, choice, correct, created) VALUES (?,?,?,?)",
                (question, choice, correct, now()),
            )

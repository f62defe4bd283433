"""What goes wrong, as one line on standard error and an exit code: 1 failed, 2 misuse, 128 + n stopped by signal n."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click

FAILED, MISUSE = 1, 2


class Failed(click.ClickException):
    """Work that failed through no misuse."""

    exit_code = FAILED


class Misuse(click.ClickException):
    """A request that cannot be met as it was made."""

    exit_code = MISUSE


class LabGroup(click.Group):
    """A group whose expected errors are one line each, without a traceback, and whose bugs still show one."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line and exit with its code."""
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except click.ClickException as error:
            _tell(_words(error))
            code = error.exit_code
        except click.Abort:
            _tell("interrupted.")
            code = 128 + signal.SIGINT
        except OSError as error:
            _tell(f"{error}.")
            code = FAILED
        except ValueError as error:
            if not type(error).__module__.startswith(("engine.", "tui_lab.checked_toml", "tui_lab.keys")):
                raise
            _tell(str(error))
            code = engine_code(error)
        sys.exit(code if isinstance(code, int) else 0)


def engine_code(error: Exception) -> int:
    """2 for what the engine refuses because of what it was given, 1 for anything else that went wrong in it."""
    from engine.runs.crew import CrewError
    from engine.runs.study_storage import StudyAwayError
    from engine.storage.checkpoint import CheckpointError
    from engine.storage.export import MissingToolError
    from engine.storage.records import StoreBusyError

    if isinstance(error, CheckpointError | CrewError | MissingToolError | StoreBusyError | StudyAwayError):
        return FAILED
    return MISUSE if isinstance(error, ValueError) else FAILED


def _words(error: click.ClickException) -> str:
    text = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        stop = "" if text.endswith((".", "?")) else "."
        text = f"{text}{stop} See `{error.ctx.command_path} --help`."
    return text


def _tell(text: str) -> None:
    click.echo(f"dqn-lab: {' '.join(text.split())}", err=True)

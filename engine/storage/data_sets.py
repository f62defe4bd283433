"""Data sets as CSV files: written whole, read with every mistake named by its line."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd

from engine.learners.samples import ACTION_COLUMN, STATE_COLUMNS, DataError, Samples
from engine.storage.files import read_whole, write_whole


def write_csv(path: Path, samples: Samples) -> None:
    """Write `s1,s2,s3,s4,action`, float32 values in the shortest form that reads back exactly."""
    frame = pd.DataFrame(samples.states, columns=list(STATE_COLUMNS))
    frame[ACTION_COLUMN] = samples.actions
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, lineterminator="\n")
    write_whole(path, buffer.getvalue().encode())


def read_csv(path: Path) -> Samples:
    """Read a data set.

    Raises:
        DataError: no such file, not this header, a row that is longer, a value that is not a finite number, an action
            other than 0 and 1.
    """
    header = [*STATE_COLUMNS, ACTION_COLUMN]
    try:
        # Bytes, so that no name makes pandas take the file for an archive.
        frame = pd.read_csv(io.BytesIO(read_whole(path)), dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as CSV: {str(error).strip().removesuffix('.')}.") from None
    if list(frame.columns) != header:
        raise DataError(
            f"{path} should begin with the header {','.join(header)}, not {','.join(map(str, frame.columns))}."
        )
    if frame.empty:
        raise DataError(f"{path} has a header but no rows.")
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas takes a first column that the header does not name for row labels.
        raise DataError(f"{path}, line 2: the rows should have {len(header)} values, as the header does, not more.")
    numbers = frame.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    with np.errstate(over="ignore"):
        bad = np.argwhere(~np.isfinite(numbers.astype(np.float32)))
    if len(bad):
        row, column = bad[0]
        raise DataError(
            f"{path}, line {row + 2}, column {header[column]}: {frame.iat[row, column]!r} is not a finite number."
        )
    actions = numbers[:, -1]
    odd = np.flatnonzero((actions != 0) & (actions != 1))
    if len(odd):
        raise DataError(f"{path}, line {odd[0] + 2}, column action: {actions[odd[0]]:g} should be 0 or 1.")
    return Samples(numbers[:, :-1].astype(np.float32), actions.astype(np.int64))

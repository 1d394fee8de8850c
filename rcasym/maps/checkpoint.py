# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What an interrupted run over many batches had done."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from ..catalog.frames import frame_parameters
from ..exceptions import CatalogError
from ..utils.files import whole_file
from ..voxels.bounded import FirstPass, VoxelMoments
from ..voxels.state import VoxelState

__all__ = ["Checkpoint", "Done"]

# Seconds from one to the next, and at least so many times what the last one took.
EVERY, COST = 30.0, 9


@dataclass(frozen=True)
class Done:
    """How far the first pass was.

    Parameters
    ----------
    batches : list of list
        Of each batch that is in the state, how many stars it has, and what tells it from others.
    state : `~rcasym.voxels.VoxelState` or `~rcasym.voxels.bounded.FirstPass`, or None
        What they add up to.
    complete : bool
        Whether these are all batches.
    lost : dict
        The values that they lack, as `rcasym.catalog.columns.LostValues.to_json` gives them.
    """

    batches: list
    state: object
    complete: bool
    lost: dict


class Checkpoint:
    """A file from which an interrupted run goes on; it is there whole or not at all.

    Made by `open`. ``first`` is a `Done`, and ``second`` how many batches the second pass had done
    with counts and values of what it kept; both are None in a new one.
    """

    def __init__(self, path, about):
        self.path, self.about = Path(path), about
        self.first = self.second = None
        self.next, self._first = 0.0, None

    @classmethod
    def open(cls, path, binning, columns, frame, inputs, limit):
        """The checkpoint in a file, or a new one.

        Raises
        ------
        CatalogError
            If the file is of another binning, frame, limit or other stars, or no checkpoint.
        OSError
            If it cannot be written.
        """
        about = {
            "binning": {axis.name: axis.edges.value.tolist() for axis in binning.axes},
            "columns": dict(columns or {}),
            # None is that of the stars themselves.
            "frame": None if frame is None else frame_parameters(frame),
            "inputs": inputs,
            "memory_limit": limit,
        }
        found = cls(path, about)
        if found.path.exists():
            found._read()
        else:
            found._write({})
        found.next = time.monotonic() + EVERY
        return found

    def _read(self):
        try:
            with self.path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = dict(file)
            about = json.loads(str(arrays.pop("about")))
            done = json.loads(str(arrays.pop("done")))
            if about.keys() != self.about.keys():
                raise ValueError("it is of another version")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError,
                BadZipFile) as error:
            raise CatalogError(f"file {self.path} must be a checkpoint; {str(error)[:200]}. Give "
                               "another path to start anew") from error
        for name, words in (("binning", "another binning"), ("columns", "other names of columns"),
                            ("frame", "another frame"), ("inputs", "other stars"),
                            ("memory_limit", "another memory_limit")):
            if about[name] != json.loads(json.dumps(self.about[name])):
                raise CatalogError(f"checkpoint {self.path} must be of this run; it is of {words}. "
                                   "Remove it to start anew")
        if not done:
            return
        state = None
        if "values" in arrays:
            state = VoxelState(arrays["counts"], arrays["values"], done["n_outside"],
                               done["n_masked"])
        elif "steps" in arrays:
            moments = VoxelMoments(arrays["counts"], arrays["total"], arrays["squares"],
                                   done["n_outside"], done["n_masked"])
            state = FirstPass(moments, arrays["steps"])
        self.first = self._first = Done(done["batches"], state, done["complete"], done["lost"])
        if "kept_values" in arrays:
            self.second = done["second"], (arrays["kept_counts"], arrays["kept_values"])

    def _write(self, done, **arrays):
        # Whoever waits for a long run learns at its start if this cannot be written.
        start = time.monotonic()
        with whole_file(self.path, overwrite=True) as part, part.open("wb") as file:
            np.savez(file, about=json.dumps(self.about), done=json.dumps(done), **arrays)
        now = time.monotonic()
        self.next = now + max(EVERY, COST * (now - start))

    def keep_first(self, state, batches, lost, *, complete=False):
        """Write how far the first pass is, now and then; ``state`` gives the state."""
        if not complete and time.monotonic() < self.next:
            return
        self._first = Done(list(batches), state(), complete, lost.to_json())
        self._write(self._numbers(), **self._arrays())

    def keep_second(self, kept, n_done):
        """Write how far the second pass is, now and then; ``kept`` gives what it kept."""
        if time.monotonic() < self.next:
            return
        kept = kept()
        self._write(self._numbers() | {"second": n_done}, kept_counts=kept.counts,
                    kept_values=kept.values, **self._arrays())

    def _numbers(self):
        state = self._first.state
        counted = getattr(state, "moments", state)
        return {"batches": self._first.batches, "complete": self._first.complete,
                "lost": self._first.lost,
                "n_outside": getattr(counted, "n_outside", 0),
                "n_masked": getattr(counted, "n_masked", 0)}

    def _arrays(self):
        state = self._first.state
        if isinstance(state, VoxelState):
            return {"counts": state.counts, "values": state.values}
        if isinstance(state, FirstPass):
            return {"counts": state.moments.counts, "total": state.moments.total,
                    "squares": state.moments.squares, "steps": state.steps}
        return {}

    def done(self):
        """The run is through: nothing is left to go on from."""
        self.path.unlink(missing_ok=True)

    def give_up(self):
        """The run has failed: what has nothing to go on from is no checkpoint."""
        if self._first is None:
            self.done()

"""The folder of a job of many tasks: what was asked for, and one file per finished or failed task."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bayes_hr.errors import InputError

_LOG: Final = logging.getLogger("bayes_hr")
_FORMAT: Final = 1


def to_json(value: Any) -> str:
    """JSON text of plain data with numpy numbers and arrays (as lists); floats keep every digit.

    Raises
    ------
    TypeError
        If there is anything else in it, or a key that is not a string.
    """
    return json.dumps(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong:
            raise TypeError(f"a task's result has the key {wrong[0]!r}; keys must be strings")
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return _plain(value.tolist())
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(
        f"a task's result holds a {type(value).__name__}, which is not JSON data; return plain numbers"
    )


@dataclass(frozen=True)
class Job:
    """What decides the results of a job.

    Attributes
    ----------
    function : str
        Qualified name of the function.
    keys : tuple of str
        Keys of the items in order; the index of a key decides its seed.
    seed : int
        Root of the seeds.
    context : str
        The caller's digest of everything else.
    """

    function: str
    keys: tuple[str, ...]
    seed: int
    context: str

    def parts(self) -> dict[str, Any]:
        """Everything but the keys, by name."""
        return {"format": _FORMAT, "function": self.function, "seed": self.seed, "context": self.context}

    def digest(self) -> str:
        """SHA-256 of :meth:`parts`."""
        return hashlib.sha256(json.dumps(self.parts(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Store:
    """Results of a job; without a folder nothing is kept.

    Attributes
    ----------
    folder : Path or None
        Where the files are.
    job : Job
        Whose results they are.
    """

    folder: Path | None
    job: Job

    @classmethod
    def open(cls, folder: Path | None, job: Job) -> Store:
        """Make the folder, or check that it belongs to this job or to a shorter or longer list of its items.

        Raises
        ------
        InputError
            If it belongs to another job, cannot be read or cannot be written.
        """
        if folder is None:
            return cls(None, job)
        path = folder / "manifest.json"
        keys = job.keys
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8") if path.exists() else None
        except OSError as error:
            raise InputError(f"tasks: cannot use the folder {folder}: {error.strerror}") from error
        if text is not None:
            keys = max(keys, _compatible_keys(folder, text, job), key=len)
        _write(path, json.dumps({**job.parts(), "digest": job.digest(), "keys": list(keys)}, indent=1))
        return cls(folder, job)

    def load(self) -> dict[str, Any]:
        """Results of the finished tasks by key; a file that cannot be parsed is ignored, with a warning.

        Raises
        ------
        InputError
            If a file is another job's.
        """
        if self.folder is None:
            return {}
        found = {key: self._read(self.folder, index, key) for index, key in enumerate(self.job.keys)}
        return {key: record["result"] for key, record in found.items() if record is not None}

    def keep(self, index: int, key: str, seed: int, result: str) -> Any:
        """Keep the JSON text of a result, forget an earlier failure, and return the result parsed."""
        parsed = json.loads(result)
        if self.folder is not None:
            _write(_done(self.folder, index), json.dumps(self._record(index, key, seed) | {"result": parsed}))
            _failed(self.folder, index).unlink(missing_ok=True)
        return parsed

    def keep_failure(self, index: int, key: str, seed: int, failure: str) -> None:
        """Keep the traceback of a failure."""
        if self.folder is not None:
            record = self._record(index, key, seed) | {"traceback": failure}
            _write(_failed(self.folder, index), json.dumps(record, indent=1))

    def _record(self, index: int, key: str, seed: int) -> dict[str, Any]:
        return {"job": self.job.digest(), "index": index, "key": key, "seed": seed}

    def _read(self, folder: Path, index: int, key: str) -> dict[str, Any] | None:
        path = _done(folder, index)
        if not path.exists():
            return None
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            _LOG.warning("tasks: %s cannot be parsed; its task is run again", path)
            return None
        if record.get("job") != self.job.digest() or record.get("key") != key or "result" not in record:
            raise _another_job(folder, f"{path.name} is not the result of {key!r} of this job")
        return record


def _compatible_keys(folder: Path, text: str, job: Job) -> tuple[str, ...]:
    """Keys of the manifest, if it is of the same job and one list of keys begins with the other."""
    try:
        old = json.loads(text)
    except ValueError as error:
        raise _another_job(folder, "manifest.json cannot be parsed") from error
    if not isinstance(old, dict):
        raise _another_job(folder, "manifest.json is not a manifest")
    new = job.parts()
    differs = [
        f"{name}: {old.get(name)!r} there, {new[name]!r} now" for name in new if old.get(name) != new[name]
    ]
    keys = tuple(old.get("keys", ()))
    shared = min(len(keys), len(job.keys))
    if keys[:shared] != job.keys[:shared]:
        differs.append("the tasks differ")
    if differs:
        raise _another_job(folder, "; ".join(differs))
    return keys


def _another_job(folder: Path, why: str) -> InputError:
    return InputError(
        f"tasks: {folder} holds the results of another job ({why}). Choose another folder, or delete this "
        "one to start anew"
    )


def _done(folder: Path, index: int) -> Path:
    return folder / f"task-{index:05d}.json"


def _failed(folder: Path, index: int) -> Path:
    return folder / f"task-{index:05d}.failed.json"


def _write(path: Path, text: str) -> None:
    """Put a file in place whole, or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        raise InputError(
            f"tasks: cannot write {path}: {error.strerror}; what was finished is kept"
        ) from error
    finally:
        part.unlink(missing_ok=True)

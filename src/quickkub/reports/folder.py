"""Writes a folder of evidence: all or nothing, for its owner alone, with what proves it later."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from quickkub.kernel.errors import Kind, Refusal
from quickkub.reports.writing import File, pretty, sums

MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"


class ReportFolderTaken(Refusal):
    """The folder a report is to be written into is there already and is never written over."""

    code, kind = "report_folder_taken", Kind.CONFLICT


class ReportFolderRefused(Refusal):
    """The folder for a report cannot be written."""

    code, kind = "report_folder_refused", Kind.UNAVAILABLE


class Folder:
    """A folder in the making beside its later place, where `keep` moves it; without that nothing is left."""

    def __init__(self, out: Path) -> None:
        """Raises ReportFolderTaken when something is there that is not an empty folder."""
        self.out = out
        self._making = out.with_name(f".{out.name}.{os.getpid()}.making")
        try:
            taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
        except OSError as trouble:
            raise ReportFolderRefused(f"{out} cannot be read ({trouble.strerror})") from trouble
        if taken:
            raise ReportFolderTaken(f"{out} is there already; name a new folder")

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._making, ignore_errors=True)

    def put(self, files: Sequence[File], about: dict[str, Any]) -> File:
        """Write all files, their sums and the manifest, which is returned. Raises ReportFolderRefused."""
        told = {**about, "files": [file.told() for file in files]}
        manifest = File(MANIFEST, pretty(told))
        try:
            self._making.mkdir(mode=0o700, parents=True)
            for file in (*files, manifest, File(SUMS, sums([*files, manifest]))):
                path = self._making.joinpath(file.path)
                path.parent.mkdir(mode=0o700, exist_ok=True)
                path.touch(mode=0o600)
                path.write_bytes(file.body)
        except OSError as trouble:
            raise ReportFolderRefused(f"{self.out} cannot be written ({trouble.strerror})") from trouble
        return manifest

    def keep(self) -> None:
        """The folder is at its place, whole. Raises ReportFolderRefused."""
        try:
            with suppress(FileNotFoundError):
                self.out.rmdir()
            self._making.rename(self.out)
        except OSError as trouble:
            raise ReportFolderRefused(f"{self.out} cannot be written ({trouble.strerror})") from trouble

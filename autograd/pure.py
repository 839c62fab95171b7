"""Import the readable Python of the modules that are compiled."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path

__all__ = ["import_from_source"]


def import_from_source(folders: Iterable[str]) -> None:
    """Import the modules below these folders from their `.py` files, whether or not compiled forms stand beside them.

    An import would take the compiled form; this is what `GLASSGRAD_PURE=1` does before anything else is imported.

    Args:
        folders: the `__path__` of a package.
    """
    roots = [Path(folder).resolve() for folder in folders]
    source_only = FileFinder.path_hook((SourceFileLoader, SOURCE_SUFFIXES))

    def hook(path: str) -> object:
        if not any(Path(path).resolve().is_relative_to(root) for root in roots):
            raise ImportError(path)
        return source_only(path)

    sys.path_hooks.insert(0, hook)  # type: ignore[arg-type]
    for root in roots:
        for path in [path for path in sys.path_importer_cache if Path(path).resolve().is_relative_to(root)]:
            del sys.path_importer_cache[path]

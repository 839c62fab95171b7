"""Builds the compiled core where there is a C compiler; the package works without it.

    GLASSGRAD_DISABLE_COMPILED=1   do not try: a wheel for every machine
    GLASSGRAD_REQUIRE_COMPILED=1   fail where it cannot be built
    GLASSGRAD_CFLAGS="..."         compile with these flags in place of FLAGS
    GLASSGRAD_LDFLAGS="..."        link with these flags

What is compiled is what tools/compiled.py finds; docs/building.md says how. All else is in pyproject.toml.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))
import compiled  # noqa: E402

DISABLED = os.environ.get("GLASSGRAD_DISABLE_COMPILED") == "1"
REQUIRED = os.environ.get("GLASSGRAD_REQUIRE_COMPILED") == "1"

# Bits are part of the promise: no contraction to fused multiply-add, no folding of pow(x, 2.0), never fast-math. Nobody
# reads errno, which would keep the square root from being one instruction.
FLAGS = ["-O3", "-g0", "-ffp-contract=off", "-fno-builtin", "-fno-math-errno"]
if sys.platform == "win32":
    FLAGS = ["/O2", "/fp:strict"]
DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,  # the types are in the .pxd files
    "binding": False,  # methods that check their self, as those of C types do
    "embedsignature": True,
    "embedsignature.format": "clinic",
    "nonecheck": True,  # None is not a Value
    "warn.unreachable": False,  # the Python behind `if cython.compiled: return ...`
}
CYTHON_DIR = "build/cython"


class OptionalBuild(build_ext):
    """A build_ext that compiles only what has changed; where it fails, the package is pure Python, and it says so."""

    def finalize_options(self) -> None:
        """Compile as many modules at a time as there are processors."""
        super().finalize_options()
        self.parallel = self.parallel or True

    def run(self) -> None:
        """Build all extension modules or none."""
        in_tree = self.inplace or self.editable_mode
        # Not among what may fail: a row of the table that has no C is a mistake, and no lack of the machine.
        subprocess.run([sys.executable, compiled.GENERATOR, compiled.GENERATED], check=True)
        try:
            super().run()
        except Exception as error:  # no Cython, no compiler, or one that fails
            if REQUIRED:
                raise
            for name in compiled.extensions():  # the modules know each other's structs: all are compiled, or none is
                for built in (self.get_ext_fullpath(name), self.get_ext_filename(name)):
                    Path(built).unlink(missing_ok=True)
            self.extensions = []
            print(
                f"\nglassgrad: the compiled core was not built ({type(error).__name__}: {error}).\n"
                "glassgrad: the pure Python engine is installed instead: the same numbers, slower. To have the core,\n"
                "glassgrad: install a C compiler (Debian, Ubuntu: apt install gcc python3-dev) and install again.\n",
                file=sys.stderr,
            )
        else:
            if in_tree and self.extensions:
                compiled.STAMP.touch()

    def build_extensions(self) -> None:
        """Write the C of the modules, then compile what is newer than its module."""
        self.try_compiler()
        from Cython import __version__ as cython_version
        from Cython.Build import cythonize

        # What no source tells: where these differ from the last build's, everything is built again.
        known = Path(CYTHON_DIR, "settings.txt")
        settings = repr((cython_version, DIRECTIVES, compile_flags(), link_flags()))
        self.force = self.force or not known.is_file() or known.read_text(encoding="utf-8") != settings
        if self.force:
            print(f"compiling the core, {len(self.extensions)} modules: about a minute of processor time", flush=True)
        made = cythonize(
            self.extensions,
            compiler_directives=DIRECTIVES,
            build_dir=CYTHON_DIR,
            shared_utility_qualified_name=compiled.SHARED,
            force=self.force,
            quiet=True,
        )
        for extension, as_c in zip(self.extensions, made, strict=True):
            extension.sources, extension.extra_compile_args = as_c.sources, as_c.extra_compile_args
            extension.depends = sorted(set().union(*(included(Path(source)) for source in as_c.sources)))
        super().build_extensions()
        known.write_text(settings, encoding="utf-8")

    def try_compiler(self) -> None:
        """Fail at once where there is no C compiler, or Python's headers are missing."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text("#include <Python.h>\n")
            self.compiler.compile([str(source)], output_dir=folder)


def included(source: Path) -> set[str]:
    """The project's headers that a C file includes, and what these include."""
    found: set[str] = set()
    for name in re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', source.read_text(encoding="utf-8"), re.MULTILINE):
        for folder in (source.parent, ROOT, compiled.GENERATED):
            header = folder / name
            if header.is_file() and str(header) not in found:
                found |= {str(header), *included(header)}
    return found


def compile_flags() -> list[str]:
    """The flags of every module; a source adds its own in its first lines, `# distutils: extra_compile_args`."""
    return os.environ.get("GLASSGRAD_CFLAGS", "").split() or FLAGS


def link_flags() -> list[str]:
    """The flags of the linker."""
    return os.environ.get("GLASSGRAD_LDFLAGS", "").split()


def extension(name: str, sources: list[str]) -> Extension:
    """One extension module."""
    return Extension(
        name,
        sources,
        include_dirs=[".", os.path.relpath(compiled.GENERATED, ROOT)],
        extra_compile_args=compile_flags(),
        extra_link_args=link_flags(),
    )


def extensions() -> list[Extension]:
    """The extension modules; Cython runs when they are built: where it fails, so may the build."""
    found = [extension(name, [str(path.relative_to(ROOT))]) for name, path in compiled.modules().items()]
    return [*found, extension(compiled.SHARED, [])]


if __name__ == "__main__":
    setup(ext_modules=[] if DISABLED else extensions(), cmdclass={"build_ext": OptionalBuild})

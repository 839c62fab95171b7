"""Faults in the Python that no test can see, and why: what `tools/mutate_python.py` does not count as surviving."""

EQUIVALENT_BY_REASON: dict[str, tuple[str, ...]] = {
    "a rough bound: any number near it will do": (
        "autograd/gradcheck.py: _relative: gap <= noise -> gap < noise",
        "autograd/gradcheck.py: _Line.sides: 10 -> 11",
    ),
    "more is kept than will be told": (
        "autograd/account/paths.py: GradientPaths._largest_first: self._top - told -> (self._top) + (told)",
    ),
    "a gradient that no pass has reached is not shown": ("autograd/account/prompt.py: _Session.snapshot: 0.0 -> 1",),
    "only where the machine stops between two writes": ("nn/serialization.py: _write: without `file.flush()`",),
    "it is the default": (
        "viz/escaping.py: markup: html.escape(text, quote=True) -> html.escape(text)",
        "viz/escaping.py: dot_html: html.escape(text, quote=True) -> html.escape(text)",
    ),
    "in the content of an element a quote may stand as it is": ("viz/escaping.py: dot_html: True -> False",),
}
EQUIVALENT = {name: reason for reason, names in EQUIVALENT_BY_REASON.items() for name in names}

"""Faults in the Python that no test can see, and why: what `tools/mutate_python.py` does not count as surviving."""

EQUIVALENT_BY_REASON: dict[str, tuple[str, ...]] = {
    "more turns are worked out than were asked for": (
        "autograd/backward_pass.py: BackwardPass.advance: turns <= done -> turns < done",
    ),
    "the first edge of a node sets its size": (
        "autograd/account/paths.py: GradientPaths._best: -math.inf -> (math.inf)",
    ),
    "which gradients are needed is read by the compiled replay alone": (
        "autograd/tape/graph.py: _mark_from_leaves: ...operands[j] >= 0 and not... -> ...((operands[j] >= 0) or (...",
        "autograd/tape/replay.py: Replayer.select: False -> True",
    ),
    "a tape that was recorded of a row takes that row": (
        "autograd/tape/taped.py: _Branches.forward: without `raise tape.error_of(failure)` (no. 2)",
    ),
    "a number is not larger than itself": ("nn/inner_loops.py: count_argmax: 1 -> 0 (no. 3)",),
    "a rough bound: any number near it will do": (
        "autograd/gradcheck.py: _relative: gap <= noise -> gap < noise",
        "autograd/gradcheck.py: _Line.sides: 10 -> 11",
        "autograd/files.py: _remove_old_temporaries: time.time() - entry.stat().st_mtime > _DAY -> "
        "time.time() - entry.stat().st_mtime >= _DAY",
    ),
    "the first node sets the bounds": ("autograd/places.py: Index._fill: 0 -> 1",),
    "more is kept than will be told": (
        "autograd/account/paths.py: GradientPaths._largest_first: self._top - told -> (self._top) + (told)",
    ),
    "a gradient that no pass has reached is not shown": ("autograd/account/prompt.py: _Session.snapshot: 0.0 -> 1",),
    "behind the last instruction stand zeros, and no addition": (
        "autograd/tape/compiled/layers.py: Slots.bias_behind: 1 -> 0",
    ),
    "OP is 0": ("autograd/tape/compiled/layers.py: Slots.rewrite: to + OP -> (to) - (OP)",),
    "what nothing uses is not lowered": ("autograd/tape/compiled/reuse.py: Reuse.__init__: -1 -> (1) (no. 2)",),
    "both are set where the draft is complete": (
        "autograd/tape/compiled/program.py: Draft.__init__: without `self.instructions = self.temporaries = 0`",
    ),
    "only where the machine stops between two writes": ("autograd/files.py: write_whole: without `file.flush()`",),
    "it is the default": (
        "viz/escaping.py: markup: html.escape(text, quote=True) -> html.escape(text)",
        "viz/escaping.py: dot_html: html.escape(text, quote=True) -> html.escape(text)",
    ),
    "in the content of an element a quote may stand as it is": ("viz/escaping.py: dot_html: True -> False",),
}
EQUIVALENT = {name: reason for reason, names in EQUIVALENT_BY_REASON.items() for name in names}

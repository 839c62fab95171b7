"""Tapes: what a recording means, and in `compiled` what makes its replay fast."""

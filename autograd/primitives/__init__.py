"""The primitives: what one is, the table that declares each once, and the arithmetic they are evaluated in."""

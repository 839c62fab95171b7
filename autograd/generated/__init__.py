"""Text that `make generate` writes from the table of primitives."""

"""The lowered program of a tape: fewer, larger instructions that give the same bits."""

"""The account of a pass beyond its steps: paths, causes, differences between two runs, and the prompt."""

"""Functions of Values and numbers, under the names of Python's `math` where it has them.

Operands are Values, numbers, or a mix. Where one is a Value the result is a Value that records it; a function of
numbers alone gives a float. Anything else is a `TypeError` that names the function.

    >>> import autograd as ag
    >>> ag.exp(0.0), ag.exp(ag.Value(0.0))
    (1.0, Value(1.0, grad=0.0, op='exp'))

Outside its domain a function gives nan, at a pole or past the largest float inf, as C does and `math` does not.
"""

from autograd.generated.functions import *  # noqa: F403 - its __all__ is the list of functions
from autograd.generated.functions import __all__ as __all__

"""glassgrad's engine: scalar reverse-mode automatic differentiation that can be watched.

>>> from autograd import Value
>>> x, y = Value(2.0, "x"), Value(3.0, "y")
>>> f = x * y + x**2
>>> f.backward()
>>> f.data, x.grad, y.grad
(10.0, 7.0, 2.0)
"""

import os as _os

if _os.environ.get("GLASSGRAD_PURE") == "1":
    from autograd.pure import import_from_source as _import_from_source

    _import_from_source(__path__)

from autograd import pickling as _pickling  # noqa: F401 - registers how Values are pickled
from autograd.account.differences import Change, Differences, compare
from autograd.account.explain import why
from autograd.account.paths import GradientPath, GradientPaths, gradient_paths
from autograd.account.prompt import debug
from autograd.anomaly import AnomalyError, detect_anomaly
from autograd.custom import primitive
from autograd.functions import *  # noqa: F403 - its __all__ is the list of functions
from autograd.functions import __all__ as _functions
from autograd.gradcheck import GradcheckReport, GradientMismatch, gradcheck, numerical_gradient
from autograd.modes import current_scope, named_scope, no_grad
from autograd.steps import ForwardOperand, ForwardStep, OperandStep, Step, Steps, steps
from autograd.tape.record import record
from autograd.tape.recorder import Comparison, FrozenValueWarning
from autograd.tape.tape import BranchChanged, Tape
from autograd.tape.taped import Taped, taped
from autograd.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad
from autograd.value import Value, compiled, topological_order

__version__ = "0.1.0"

# `from autograd import *` must not replace a builtin: these are taken by name, as autograd.sum
_BUILTINS = {"abs", "round", "sum"}
__all__ = [
    "AnomalyError",
    "BranchChanged",
    "Change",
    "Comparison",
    "Differences",
    "ForwardOperand",
    "ForwardStep",
    "FrozenValueWarning",
    "GradientPath",
    "GradientPaths",
    "GradcheckReport",
    "GradientMismatch",
    "OperandStep",
    "Step",
    "Steps",
    "Tape",
    "Taped",
    "Value",
    "compare",
    "compiled",
    "current_scope",
    "debug",
    "detect_anomaly",
    "grad",
    "gradcheck",
    "gradient_paths",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "named_scope",
    "no_grad",
    "numerical_gradient",
    "primitive",
    "record",
    "steps",
    "taped",
    "topological_order",
    "value_and_grad",
    "why",
    *(name for name in _functions if name not in _BUILTINS),
]


def __dir__() -> list[str]:
    return sorted([*__all__, *_BUILTINS, "__version__"])

"""Import the engine before pytest collects its files one by one.

pytest would else execute `autograd/steps.py` a second time and bind the module to the name `autograd.steps`, which is
the function.
"""

import autograd  # noqa: F401

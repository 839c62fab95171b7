"""Import the packages before pytest collects their files one by one.

pytest would else execute `autograd/steps.py` a second time and bind the module to the name `autograd.steps`, which is
the function; so too `nn/health.py` and `viz/film.py`.
"""

import autograd  # noqa: F401
import nn  # noqa: F401
import viz  # noqa: F401

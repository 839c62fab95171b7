# The C types of autograd/modes.py.
cimport cython
from autograd.value cimport Mode, close_layer, current_mode, open_layer, restore_mode, set_briefly


@cython.locals(mode=Mode, inner=Mode)
cpdef object call_in_scope(object scope, object function, tuple args, dict kwargs)

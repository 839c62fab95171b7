/* The mode of a thread. */
#include "core.h"

_Thread_local PyObject *core_thread_mode;

void core_set_mode(PyObject *mode) {
    PyObject *before = core_thread_mode;
    core_thread_mode = mode == Py_None ? NULL : Py_NewRef(mode);
    Py_XDECREF(before);
}

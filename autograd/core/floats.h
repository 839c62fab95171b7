/* The numbers of a list of floats. */
#ifndef GLASSGRAD_FLOATS_H
#define GLASSGRAD_FLOATS_H

#include <Python.h>

/* Copy them; 0 where an item is not exactly a float, or not finite. */
static inline int core_floats(PyObject *list, double *to) {
    const Py_ssize_t count = PyList_GET_SIZE(list);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        if (!PyFloat_CheckExact(item)) return 0;
        to[i] = PyFloat_AS_DOUBLE(item);
        if (!(to[i] - to[i] == 0.0)) return 0; /* inf - inf is nan */
    }
    return 1;
}

#endif

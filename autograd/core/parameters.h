/* The parameters of a tape: their data to its scalars, and what comes back to their gradients. One look at each node, and
 * none at its count of references: for a tape of some thousand parameters that is as much as a replay.
 */
#ifndef GLASSGRAD_PARAMETERS_H
#define GLASSGRAD_PARAMETERS_H

#include "node.h"

/* The items of `params`, a tape's tuple of Values, are not checked again. */
static inline void core_load(double *numbers, const int *slots, PyObject *params) {
    const Py_ssize_t count = PyTuple_GET_SIZE(params);
    for (Py_ssize_t i = 0; i < count; i++) numbers[slots[i]] = ((const node *)PyTuple_GET_ITEM(params, i))->data;
}

/* Add gradients to those of the parameters that are needed. */
static inline void core_store(PyObject *params, const int *needed, const double *gradients) {
    const Py_ssize_t count = PyTuple_GET_SIZE(params);
    for (Py_ssize_t i = 0; i < count; i++) {
        node *parameter = (node *)PyTuple_GET_ITEM(params, i);
        if (!needed[i]) continue;
        parameter->grad += gradients[i];
        parameter->reached = 1;
    }
}

#endif

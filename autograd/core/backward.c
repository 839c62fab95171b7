/* The backward pass, over the nodes that the walk finds (walk.h). What the readable Python of autograd/value.py does, held
 * to it by tests, bit for bit.
 */
#include "core.h"
#include "walk.h"

int core_backward(PyObject *self, double gradient) {
    reached found;
    nodes *list = &found.computed, *leaves = &found.leaves;
    node *root = (node *)self;
    double *before;
    if (reach(&root, 1, 0, &found) < 0) return -1;
    before = PyMem_Malloc((size_t)(leaves->count + 1) * sizeof(double));
    if (before == NULL) {
        free_reached(&found);
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < leaves->count; i++) {
        before[i] = leaves->at[i]->grad;
        leaves->at[i]->grad = 0.0;
        leaves->at[i]->reached = 1;
    }
    for (Py_ssize_t i = 0; i < list->count; i++) {
        list->at[i]->grad = 0.0;
        list->at[i]->reached = 1;
    }
    root->grad = gradient;
    pass_back(list, 0);
    for (Py_ssize_t i = 0; i < leaves->count; i++) leaves->at[i]->grad += before[i];
    PyMem_Free(before);
    free_reached(&found);
    return 0;
}

PyObject *core_reached(PyObject *self) { /* a pair of lists: the computed nodes, newest first, and the leaves */
    reached found;
    node *root = (node *)self;
    PyObject *computed, *leaves, *pair = NULL;
    if (reach(&root, 1, 0, &found) < 0) return NULL;
    computed = as_list(&found.computed);
    leaves = as_list(&found.leaves);
    if (computed != NULL && leaves != NULL) pair = PyTuple_Pack(2, computed, leaves);
    Py_XDECREF(computed);
    Py_XDECREF(leaves);
    free_reached(&found);
    return pair;
}

/* The C side of autograd/value.py: the operands of a node, the walk, the sort and the loop of a backward pass, and the
 * mode of a thread. What the readable Python beside it does, held to it by tests, bit for bit.
 */
#ifndef GLASSGRAD_CORE_H
#define GLASSGRAD_CORE_H

#include "arithmetic.h"
#include "node.h"
#include "walk.h"

/* -- operands -------------------------------------------------------------------------------------------------------- */

/* Where the operands go: one or two into the node, more into a block; `local` holds numbers for the operands that are
 * numbers. Primitives of any number of operands always have a block. */
static int set_operands(node *v, Py_ssize_t n, PyObject *const *operands, const double *local, int in_block) {
    if (n <= 2 && !in_block) {
        v->count = (short)n;
        for (Py_ssize_t i = 0; i < n; i++) {
            node **field = i == 0 ? &v->x : &v->y;
            if (Py_TYPE(operands[i]) == Py_TYPE(v)) Py_SETREF(*field, (node *)Py_NewRef(operands[i]));
            *(i == 0 ? &v->dx : &v->dy) = local[i];
        }
        return 0;
    }
    block *many = PyMem_Malloc(sizeof(block) + (size_t)n * sizeof(operand));
    if (many == NULL) {
        v->code = 0; /* a leaf: there is nothing to free */
        PyErr_NoMemory();
        return -1;
    }
    many->count = n;
    for (Py_ssize_t i = 0; i < n; i++) {
        many->at[i].value = Py_TYPE(operands[i]) == Py_TYPE(v) ? (node *)Py_NewRef(operands[i]) : NULL;
        many->at[i].local = local[i];
    }
    v->many = many;
    return 0;
}

/* Fill a new node of a primitive of the table; `operands` is a list of Values and floats. */
static int core_evaluate(PyObject *self, PyObject *operands, int in_block) {
    node *v = (node *)self;
    Py_ssize_t n = PyList_GET_SIZE(operands);
    PyObject **at = ((PyListObject *)operands)->ob_item;
    double small[32 * ROOM], *xs = n <= 32 ? small : PyMem_Malloc((size_t)n * ROOM * sizeof(double)), *local = xs + n;
    int failed;
    if (xs == NULL) {
        v->code = 0;
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        int is_value = Py_TYPE(at[i]) == Py_TYPE(self);
        if (!is_value && !PyFloat_Check(at[i])) goto refused;
        xs[i] = is_value ? ((node *)at[i])->data : PyFloat_AS_DOUBLE(at[i]);
    }
    if (!takes(v->code, n, xs)) goto refused;
    v->data = evaluate_many(v->code, n, xs, local, local + n);
    for (Py_ssize_t i = 0; i < n; i++)
        if (Py_TYPE(at[i]) != Py_TYPE(self)) local[i] = xs[i];
    failed = set_operands(v, n, at, local, in_block);
    if (xs != small) PyMem_Free(xs);
    return failed;
refused: /* the functions of autograd/functions.py have checked this; a caller from below has not */
    v->code = 0;
    if (xs != small) PyMem_Free(xs);
    PyErr_SetString(PyExc_ValueError, "operands that this primitive does not take");
    return -1;
}

/* Fill a new node with given operands, a tuple, and local derivatives, a tuple of one for each Value among them. */
static int core_restore(PyObject *self, PyObject *operands, PyObject *local_grads, int in_block) {
    node *v = (node *)self;
    Py_ssize_t n = PyTuple_GET_SIZE(operands), given = 0;
    double *local = PyMem_Malloc((size_t)(n + 1) * sizeof(double));
    int failed = -1;
    if (local == NULL) {
        v->code = 0;
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *number = PyTuple_GET_ITEM(operands, i);
        if (Py_TYPE(number) == Py_TYPE(self)) {
            number = given < PyTuple_GET_SIZE(local_grads) ? PyTuple_GET_ITEM(local_grads, given) : NULL;
            given++;
        }
        if (number == NULL || !PyFloat_Check(number)) goto mismatch;
        local[i] = PyFloat_AS_DOUBLE(number);
    }
    if (given == PyTuple_GET_SIZE(local_grads)) {
        failed = set_operands(v, n, ((PyTupleObject *)operands)->ob_item, local, in_block);
        PyMem_Free(local);
        return failed;
    }
mismatch:
    v->code = 0;
    PyMem_Free(local);
    PyErr_SetString(PyExc_ValueError, "operands and local derivatives of a node do not fit each other");
    return -1;
}

enum { ALL_OPERANDS, PARENTS, LOCAL_GRADS };

/* A tuple of the operands as written, of those that are Values, or of the local derivatives by these. */
static PyObject *core_operands(PyObject *self, int what) {
    node *v = (node *)self;
    int many = IS_MANY(v);
    Py_ssize_t n = many ? v->many->count : v->count, to = 0;
    PyObject *found = PyTuple_New(n);
    if (found == NULL) return NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        node *field = i == 0 ? v->x : v->y;
        node *value = many ? v->many->at[i].value : IS_VALUE(field) ? field : NULL;
        double local = many ? v->many->at[i].local : i == 0 ? v->dx : v->dy;
        PyObject *item;
        if (value == NULL && what != ALL_OPERANDS) continue;
        item = value == NULL || what == LOCAL_GRADS ? PyFloat_FromDouble(local) : Py_NewRef((PyObject *)value);
        if (item == NULL) {
            Py_DECREF(found);
            return NULL;
        }
        PyTuple_SET_ITEM(found, to++, item);
    }
    if (to < n && _PyTuple_Resize(&found, to) < 0) return NULL;
    return found;
}

static Py_ssize_t core_count(PyObject *self) {
    node *v = (node *)self;
    return IS_MANY(v) ? v->many->count : v->count;
}

static PyObject *core_operand_node(PyObject *self, Py_ssize_t i) { /* None where the operand is a number */
    node *v = (node *)self;
    node *value = IS_MANY(v) ? v->many->at[i].value : i == 0 ? v->x : v->y;
    return Py_NewRef(value == NULL ? Py_None : (PyObject *)value);
}

static double core_operand_number(PyObject *self, Py_ssize_t i) {
    node *v = (node *)self;
    return IS_MANY(v) ? v->many->at[i].local : i == 0 ? v->dx : v->dy;
}

/* -- the backward pass -------------------------------------------------------------------------------------------- */

static int core_backward(PyObject *self, double gradient) {
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

static PyObject *core_reached(PyObject *self) { /* a pair of lists: the computed nodes, newest first, and the leaves */
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

/* -- the mode of a thread ----------------------------------------------------------------------------------------- */

static _Thread_local PyObject *thread_mode; /* counted; NULL stands for None */

static inline PyObject *core_mode(void) { return thread_mode; } /* borrowed */

static void core_set_mode(PyObject *mode) {
    PyObject *before = thread_mode;
    thread_mode = mode == Py_None ? NULL : Py_NewRef(mode);
    Py_XDECREF(before);
}

#endif

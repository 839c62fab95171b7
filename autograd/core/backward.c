/* The walk from a root, the order of the nodes, and the backward pass over them. What the readable Python of
 * autograd/value.py does, held to it by tests, bit for bit.
 */
#include "arithmetic.h"
#include "core.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    node **at;
    Py_ssize_t count, room;
} nodes;

typedef struct {
    nodes computed, leaves;
} reached;

static int append(nodes *list, node *v) {
    if (list->count == list->room) {
        Py_ssize_t room = list->room ? 2 * list->room : 256;
        node **at = PyMem_Realloc(list->at, (size_t)room * sizeof(node *));
        if (at == NULL) return -1;
        list->at = at;
        list->room = room;
    }
    list->at[list->count++] = v;
    return 0;
}

static inline int visit(reached *found, node *v) {
    if (!IS_VALUE(v) || v->marked) return 0;
    if (append(IS_COMPUTED(v) ? &found->computed : &found->leaves, v) < 0) return -1;
    v->marked = 1;
    return 0;
}

static int by_number_descending(const void *a, const void *b) {
    long long x = (*(node *const *)a)->number, y = (*(node *const *)b)->number;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Newest first. Numbers of one graph are dense, so each node mostly has a place of its own in a table of their range. */
static int sort_newest_first(nodes *list) {
    long long low, high;
    int sorted = 1;
    if (list->count < 2) return 0;
    low = high = list->at[0]->number;
    for (Py_ssize_t i = 1; i < list->count; i++) {
        long long number = list->at[i]->number;
        sorted &= number < list->at[i - 1]->number;
        if (number < low) low = number;
        if (number > high) high = number;
    }
    if (sorted) return 0;
    if (high - low < 8 * (long long)list->count) {
        node **table = PyMem_Calloc((size_t)(high - low + 1), sizeof(node *));
        Py_ssize_t to = 0;
        if (table == NULL) return -1;
        for (Py_ssize_t i = 0; i < list->count; i++) table[high - list->at[i]->number] = list->at[i];
        for (long long i = 0; i <= high - low; i++)
            if (table[i] != NULL) list->at[to++] = table[i];
        PyMem_Free(table);
    } else {
        qsort(list->at, (size_t)list->count, sizeof(node *), by_number_descending);
    }
    return 0;
}

static void unmark(nodes *list) {
    for (Py_ssize_t i = 0; i < list->count; i++) list->at[i]->marked = 0;
}

static void free_reached(reached *found) {
    PyMem_Free(found->computed.at);
    PyMem_Free(found->leaves.at);
}

#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
#endif

/* The nodes that root reaches: the computed ones newest first, and the leaves. No mark is left. */
static int reach(node *root, reached *found) {
    nodes *list = &found->computed;
    int failed;
    memset(found, 0, sizeof(*found));
    failed = visit(found, root) < 0;
    for (Py_ssize_t i = 0; i < list->count && !failed; i++) {
        node *v = list->at[i];
        if (i + 4 < list->count) {
            PREFETCH(&list->at[i + 4]->x->code);
            PREFETCH(&list->at[i + 4]->y->code);
        }
        if (IS_MANY(v)) {
            for (Py_ssize_t j = 0; j < v->many->count && !failed; j++)
                if (v->many->at[j].value != NULL) failed = visit(found, v->many->at[j].value) < 0;
        } else {
            failed = visit(found, v->x) < 0 || visit(found, v->y) < 0;
        }
    }
    unmark(&found->computed);
    unmark(&found->leaves);
    if (failed || sort_newest_first(list) < 0) {
        free_reached(found);
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static inline void contribute(node *parent, double local, double upstream) {
    parent->grad += f_multiply_no_nan(local, upstream);
}

int core_backward(PyObject *self, double gradient) {
    reached found;
    nodes *list = &found.computed, *leaves = &found.leaves;
    double *before;
    if (reach((node *)self, &found) < 0) return -1;
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
    ((node *)self)->grad = gradient;
    for (Py_ssize_t i = 0; i < list->count; i++) {
        node *v = list->at[i];
        double upstream = v->grad;
        if (upstream == 0.0) continue;
        if (IS_MANY(v)) {
            for (Py_ssize_t j = 0; j < v->many->count; j++)
                if (v->many->at[j].value != NULL) contribute(v->many->at[j].value, v->many->at[j].local, upstream);
        } else {
            if (IS_VALUE(v->x)) contribute(v->x, v->dx, upstream);
            if (IS_VALUE(v->y)) contribute(v->y, v->dy, upstream);
        }
    }
    for (Py_ssize_t i = 0; i < leaves->count; i++) leaves->at[i]->grad += before[i];
    PyMem_Free(before);
    free_reached(&found);
    return 0;
}

static PyObject *as_list(const nodes *list) {
    PyObject *result = PyList_New(list->count);
    if (result != NULL)
        for (Py_ssize_t i = 0; i < list->count; i++) PyList_SET_ITEM(result, i, Py_NewRef((PyObject *)list->at[i]));
    return result;
}

PyObject *core_reached(PyObject *self) { /* a pair of lists: the computed nodes, newest first, and the leaves */
    reached found;
    PyObject *computed, *leaves, *pair = NULL;
    if (reach((node *)self, &found) < 0) return NULL;
    computed = as_list(&found.computed);
    leaves = as_list(&found.leaves);
    if (computed != NULL && leaves != NULL) pair = PyTuple_Pack(2, computed, leaves);
    Py_XDECREF(computed);
    Py_XDECREF(leaves);
    free_reached(&found);
    return pair;
}

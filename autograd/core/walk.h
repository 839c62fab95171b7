/* The walk over a graph, which every pass begins with, and the loop of a backward pass. No state.
 */
#ifndef GLASSGRAD_WALK_H
#define GLASSGRAD_WALK_H

#include "arithmetic.h"
#include "node.h"

#include <stdlib.h>
#include <string.h>

/* The functions that take `after` are inlined, so that a pass over the whole graph, which has none, does not test it. */
#if defined(__GNUC__) || defined(__clang__)
#define INLINED static inline __attribute__((always_inline))
#else
#define INLINED static inline
#endif

typedef struct {
    node **at;
    Py_ssize_t count, room;
} nodes;

typedef struct {
    nodes computed, leaves;
    int older; /* whether the walk met a node that it was to stop at */
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

INLINED int visit(reached *found, node *v, long long after) {
    if (!IS_VALUE(v) || v->marked) return 0;
    if (after && v->number <= after) {
        found->older = 1;
        return 0;
    }
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

/* The nodes that the roots reach: the computed ones newest first, and the leaves. No mark is left. Nodes up to the
 * creation number `after` are left out, and with them what they reach, which is older still. */
INLINED int reach(node *const *roots, Py_ssize_t count, long long after, reached *found) {
    nodes *list = &found->computed;
    int failed = 0;
    memset(found, 0, sizeof(*found));
    for (Py_ssize_t i = 0; i < count && !failed; i++) failed = visit(found, roots[i], after) < 0;
    for (Py_ssize_t i = 0; i < list->count && !failed; i++) {
        node *v = list->at[i];
        if (i + 4 < list->count) {
            PREFETCH(&list->at[i + 4]->x->code);
            PREFETCH(&list->at[i + 4]->y->code);
        }
        if (IS_MANY(v)) {
            for (Py_ssize_t j = 0; j < v->many->count && !failed; j++)
                if (v->many->at[j].value != NULL) failed = visit(found, v->many->at[j].value, after) < 0;
        } else {
            failed = visit(found, v->x, after) < 0 || visit(found, v->y, after) < 0;
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

static inline PyObject *as_list(const nodes *list) {
    PyObject *result = PyList_New(list->count);
    if (result != NULL)
        for (Py_ssize_t i = 0; i < list->count; i++) PyList_SET_ITEM(result, i, Py_NewRef((PyObject *)list->at[i]));
    return result;
}

INLINED void contribute(node *parent, double local, double upstream, long long after) {
    if (after && parent->number <= after) return;
    parent->grad += f_multiply_no_nan(local, upstream);
}

/* Each node, newest first, passes its gradient on to its parents; to none up to the creation number `after`. */
INLINED void pass_back(const nodes *list, long long after) {
    for (Py_ssize_t i = 0; i < list->count; i++) {
        node *v = list->at[i];
        double upstream = v->grad;
        if (upstream == 0.0) continue;
        if (IS_MANY(v)) {
            for (Py_ssize_t j = 0; j < v->many->count; j++)
                if (v->many->at[j].value != NULL)
                    contribute(v->many->at[j].value, v->many->at[j].local, upstream, after);
        } else {
            if (IS_VALUE(v->x)) contribute(v->x, v->dx, upstream, after);
            if (IS_VALUE(v->y)) contribute(v->y, v->dy, upstream, after);
        }
    }
}

#endif

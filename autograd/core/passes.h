/* The passes of autograd/passes.py, over the nodes that were made after the creation number `after`.
 *
 * Each works on the nodes' own `grad` as on a scratch field and puts it back. In between no Python code runs, so under
 * the interpreter lock nobody sees it, and nothing can fail: memory is taken before.
 */
#ifndef GLASSGRAD_PASSES_H
#define GLASSGRAD_PASSES_H

#include "walk.h"

typedef struct {
    reached found;
    node *const *sources;
    Py_ssize_t count;
    double *kept; /* the gradients of the computed nodes, of the leaves, and of the sources */
} scratch;

static node *const *nodes_in(PyObject *list) { return (node *const *)((PyListObject *)list)->ob_item; }

/* Walk from the roots, and set the gradients of all that is reached, and of the sources, to zero. */
static int open_scratch(scratch *s, PyObject *roots, PyObject *sources, long long after) {
    double *to;
    s->sources = nodes_in(sources);
    s->count = PyList_GET_SIZE(sources);
    if (reach(nodes_in(roots), PyList_GET_SIZE(roots), after, &s->found) < 0) return -1;
    to = s->kept = PyMem_Malloc((size_t)(s->found.computed.count + s->found.leaves.count + s->count + 1) * sizeof(double));
    if (to == NULL) {
        free_reached(&s->found);
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < s->found.computed.count; i++) *to++ = s->found.computed.at[i]->grad;
    for (Py_ssize_t i = 0; i < s->found.leaves.count; i++) *to++ = s->found.leaves.at[i]->grad;
    for (Py_ssize_t i = 0; i < s->count; i++) *to++ = s->sources[i]->grad;
    for (Py_ssize_t i = 0; i < s->found.computed.count; i++) s->found.computed.at[i]->grad = 0.0;
    for (Py_ssize_t i = 0; i < s->found.leaves.count; i++) s->found.leaves.at[i]->grad = 0.0;
    for (Py_ssize_t i = 0; i < s->count; i++) s->sources[i]->grad = 0.0;
    return 0;
}

/* Put every gradient back, and leave those that the sources had in the pass in `kept`. */
static void close_scratch(scratch *s) {
    double *from = s->kept;
    double *own = from + s->found.computed.count + s->found.leaves.count;
    for (Py_ssize_t i = 0; i < s->count; i++) { /* exchanged, for a source may be among the nodes reached */
        double gradient = s->sources[i]->grad;
        s->sources[i]->grad = own[i];
        own[i] = gradient;
    }
    for (Py_ssize_t i = 0; i < s->found.computed.count; i++) s->found.computed.at[i]->grad = *from++;
    for (Py_ssize_t i = 0; i < s->found.leaves.count; i++) s->found.leaves.at[i]->grad = *from++;
    s->kept = own;
}

static void free_scratch(scratch *s, double *allocated) {
    PyMem_Free(allocated);
    free_reached(&s->found);
}

static PyObject *floats(const double *numbers, Py_ssize_t count) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; i < count && list != NULL; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (number == NULL) Py_CLEAR(list);
        else PyList_SET_ITEM(list, i, number);
    }
    return list;
}

static int core_reaches_older(PyObject *roots, long long after) {
    reached found;
    if (reach(nodes_in(roots), PyList_GET_SIZE(roots), after, &found) < 0) return -1;
    free_reached(&found);
    return found.older;
}

/* The derivatives of a root by the sources, a list of floats; None where `alone` and it reaches older nodes. */
static PyObject *core_gradients(PyObject *roots, PyObject *sources, long long after, int alone) {
    scratch s;
    PyObject *result;
    double *allocated;
    if (open_scratch(&s, roots, sources, after) < 0) return NULL;
    allocated = s.kept;
    if (!(alone && s.found.older) && nodes_in(roots)[0]->number > after) {
        nodes_in(roots)[0]->grad = 1.0;
        pass_back(&s.found.computed, after);
    }
    close_scratch(&s);
    result = alone && s.found.older ? Py_NewRef(Py_None) : floats(s.kept, s.count);
    free_scratch(&s, allocated);
    return result;
}

static inline double tangent_through(const node *parent, double local, long long after) {
    return parent->number <= after ? 0.0 : f_multiply_no_nan(parent->grad, local);
}

/* The derivatives of the roots along the directions, numbers for each of the sources; a list of floats. */
static PyObject *core_tangents(PyObject *roots, PyObject *sources, PyObject *directions, long long after) {
    scratch s;
    PyObject *result;
    Py_ssize_t count = PyList_GET_SIZE(roots);
    double *allocated, *along;
    int fits = PyList_GET_SIZE(directions) == PyList_GET_SIZE(sources);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(directions); i++)
        fits &= PyFloat_Check(PyList_GET_ITEM(directions, i));
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "a forward pass takes one float for each of its sources");
        return NULL;
    }
    along = PyMem_Malloc((size_t)(count + 1) * sizeof(double));
    if (along == NULL) return PyErr_NoMemory();
    if (open_scratch(&s, roots, sources, after) < 0) {
        PyMem_Free(along);
        return NULL;
    }
    allocated = s.kept;
    for (Py_ssize_t i = 0; i < s.count; i++) {
        s.sources[i]->grad = PyFloat_AS_DOUBLE(PyList_GET_ITEM(directions, i));
        s.sources[i]->marked = 1; /* it stands for itself, whatever it was made of */
    }
    for (Py_ssize_t i = s.found.computed.count - 1; i >= 0; i--) {
        node *v = s.found.computed.at[i];
        double total = 0.0;
        if (v->marked) continue;
        if (IS_MANY(v)) {
            for (Py_ssize_t j = 0; j < v->many->count; j++)
                if (v->many->at[j].value != NULL)
                    total += tangent_through(v->many->at[j].value, v->many->at[j].local, after);
        } else {
            if (IS_VALUE(v->x)) total += tangent_through(v->x, v->dx, after);
            if (IS_VALUE(v->y)) total += tangent_through(v->y, v->dy, after);
        }
        v->grad = total;
    }
    for (Py_ssize_t i = 0; i < s.count; i++) s.sources[i]->marked = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        node *root = nodes_in(roots)[i];
        along[i] = root->number > after ? root->grad : 0.0;
    }
    close_scratch(&s);
    result = floats(along, count);
    free_scratch(&s, allocated);
    PyMem_Free(along);
    return result;
}

static PyObject *ints(const long long *numbers, Py_ssize_t count) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; i < count && list != NULL; i++) {
        PyObject *number = PyLong_FromLongLong(numbers[i]);
        if (number == NULL) Py_CLEAR(list);
        else PyList_SET_ITEM(list, i, number);
    }
    return list;
}

static inline Py_ssize_t operand_count_of(const node *v) { return IS_MANY(v) ? v->many->count : v->count; }

static inline node *parent_at(const node *v, Py_ssize_t i) { /* NULL where the operand is a number */
    node *value = IS_MANY(v) ? v->many->at[i].value : i == 0 ? v->x : v->y;
    return value != NULL && IS_VALUE(value) ? value : NULL;
}

/* During the pass, `grad` holds one more than the id of what depends on the sources, else 0. */
static inline long long id_of(const node *v, long long after) { return v->number > after ? (long long)v->grad - 1 : -1; }

/* The computed nodes between the sources and the roots, oldest first; for each of their parents its id, or -1 where it
 * does not depend on a source; and the ids of the roots. The sources have the ids from 0, the nodes those behind. */
static PyObject *core_dependents(PyObject *roots, PyObject *sources, long long after) {
    scratch s;
    nodes between = {NULL, 0, 0};
    Py_ssize_t count = PyList_GET_SIZE(roots), parents = 0;
    double *allocated;
    long long *ids, *root_ids;
    PyObject *lists[3] = {NULL, NULL, NULL}, *result = NULL;
    if (open_scratch(&s, roots, sources, after) < 0) return NULL;
    allocated = s.kept;
    for (Py_ssize_t i = 0; i < s.found.computed.count; i++) parents += operand_count_of(s.found.computed.at[i]);
    between.at = PyMem_Malloc((size_t)(s.found.computed.count + 1) * sizeof(node *));
    ids = PyMem_Malloc((size_t)(parents + count + 1) * sizeof(long long));
    root_ids = ids + parents;
    parents = 0;
    if (between.at != NULL && ids != NULL) {
        for (Py_ssize_t i = 0; i < s.count; i++) s.sources[i]->grad = (double)(i + 1);
        for (Py_ssize_t i = s.found.computed.count - 1; i >= 0; i--) {
            node *v = s.found.computed.at[i];
            Py_ssize_t first = parents;
            int depends = 0;
            if (v->grad != 0.0) continue; /* a source, which stands for itself, whatever it was made of */
            for (Py_ssize_t j = 0; j < operand_count_of(v); j++) {
                const node *parent = parent_at(v, j);
                if (parent == NULL) continue;
                ids[parents] = id_of(parent, after);
                depends |= ids[parents++] >= 0;
            }
            if (depends) {
                between.at[between.count++] = v;
                v->grad = (double)(s.count + between.count);
            } else {
                parents = first;
            }
        }
        for (Py_ssize_t i = 0; i < count; i++) root_ids[i] = id_of(nodes_in(roots)[i], after);
    }
    close_scratch(&s);
    free_scratch(&s, allocated);
    if (between.at == NULL || ids == NULL) {
        PyErr_NoMemory();
    } else if ((lists[0] = as_list(&between)) != NULL && (lists[1] = ints(ids, parents)) != NULL &&
               (lists[2] = ints(root_ids, count)) != NULL) {
        result = PyTuple_Pack(3, lists[0], lists[1], lists[2]);
    }
    for (int i = 0; i < 3; i++) Py_XDECREF(lists[i]);
    PyMem_Free(between.at);
    PyMem_Free(ids);
    return result;
}

#endif

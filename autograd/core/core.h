/* The C side of autograd/value.py: what the readable Python does in `backward`, in `_reached_by` and when a graph
 * is freed, and the primitives of any number of operands. Held to the Python by tests, bit for bit.
 *
 * A node is the struct that Cython makes of the class Value; `core_install` checks that this mirror fits it.
 */
#ifndef GLASSGRAD_CORE_H
#define GLASSGRAD_CORE_H

#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline double modulo(double x, double y) { /* as Python's float %: the sign of y */
    double mod;
    if (y == 0.0) return NAN;
    mod = fmod(x, y);
    if (mod != 0.0) {
        if ((y < 0) != (mod < 0)) mod += y;
    } else {
        mod = copysign(0.0, y);
    }
    return mod;
}

static inline double f_exp_difference(double x, double y) { /* autograd.ieee.exp_difference */
    double difference, power, rounded_off;
    if (x == y) return 1.0;
    difference = x - y;
    power = exp(difference);
    if (!(fabs(difference) < 750.0)) return power;
    rounded_off = fabs(x) < fabs(y) ? x - (difference + y) : (x - difference) - y;
    return power + power * rounded_off;
}

#include "kernels.h"

/* -- nodes ------------------------------------------------------------------------------------------------------ */

typedef struct node node;

typedef struct {
    node *value; /* counted; NULL where the operand is a number */
    double local; /* the local derivative, or the number */
} operand;

typedef struct {
    Py_ssize_t count;
    operand at[1];
} block;

struct node {
    PyObject_HEAD
    double data, grad;
    long long number;
    node *x, *y; /* None where there is no such operand, or where it is a number */
    union {
        double dx; /* the local derivative by x, or the number that stands for x */
        block *many; /* the operands of a node of more than two */
    };
    double dy;
    PyObject *label, *module;
    int code;
    short count; /* of operands in x and y; 0 for a leaf and where they are in a block */
    signed char marked; /* during a walk */
    signed char reached; /* by a backward pass, ever */
};

#define IS_VALUE(operand) ((PyObject *)(operand) != Py_None)
#define IS_COMPUTED(node) ((node)->code != 0)

#define IS_MANY(node) ((node)->code != 0 && (node)->count == 0)

/* -- memory: slabs of nodes -----------------------------------------------------------------------------------------
 * A training step makes and frees the same tens of thousands of nodes again and again. A general allocator gives their
 * memory back to the system in between, and each page of it costs a fault when it comes again: half the cost of a node.
 * A slab is 2 MiB, aligned, so that a node finds its slab by its address and the system can back it with one huge page.
 * Up to SLABS_KEPT empty slabs are kept; the rest go back to the system. All under the interpreter lock.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(_WIN32)
#define USE_SLABS 0 /* a sanitizer must see each node come and go */
#else
#define USE_SLABS 1
#include <sys/mman.h>

#define SLAB_SIZE ((size_t)1 << 21)
#define SLABS_KEPT 32

typedef struct slab {
    struct slab *next, *previous; /* in the ring of slabs that have room */
    node *freed; /* nodes given back, chained by `number` */
    char *fresh, *end; /* what was never given out */
    Py_ssize_t live;
} slab;

static slab ring = {&ring, &ring, NULL, NULL, NULL, 1};
static Py_ssize_t empty_slabs;

static void join_ring(slab *s) {
    s->next = ring.next;
    s->previous = &ring;
    s->next->previous = ring.next = s;
}

static void leave_ring(slab *s) {
    s->next->previous = s->previous;
    s->previous->next = s->next;
    s->next = NULL; /* in no ring */
}

/* Nothing was given out: the next graph lies in it in the order of its making, which is how backward walks. */
static void clear_slab(slab *s) {
    s->freed = NULL;
    s->fresh = (char *)s + ((sizeof(slab) + 31) & ~(size_t)31);
}

static slab *new_slab(void) {
    slab *s = aligned_alloc(SLAB_SIZE, SLAB_SIZE);
    if (s == NULL) return NULL;
#ifdef MADV_HUGEPAGE
    madvise(s, SLAB_SIZE, MADV_HUGEPAGE);
#endif
    clear_slab(s);
    s->end = (char *)s + SLAB_SIZE;
    s->live = 0;
    empty_slabs++;
    join_ring(s);
    return s;
}

static PyObject *slab_alloc(PyTypeObject *type, Py_ssize_t items) {
    slab *s = ring.next;
    node *v;
    (void)items;
    if (s == &ring && (s = new_slab()) == NULL) return PyErr_NoMemory();
    if (s->freed != NULL) {
        v = s->freed;
        s->freed = (node *)(intptr_t)v->number;
    } else {
        v = (node *)s->fresh;
        s->fresh += sizeof(node);
    }
    if (s->live++ == 0) empty_slabs--;
    if (s->freed == NULL && s->fresh + sizeof(node) > s->end) leave_ring(s);
    memset(v, 0, sizeof(node));
    return PyObject_Init((PyObject *)v, type);
}

static void slab_free(void *memory) {
    node *v = memory;
    slab *s = (slab *)((uintptr_t)v & ~(uintptr_t)(SLAB_SIZE - 1));
    v->number = (long long)(intptr_t)s->freed;
    s->freed = v;
    if (s->next == NULL) join_ring(s);
    if (--s->live == 0) {
        if (empty_slabs >= SLABS_KEPT) {
            leave_ring(s);
            free(s);
        } else {
            clear_slab(s);
            empty_slabs++;
        }
    }
}
#endif

/* -- freeing: an explicit chain in place of nested destructors, which a deep graph would overflow the stack with -- */

static node *released(node *v, node *dead) { /* gives up one reference; a node that dies joins the chain */
    if (!IS_VALUE(v) || Py_REFCNT(v) > 1) {
        Py_DECREF((PyObject *)v);
        return dead;
    }
    v->number = (long long)(intptr_t)dead;
    return v;
}

static void core_dealloc(PyObject *self) {
    node *dead = (node *)self;
    dead->number = 0;
    while (dead != NULL) {
        node *v = dead;
        block *many = IS_MANY(v) ? v->many : NULL;
        dead = (node *)(intptr_t)v->number;
        dead = released(v->x, dead);
        dead = released(v->y, dead);
        if (many != NULL) {
            for (Py_ssize_t i = 0; i < many->count; i++)
                if (many->at[i].value != NULL) dead = released(many->at[i].value, dead);
            PyMem_Free(many);
        }
        Py_DECREF(v->label);
        Py_DECREF(v->module);
        Py_TYPE(v)->tp_free((PyObject *)v);
    }
}

static int core_install(PyObject *type) {
    if (((PyTypeObject *)type)->tp_basicsize != (Py_ssize_t)sizeof(node)) {
        PyErr_SetString(PyExc_SystemError, "autograd/core/core.h does not mirror Value; build the core again");
        return -1;
    }
    ((PyTypeObject *)type)->tp_dealloc = core_dealloc;
#if USE_SLABS
    ((PyTypeObject *)type)->tp_alloc = slab_alloc;
    ((PyTypeObject *)type)->tp_free = slab_free;
#endif
    return 0;
}

/* -- primitives of any number of operands: the blocks of autograd/ops.py ------------------------------------------ */

static Py_ssize_t largest(Py_ssize_t n, const double *x) {
    Py_ssize_t top = 0;
    for (Py_ssize_t i = 1; i < n; i++)
        if (x[i] > x[top]) top = i;
    return top;
}

static double sum_but(Py_ssize_t n, const double *x, Py_ssize_t left_out) {
    double total = 0.0;
    int started = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (i == left_out) continue;
        total = started ? total + x[i] : x[i];
        started = 1;
    }
    return total;
}

static double left_fold(Py_ssize_t n, const double *x) {
    double total = x[0];
    for (Py_ssize_t i = 1; i < n; i++) total += x[i];
    return total;
}

static double dot(Py_ssize_t n, const double *x, const double *y) {
    double total = x[0] * y[0];
    for (Py_ssize_t i = 1; i < n; i++) total += x[i] * y[i];
    return total;
}

/* The local derivatives double as the place where the exps are worked out. */
static double cross_entropy(Py_ssize_t n, const double *x, Py_ssize_t index, double *d) {
    Py_ssize_t top = largest(n, x);
    double out, total, others;
    for (Py_ssize_t i = 0; i < n; i++) d[i] = f_exp_difference(x[i], x[top]);
    others = sum_but(n, d, top);
    out = index < 0 ? x[top] + log1p(others) : log1p(others) + (x[top] - x[index]);
    if (out != out || (index < 0 && x[top] == -INFINITY)) {
        for (Py_ssize_t i = 0; i < n; i++) d[i] = out != out ? NAN : 0.0;
        return out;
    }
    total = 1.0 + others;
    others = index < 0 ? 0.0 : sum_but(n, d, index);
    for (Py_ssize_t i = 0; i < n; i++) d[i] = d[i] / total;
    if (index >= 0) d[index] = -(others / total);
    return out;
}

static double evaluate_many(int code, Py_ssize_t n, const double *x, double *d) {
    double out;
    switch (code) {
    case CODE_SUM:
        for (Py_ssize_t i = 0; i < n; i++) d[i] = 1.0;
        return left_fold(n, x);
    case CODE_MEAN:
        for (Py_ssize_t i = 0; i < n; i++) d[i] = 1.0 / (double)n;
        return left_fold(n, x) / (double)n;
    case CODE_DOT:
        for (Py_ssize_t i = 0; i < n / 2; i++) {
            d[i] = x[n / 2 + i];
            d[n / 2 + i] = x[i];
        }
        return dot(n / 2, x, x + n / 2);
    case CODE_PROD: { /* the product of all before an operand times that of all behind it */
        double behind = 1.0;
        d[0] = 1.0;
        for (Py_ssize_t i = 1; i < n; i++) d[i] = d[i - 1] * x[i - 1];
        out = d[n - 1] * x[n - 1];
        for (Py_ssize_t i = n - 1; i >= 0; i--) {
            d[i] = d[i] * behind;
            behind = behind * x[i];
        }
        return out;
    }
    case CODE_TAKE:
        for (Py_ssize_t i = 0; i < n; i++) d[i] = i == (Py_ssize_t)x[n - 1] && i < n - 1 ? 1.0 : 0.0;
        return x[(Py_ssize_t)x[n - 1]];
    case CODE_LOGSUMEXP:
        return cross_entropy(n, x, -1, d);
    case CODE_SOFTMAX_CROSS_ENTROPY:
        d[n - 1] = 0.0;
        return cross_entropy(n - 1, x, (Py_ssize_t)x[n - 1], d);
    }
    if (n == 3) return evaluate3(code, x[0], x[1], x[2], &d[0], &d[1], &d[2]);
    if (n == 2) return evaluate2(code, x[0], x[1], &d[0], &d[1]);
    return evaluate1(code, x[0], &d[0]);
}

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
    double small[64], *xs = n <= 32 ? small : PyMem_Malloc(2 * (size_t)n * sizeof(double)), *local = xs + n;
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
    if (n == 0) goto refused;
    if (v->code == CODE_TAKE || v->code == CODE_SOFTMAX_CROSS_ENTROPY)
        if (!(xs[n - 1] >= 0.0 && xs[n - 1] < (double)(n - 1))) goto refused;
    v->data = evaluate_many(v->code, n, xs, local);
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

/* -- the backward pass -------------------------------------------------------------------------------------------- */

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
    if (local != 0.0) parent->grad += local * upstream;
}

static int core_backward(PyObject *self, double gradient) {
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

static PyObject *core_reached(PyObject *self) { /* a pair of lists: the computed nodes, newest first, and the leaves */
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

/* -- the mode of a thread ----------------------------------------------------------------------------------------- */

static _Thread_local PyObject *thread_mode; /* counted; NULL stands for None */

static inline PyObject *core_mode(void) { return thread_mode; } /* borrowed */

static void core_set_mode(PyObject *mode) {
    PyObject *before = thread_mode;
    thread_mode = mode == Py_None ? NULL : Py_NewRef(mode);
    Py_XDECREF(before);
}

#endif

/* The executors: a machine's passes in each width, for each instruction set. lanes.h is included once for each. */
#ifndef GLASSGRAD_EXECUTORS_H
#define GLASSGRAD_EXECUTORS_H

#include "machine.h"

typedef struct { /* the rows that are worked on */
    int width;  /* how many: a multiple of the lanes */
    int stride; /* the number of doubles from a slot to the next */
} span;

typedef struct { /* where the gradients of the parameters are added up */
    double *at;
    const int *places; /* of each parameter */
    int in_order;      /* whether each parameter has its own number as its place */
} destination;

/* Whether the sums of the weights of each dot are side by side. */
static int is_side_by_side(const layer *which, const destination *to) {
    int apart = 0;
    if (to->in_order) return 1;
    for (int j = 0; j < which->at->aux; j++) {
        const int *places = to->places + which->params[j];
        for (int k = 1; k < which->at->n; k++) apart |= places[k] - places[0] - k;
    }
    return !apart;
}

/* -- what all widths share ------------------------------------------------------------------------------------------- */

static inline int compares(int code, double x, double y) {
    switch (code) {
    case CODE_LESS: return x < y;
    case CODE_LESS_OR_EQUAL: return x <= y;
    case CODE_EQUAL: return x == y;
    }
    return x != y;
}

static inline int is_binary(int code) { /* among the rows that call libm */
    switch (code) {
    CALL_ROWS2(CASE)
        return 1;
    }
    return 0;
}

#define ROW1(name, code) \
    case code: for (int l = 0; l < lanes; l++) out[l] = f_##name(x[l]); return;
#define ROW2(name, code) \
    case code: for (int l = 0; l < lanes; l++) out[l] = f_##name(x[l], y[l]); return;
static void call_forward(int code, int lanes, const double *x, const double *y, double *out) {
    switch (code) {
    CALL_ROWS1(ROW1)
    CALL_ROWS2(ROW2)
    }
    for (int l = 0; l < lanes; l++) out[l] = NAN;
}
#undef ROW1
#undef ROW2

#define ROW1(name, code) \
    case code: for (int l = 0; l < lanes; l++) dx[l] = d0_##name(x[l], out[l]); return;
#define ROW2(name, code) \
    case code: \
        for (int l = 0; l < lanes; l++) dx[l] = d0_##name(x[l], y[l], out[l]); \
        for (int l = 0; l < lanes; l++) dy[l] = d1_##name(x[l], y[l], out[l]); \
        return;
static void call_locals(int code, int lanes, const double *x, const double *y, const double *out, double *dx, double *dy) {
    switch (code) {
    CALL_ROWS1(ROW1)
    CALL_ROWS2(ROW2)
    }
    for (int l = 0; l < lanes; l++) dx[l] = dy[l] = NAN;
}
#undef ROW1
#undef ROW2
#define NO_ROW(name, code) _Static_assert(0, "a primitive of three operands that calls libm: see call_forward");
CALL_ROWS3(NO_ROW)

/* A user's primitive: its Python functions, under the interpreter lock. */
static int call_out(const machine *m, int code, int n, const double *x, double *out, double *local) {
    PyObject *numbers = PyList_New(n), *result, *derivatives;
    int failed = -1;
    if (numbers == NULL) return -1;
    for (int k = 0; k < n; k++) {
        PyObject *number = PyFloat_FromDouble(x[k]);
        if (number == NULL) {
            Py_DECREF(numbers);
            return -1;
        }
        PyList_SET_ITEM(numbers, k, number);
    }
    result = PyObject_CallFunction(m->call, "iO", code, numbers);
    Py_DECREF(numbers);
    if (result == NULL) return -1;
    if (PyArg_ParseTuple(result, "dO!", out, &PyTuple_Type, &derivatives)) {
        if (PyTuple_GET_SIZE(derivatives) == n) {
            failed = 0;
            for (int k = 0; k < n; k++) {
                local[k] = PyFloat_AsDouble(PyTuple_GET_ITEM(derivatives, k));
                if (local[k] == -1.0 && PyErr_Occurred()) failed = -1;
            }
        } else {
            PyErr_SetString(PyExc_ValueError, "a primitive gave another number of derivatives than it has operands");
        }
    }
    Py_DECREF(result);
    return failed;
}

/* -- the widths and instruction sets ---------------------------------------------------------------------------------- */

#if defined(__GNUC__) || defined(__clang__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define APART __attribute__((noinline)) /* a caller with many cases keeps its registers */
#if defined(__clang__)
#define IVDEP _Pragma("clang loop vectorize(assume_safety)")
#define UNROLLED _Pragma("clang loop unroll_count(4)")
#define FLATTENED _Pragma("clang loop unroll(full)")
#else
#define IVDEP _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#define UNROLLED _Pragma("GCC unroll 4")
#define FLATTENED _Pragma("GCC unroll 8")
#endif
#define HAVE_LANES 1
#if defined(__clang__) || __GNUC__ >= 12
#define HAVE_SHUFFLES 1
#else
#define HAVE_SHUFFLES 0
#endif
#else
#define ALWAYS_INLINE inline
#define APART
#define IVDEP
#define UNROLLED
#define FLATTENED
#define HAVE_SHUFFLES 0
#define HAVE_LANES 0 /* no vectors in the language: one row at a time */
#define __attribute__(ignored)
#endif

typedef struct { /* what is done with a layer */
    void (*forward)(const machine *, span, const instruction *, double *);
    void (*backward)(const machine *, span, const instruction *, double *, int);
    void (*fold)(const machine *, span, const layer *, const destination *, int, int, int);
} layer_functions;
static layer_functions of_one_row; /* by the vectors of the executor that is chosen */

#define LANES 1
#define SHUFFLES 0
#define NAME(name) name##_scalar
#include "lanes.h"

#if HAVE_LANES
/* columns of zeros and of ones */
static const double constant_rows[2][MOST_ROWS] __attribute__((aligned(64))) = {{0.0}, {[0 ... MOST_ROWS - 1] = 1.0}};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* no vector is passed between functions */
#endif
#define LANES 2
#define SHUFFLES HAVE_SHUFFLES
#define NAME(name) name##_baseline
#include "lanes.h"

#if defined(__x86_64__) && !defined(_MSC_VER)
#define HAVE_X86 1
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define LANES 4
#define SHUFFLES HAVE_SHUFFLES
#define NAME(name) name##_avx2
#include "lanes.h"
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,prefer-vector-width=512"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")
#endif
#define LANES 8
#define SHUFFLES HAVE_SHUFFLES
#define NAME(name) name##_avx512
#include "lanes.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
#endif

typedef struct {
    const char *name;
    int lanes;
    const instruction *(*forward)(const machine *, span, int, unsigned char *);
    void (*backward)(const machine *, span, int), (*backward_masked)(const machine *, span, int);
    int (*in_doubt)(const machine *, span, int, int), (*are_finite)(const double *, Py_ssize_t);
    void (*end_block)(double *, double *, Py_ssize_t);
    void (*fold_layer)(const machine *, span, const layer *, const destination *, int, int, int);
    Py_ssize_t (*columns)(const machine *, const double *const *, double *const *, Py_ssize_t, Py_ssize_t, double *);
    layer_functions of_one_row;
} executor;
#define EXECUTOR(name, lanes)                                                                                          \
    {                                                                                                                  \
        #name, lanes, forward_##name, backward_##name, backward_masked_##name, in_doubt_##name, are_finite_##name,     \
            end_block_##name, fold_layer_##name, columns_##name,                                                       \
            {row_forward_##name, row_backward_##name, row_fold_##name},                                                \
    }

static executor one_row; /* the first of these, but for layers */
static const executor executors[] = { /* the best last */
    EXECUTOR(scalar, 1),
#if HAVE_LANES
    EXECUTOR(baseline, 2),
#ifdef HAVE_X86
    EXECUTOR(avx2, 4),
    EXECUTOR(avx512, 8),
#endif
#endif
};
#define EXECUTORS ((int)(sizeof(executors) / sizeof(executors[0])))
static int chosen = -1;

static int is_here(const executor *e) {
#ifdef HAVE_X86
    __builtin_cpu_init();
    if (strcmp(e->name, "avx2") == 0) return __builtin_cpu_supports("avx2");
    if (strcmp(e->name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    (void)e;
    return 1;
}

static PyObject *core_executors(void) { /* the names of those that run here, the best last */
    PyObject *names = PyList_New(0);
    for (int e = 0; e < EXECUTORS && names != NULL; e++) {
        PyObject *name = is_here(&executors[e]) ? PyUnicode_FromString(executors[e].name) : NULL;
        if (name != NULL && PyList_Append(names, name) < 0) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names;
}

static int core_choose(const char *name) { /* 0 where there is none of this name here */
    for (int e = 0; e < EXECUTORS; e++) {
        if (strcmp(executors[e].name, name) == 0 && is_here(&executors[e])) {
            chosen = e;
            of_one_row = executors[e].of_one_row;
            one_row = executors[0];
            one_row.fold_layer = of_one_row.fold;
            return 1;
        }
    }
    return 0;
}

#endif

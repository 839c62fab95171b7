/* The C side of autograd/tape/replay.py: runs the lowered program of a tape on rows of numbers, up to 64 of them at a time
 * where the compiler has vectors, with the widest registers that the machine has. It gives the bits of
 * autograd/tape/interpreter.py.
 */
#ifndef GLASSGRAD_REPLAY_H
#define GLASSGRAD_REPLAY_H

#include "arithmetic.h"
#include <program.h> /* the instructions, from autograd/tape/compiled/program.py */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* what a machine makes of +, - and *: see `carry_results` */
enum { OP_ADD = OP_DOTS + 1, OP_SUBTRACT, OP_MULTIPLY, OP_CARRIED_ADD, OP_CARRIED_SUBTRACT, OP_CARRIED_MULTIPLY };
enum { CARRIES = 256, ASSIGNS = 512 }; /* two more flags; the other one: see `find_first_contributions` */
#define MOST_ROWS BLOCK /* the most rows that are worked on at a time */

typedef struct { /* the rows that are worked on */
    int width;  /* how many: a multiple of the lanes */
    int stride; /* the number of doubles from a slot to the next */
} span;

/* Rows of weights with gradients, which are not added up in slots: those of a layer, or the part of it that serves the
 * same dots in all its positions. */
typedef struct {
    const instruction *at; /* the list, and the results of these rows, at each of the positions, from the newest */
    int positions;
    int *params; /* the number of the first weight of each dot, as a parameter; the others follow */
    int *biases; /* the number of the bias of each dot; -1 where it has none, or a constant */
} layer;

typedef struct { /* a parameter whose gradient is added up in a slot */
    int slot, param;
} loose_param;

typedef struct { /* where the gradients of the parameters are added up */
    double *at;
    const int *places; /* of each parameter */
    int in_order;      /* whether each parameter has its own number as its place */
} destination;

typedef struct {
    int slot, count;
} slots_in_row;

typedef struct {
    /* the program: copies */
    instruction *code;
    instruction *positions; /* of the layers */
    int *lists, *outputs, *layer_params;
    layer *layers;
    loose_param *loose;
    slots_in_row *zeroed; /* gradients that a backward pass begins with as zeros */
    Py_ssize_t layer_count, loose_count, zeroed_count;
    Py_ssize_t count, slots, grads_from, lanes_from, first_input, input_count, output_count, param_count, aux, longest;
    Py_ssize_t guarded; /* the number of instructions up to the last guard or index */
    int has_calls;
    PyObject *call; /* (code, list of numbers) -> (result, tuple of local derivatives) */
    int most_rows; /* that it has room for at a time */
    /* where it works */
    const double *scalars;
    double *values, *grads, *locals, *scratch;
    void *memory;
} machine;

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

/* Where the row of slot 0 would be, if there were one: memory begins with the row of slot `from`. */
static inline double *row_zero(double *memory, Py_ssize_t from, int stride) {
    return (double *)((uintptr_t)memory - (uintptr_t)(from * stride) * sizeof(double));
}

/* From a slot to the next: an odd number of cache lines, because the same row of many slots would share few places of the
 * first cache if it were a power of two. */
static int stride_of(int rows) { return rows <= 16 ? rows : 8 * ((rows + 7) / 8 | 1); }

static int rounded_up(int rows, int lanes) { return (rows + lanes - 1) / lanes * lanes; }

/* How far apart the slots are for a call of so many rows. */
static int stride_for(const machine *m, int lanes, Py_ssize_t rows) {
    if (lanes == 1) return 1;
    return stride_of(rows < m->most_rows ? rounded_up((int)rows, lanes) : m->most_rows);
}

static inline int may_fail(int op) { return op == OP_GUARD || op == OP_TAKE_SCALARS || takes_index(op); }

static inline int compares(int code, double x, double y) {
    switch (code) {
    case CODE_LESS: return x < y;
    case CODE_LESS_OR_EQUAL: return x <= y;
    case CODE_EQUAL: return x == y;
    }
    return x != y;
}

#define CASE(name, code) case code:
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

/* -- a machine: a program and the memory that it runs in --------------------------------------------------------------- */

#define CAPSULE "glassgrad.machine"

static void free_machine(machine *m) {
    PyMem_RawFree(m->code);
    PyMem_RawFree(m->positions);
    PyMem_RawFree(m->lists);
    PyMem_RawFree(m->outputs);
    PyMem_RawFree(m->layer_params);
    PyMem_RawFree(m->layers);
    PyMem_RawFree(m->loose);
    PyMem_RawFree(m->zeroed);
    PyMem_RawFree(m->memory);
    Py_XDECREF(m->call);
    PyMem_RawFree(m);
}

static void free_capsule(PyObject *capsule) { free_machine(PyCapsule_GetPointer(capsule, CAPSULE)); }

static int *copied_ints(PyObject *array, Py_ssize_t *count) {
    Py_buffer view;
    int *copy;
    if (PyObject_GetBuffer(array, &view, PyBUF_SIMPLE) < 0) return NULL;
    copy = PyMem_RawMalloc((size_t)view.len + sizeof(int));
    if (copy == NULL) PyErr_NoMemory();
    else memcpy(copy, view.buf, (size_t)view.len);
    *count = view.len / (Py_ssize_t)sizeof(int);
    PyBuffer_Release(&view);
    return copy;
}

typedef struct {
    int at, dot; /* the number of an instruction, and of one of its dots */
} dot_place;

/* The dots of the layers that pass gradients to their weights, row of weights by row, each from the newest: those whose
 * first weight is the parameter p are from begins[p] to begins[p + 1]. */
static void collect_dots(const machine *m, const int *param_of, Py_ssize_t params, int *begins, dot_place *places) {
    for (Py_ssize_t p = 0; p <= params; p++) begins[p] = 0;
    for (int pass = 0; pass < 2; pass++) { /* how many; then where */
        for (Py_ssize_t i = m->count - 1; i >= 0; i--) {
            const instruction *at = &m->code[i];
            if (at->op != OP_DOTS || !(at->flags & (NEED_X | NEED_Z))) continue;
            for (int j = at->aux - 1; j >= 0; j--) {
                const int row = param_of[m->lists[at->x + (Py_ssize_t)j * at->n]];
                if (pass == 0) begins[row + 1]++;
                else places[begins[row]++] = (dot_place){(int)i, j};
            }
        }
        if (pass == 0)
            for (Py_ssize_t p = 0; p < params; p++) begins[p + 1] += begins[p];
    }
    for (Py_ssize_t p = params; p > 0; p--) begins[p] = begins[p - 1]; /* each was moved to its end */
    begins[0] = 0;
}

/* Whether a row of weights comes right behind another wherever that comes. */
static int is_next_row(const int *begins, const dot_place *places, int row, int before) {
    const dot_place *a = places + begins[before], *b = places + begins[row];
    const int count = begins[row + 1] - begins[row];
    if (begins[before + 1] - begins[before] != count) return 0;
    for (int q = 0; q < count; q++)
        if (b[q].at != a[q].at || b[q].dot != a[q].dot + 1) return 0;
    return 1;
}

/* The layers: as many rows of weights together as keep together in all positions. */
static void find_layers(machine *m, const int *param_of, const int *begins, const dot_place *places) {
    instruction *to = m->positions;
    int *numbers = m->layer_params;
    for (int i = 0; i < m->count; i++) {
        const instruction *at = &m->code[i];
        int height = 0;
        if (at->op != OP_DOTS || !(at->flags & (NEED_X | NEED_Z))) continue;
        for (int j = 0; j < at->aux; j += height) {
            const int *firsts = m->lists + at->x; /* of dot c: firsts[c * n] */
            int row = param_of[firsts[(Py_ssize_t)j * at->n]];
            const dot_place *newest = places + begins[row];
            layer *found = &m->layers[m->layer_count];
            height = 1;
            if (newest->at != i || newest->dot != j) continue;
            for (int next; j + height < at->aux; height++, row = next) {
                next = param_of[firsts[(Py_ssize_t)(j + height) * at->n]];
                if (!is_next_row(begins, places, next, row)) break;
            }
            m->layer_count++;
            row = param_of[firsts[(Py_ssize_t)j * at->n]];
            *found = (layer){to, begins[row + 1] - begins[row], numbers, numbers + height};
            for (int c = 0; c < height; c++) {
                found->params[c] = param_of[firsts[(Py_ssize_t)(j + c) * at->n]];
                found->biases[c] = at->z == NO_SLOT ? -1 : param_of[m->lists[at->z + j + c]];
            }
            for (int q = 0; q < found->positions; q++, to++) {
                *to = m->code[newest[q].at];
                to->out += newest[q].dot;
                to->aux = height;
            }
            numbers += 2 * height;
        }
    }
}

/* Which parameters have their gradients added up in slots; the others belong to layers. */
static int divide_params(machine *m, const int *param_slots, const int *param_needed, Py_ssize_t params) {
    Py_ssize_t dots = 0;
    int *param_of = PyMem_RawMalloc((size_t)(m->first_input + 1) * sizeof(int));
    int *begins = PyMem_RawMalloc((size_t)(params + 1) * sizeof(int));
    dot_place *places = NULL;
    if (param_of == NULL || begins == NULL) goto failed;
    for (Py_ssize_t slot = 0; slot < m->first_input; slot++) param_of[slot] = -1;
    for (Py_ssize_t p = 0; p < params; p++) param_of[param_slots[p]] = (int)p;
    for (Py_ssize_t i = 0; i < m->count; i++)
        if (m->code[i].op == OP_DOTS) dots += m->code[i].aux;
    places = PyMem_RawMalloc((size_t)(dots + 1) * sizeof(dot_place));
    m->layers = PyMem_RawMalloc((size_t)(dots + 1) * sizeof(layer));
    m->positions = PyMem_RawMalloc((size_t)(dots + 1) * sizeof(instruction));
    m->layer_params = PyMem_RawMalloc((size_t)(2 * dots + 1) * sizeof(int));
    m->loose = PyMem_RawMalloc((size_t)(params + 1) * sizeof(loose_param));
    if (places == NULL || m->layers == NULL || m->positions == NULL || m->layer_params == NULL || m->loose == NULL)
        goto failed;
    collect_dots(m, param_of, params, begins, places);
    find_layers(m, param_of, begins, places);
    for (Py_ssize_t t = 0; t < m->layer_count; t++) /* what is left with a number is loose */
        for (int j = 0; j < m->layers[t].at->aux; j++)
            if (m->layers[t].biases[j] >= 0) param_of[param_slots[m->layers[t].biases[j]]] = -1;
    for (Py_ssize_t p = 0; p < params; p++)
        if (param_slots[p] >= m->grads_from && param_needed[p] && param_of[param_slots[p]] >= 0)
            m->loose[m->loose_count++] = (loose_param){param_slots[p], (int)p};
    PyMem_RawFree(param_of);
    PyMem_RawFree(begins);
    PyMem_RawFree(places);
    return 0;
failed:
    PyMem_RawFree(param_of);
    PyMem_RawFree(begins);
    PyMem_RawFree(places);
    PyErr_NoMemory();
    return -1;
}

/* For one row, a chain of arithmetic waits for each result to come back from memory, and so does its backward pass. Where
 * an instruction uses the result of the one before, it takes it from a register, and hands the gradient back in one: the
 * other one CARRIES. Where there are more rows, none waits for its own result, and all goes through memory.
 */
static void carry_results(machine *m) {
    for (Py_ssize_t t = 0; t < m->count; t++) {
        instruction *i = &m->code[t], *before = t > 0 ? i - 1 : NULL;
        const int y_before = before != NULL && i->y == before->out && i->x != i->y;
        if (i->op != CODE_ADD && i->op != CODE_SUBTRACT && i->op != CODE_MULTIPLY) continue;
        i->op = i->op == CODE_ADD ? OP_ADD : i->op == CODE_SUBTRACT ? OP_SUBTRACT : OP_MULTIPLY;
        if (before == NULL || before->op < OP_ADD) continue;
        if (y_before && i->op != OP_SUBTRACT) { /* x + y is y + x, and so is x * y */
            const int x = i->x, needs = i->flags & (NEED_X | NEED_X << PARAMS_ONLY);
            i->x = i->y;
            i->y = x;
            i->flags = (i->flags & (NEED_Y | NEED_Y << PARAMS_ONLY)) >> 1 | needs << 1;
        }
        if (i->x == before->out && i->x != i->y) {
            i->op += OP_CARRIED_ADD - OP_ADD;
            before->flags |= CARRIES;
        }
    }
}

#include "contributions.h"

/* How many doubles near at hand the rows that are worked on may take: half a megabyte, which second caches have. */
enum { NEAR = 1 << 16 };

static int size_of(PyObject *object, const char *name, Py_ssize_t *size) {
    PyObject *number = PyObject_GetAttrString(object, name);
    if (number == NULL) return -1;
    *size = PyLong_AsSsize_t(number);
    Py_DECREF(number);
    return *size == -1 && PyErr_Occurred() ? -1 : 0;
}

static int *ints_of(PyObject *object, const char *name, Py_ssize_t *count) {
    PyObject *array = PyObject_GetAttrString(object, name);
    int *copy = array == NULL ? NULL : copied_ints(array, count);
    Py_XDECREF(array);
    return copy;
}

/* A machine for a program, an object with the attributes of autograd.tape.compiled.program.Program. */
static PyObject *core_machine(PyObject *program, PyObject *call) {
    machine *m = PyMem_RawCalloc(1, sizeof(machine));
    int *slots_of_params = NULL, *needed = NULL;
    Py_ssize_t ints, ignored, slots, doubles, stride, scratch;
    PyObject *capsule, *flat = PyObject_GetAttrString(program, "flat");
    if (m == NULL || flat == NULL) {
        PyMem_RawFree(m);
        Py_XDECREF(flat);
        return flat == NULL ? NULL : PyErr_NoMemory();
    }
    m->call = Py_NewRef(call);
    if (size_of(program, "slots", &m->slots) < 0 || size_of(program, "grads_from", &m->grads_from) < 0 ||
        size_of(program, "lanes_from", &m->lanes_from) < 0 || size_of(program, "first_input", &m->first_input) < 0 ||
        size_of(flat, "inputs", &m->input_count) < 0 || size_of(program, "aux", &m->aux) < 0 ||
        size_of(program, "longest", &m->longest) < 0)
        goto failed;
    if ((m->code = (instruction *)ints_of(program, "code", &ints)) == NULL ||
        (m->lists = ints_of(program, "lists", &ignored)) == NULL ||
        (m->outputs = ints_of(program, "outputs", &m->output_count)) == NULL ||
        (slots_of_params = ints_of(program, "param_slots", &m->param_count)) == NULL ||
        (needed = ints_of(program, "param_needed", &ignored)) == NULL)
        goto failed;
    m->count = ints * (Py_ssize_t)sizeof(int) / (Py_ssize_t)sizeof(instruction);
    if (divide_params(m, slots_of_params, needed, m->param_count) < 0) goto failed;
    carry_results(m);
    if (find_first_contributions(m) < 0) goto failed;
    for (Py_ssize_t i = 0; i < m->count; i++) {
        m->has_calls |= m->code[i].op == OP_CALL;
        if (may_fail(m->code[i].op)) m->guarded = i + 1;
    }
    scratch = ROOM * m->longest;
    slots = (m->slots - m->lanes_from) + (m->slots - m->grads_from) + m->aux;
    m->most_rows = MOST_ROWS;
    while (m->most_rows > 8 && slots > NEAR / m->most_rows) m->most_rows /= 2;
    stride = stride_of(m->most_rows);
    for (Py_ssize_t i = 0; i < m->count; i++)
        if (m->code[i].op == OP_DOTS && 8 * (Py_ssize_t)m->code[i].aux > scratch) scratch = 8 * (Py_ssize_t)m->code[i].aux;
    for (Py_ssize_t t = 0; t < m->layer_count; t++) {
        const Py_ssize_t listed = (Py_ssize_t)m->layers[t].positions * m->layers[t].at->n;
        if (listed > scratch) scratch = listed;
    }
    doubles = stride * slots + scratch;
    if (slots > PY_SSIZE_T_MAX / 1024 || doubles > PY_SSIZE_T_MAX / 16 ||
        (m->memory = PyMem_RawMalloc((size_t)doubles * sizeof(double) + 64)) == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    m->values = (double *)(((uintptr_t)m->memory + 63) & ~(uintptr_t)63);
    m->grads = m->values + stride * (m->slots - m->lanes_from);
    m->locals = m->grads + stride * (m->slots - m->grads_from);
    m->scratch = m->locals + stride * m->aux;
    capsule = PyCapsule_New(m, CAPSULE, free_capsule);
    if (capsule == NULL) goto failed;
    Py_DECREF(flat);
    PyMem_RawFree(slots_of_params);
    PyMem_RawFree(needed);
    return capsule;
failed:
    Py_DECREF(flat);
    PyMem_RawFree(slots_of_params);
    PyMem_RawFree(needed);
    free_machine(m);
    return NULL;
}

/* -- one call --------------------------------------------------------------------------------------------------------- */

typedef struct {
    const double *batch, *seeds;
    double *outputs, *input_gradients, *block, *total, *separate;
    const int *places, *which; /* which: the rows that are run; NULL where all are */
    Py_ssize_t rows, rows_before, sums, seeds_stride;
    int in_order; /* whether the parameters' sums stand in their order, from the first on */
} job;

typedef struct {
    Py_ssize_t row; /* -1 where nothing failed; counted in the rows that are run */
    int guard;
    double left, right;
} failure;

/* The place of a row in the buffers. */
static inline Py_ssize_t place_of(const job *j, Py_ssize_t row) { return j->which == NULL ? row : j->which[row]; }

static void load_scalars(const machine *m, int stride) {
    for (Py_ssize_t slot = m->lanes_from; slot < m->first_input; slot++)
        for (int l = 0; l < stride; l++) m->values[(slot - m->lanes_from) * stride + l] = m->scalars[slot];
}

/* The inputs of `active` rows; lanes that have no row work on the last one again. */
static void load_rows(const machine *m, const job *j, Py_ssize_t start, int active, span s) {
    const Py_ssize_t inputs = m->input_count, stride = s.stride;
    double *to = m->values + (m->first_input - m->lanes_from) * stride;
    for (Py_ssize_t l = 0; l < s.width; l++) {
        const double *row = j->batch + place_of(j, start + (l < active ? l : active - 1)) * inputs;
        for (Py_ssize_t i = 0; i < inputs; i++) to[i * stride + l] = row[i];
    }
}

static void run_backward(
    const machine *m, const job *j, const executor *e, Py_ssize_t start, int active, span s, int masked
) {
    for (Py_ssize_t z = 0; z < m->zeroed_count; z++)
        memset(
            m->grads + (m->zeroed[z].slot - m->grads_from) * s.stride, 0,
            (size_t)(m->zeroed[z].count * s.stride) * sizeof(double)
        );
    for (Py_ssize_t o = 0; o < m->output_count; o++) {
        double *grad = m->grads + (m->outputs[o] - m->grads_from) * s.stride;
        for (Py_ssize_t l = 0; l < s.width; l++)
            grad[l] += j->seeds[o + j->seeds_stride * place_of(j, start + (l < active ? l : active - 1))];
    }
    (masked ? e->backward_masked : e->backward)(m, s, j->input_gradients == NULL);
}

/* Whether the rows from `start` on begin a block: then its sums are zeros, and if the rows are folded without the masks and
 * come to sums that are not finite, the sums can be cleared and the rows run again. */
static int begins_block(const job *j, Py_ssize_t start) { return (j->rows_before + start) % BLOCK == 0; }

/* Add the parameters' gradients of some rows, in their order, to the sum of their block of BLOCK rows. Returns whether they
 * must be run again with the masks, and then nothing has changed. */
static int fold(const machine *m, const job *j, const executor *e, Py_ssize_t start, int active, span s, int masked) {
    const destination block = {j->block, j->places, j->in_order};
    const int may_undo = !masked && begins_block(j, start);
    int done = 0;
    while (done < active) {
        Py_ssize_t in_block = (j->rows_before + start + done) % BLOCK;
        int until = BLOCK - in_block < active - done ? done + (int)(BLOCK - in_block) : active;
        for (Py_ssize_t p = 0; p < m->loose_count; p++) {
            const double *grad = m->grads + (m->loose[p].slot - m->grads_from) * s.stride;
            double *place = &j->block[j->places[m->loose[p].param]], sum = *place;
            for (int l = done; l < until; l++) sum += grad[l];
            *place = sum;
        }
        for (Py_ssize_t t = 0; t < m->layer_count; t++)
            e->fold_layer(m, s, &m->layers[t], &block, done, until, masked);
        if (may_undo && done == 0 && !e->are_finite(j->block, j->sums)) {
            memset(j->block, 0, (size_t)j->sums * sizeof(double));
            return 1;
        }
        if ((j->rows_before + start + until) % BLOCK == 0) e->end_block(j->total, j->block, j->sums);
        done = until;
    }
    return 0;
}

/* Write the parameters' gradients of some rows, each to a row of its own. */
static void keep_separate(
    const machine *m, const job *j, const executor *e, Py_ssize_t start, int active, span s, int masked
) {
    destination of_row = {NULL, j->places, j->in_order};
    for (int l = 0; l < active; l++) {
        double *row = of_row.at = j->separate + place_of(j, start + l) * j->sums;
        for (Py_ssize_t p = 0; p < m->loose_count; p++)
            row[j->places[m->loose[p].param]] = m->grads[(m->loose[p].slot - m->grads_from) * s.stride + l];
        for (Py_ssize_t t = 0; t < m->layer_count; t++)
            e->fold_layer(m, s, &m->layers[t], &of_row, l, l + 1, masked);
    }
}

static failure failed_at(const machine *m, const instruction *i, Py_ssize_t row) {
    const double *values = m->values;
    failure f = {row, -1, 0.0, (double)i->n};
    int slot = i->y;
    if (i->op == OP_GUARD) {
        f.guard = i->out;
        f.left = values[i->x - m->lanes_from];
        f.right = values[i->y - m->lanes_from];
        return f;
    }
    if (i->op != CODE_TAKE && takes_index(i->op)) { /* behind the list; take has it in y */
        slot = m->lists[i->x + i->n - 1];
        f.right -= 1.0;
    }
    f.left = values[slot - m->lanes_from];
    return f;
}

/* Which row of some failed first: they are run again one at a time. */
static const span single = {1, 1};

static failure first_failure(const machine *m, const job *j, Py_ssize_t start, int active) {
    load_scalars(m, 1);
    for (Py_ssize_t row = start; row < start + active; row++) {
        const instruction *i;
        load_rows(m, j, row, 1, single);
        i = forward_scalar(m, single, 0, NULL);
        if (i != NULL) return failed_at(m, i, row);
    }
    return (failure){start, -1, NAN, 0.0}; /* cannot be: the arithmetic is the same */
}

/* Run rows until one fails: those before it are done. */
static failure run_job(const machine *m, const job *j, const executor *e) {
    const int most = e->lanes == 1 ? 1 : m->most_rows, stride = stride_for(m, e->lanes, j->rows);
    Py_ssize_t rows = j->rows;
    failure failed = {-1, 0, 0.0, 0.0};
    load_scalars(m, stride);
    for (Py_ssize_t start = 0; start < rows; start += most) {
        const int active = rows - start < most ? (int)(rows - start) : most;
        const span s = {rounded_up(active, e->lanes), stride};
        const instruction *stopped;
        int masked, folds;
        load_rows(m, j, start, active, s);
        stopped = e->forward(m, s, j->seeds != NULL, NULL);
        if (stopped != NULL) {
            if (stopped->op == OP_CALL && PyErr_Occurred()) return (failure){start, -1, 0.0, 0.0};
            failed = e->lanes == 1 ? failed_at(m, stopped, start) : first_failure(m, j, start, active);
            if (m->has_calls && PyErr_Occurred()) return failed;
            rows = failed.row;
            load_scalars(m, stride);
            start -= most; /* once more, with the rows before it */
            continue;
        }
        for (Py_ssize_t o = 0; o < m->output_count; o++) {
            const double *value = m->values + (m->outputs[o] - m->lanes_from) * stride;
            for (int l = 0; l < active; l++) j->outputs[place_of(j, start + l) * m->output_count + o] = value[l];
        }
        if (j->seeds == NULL) continue;
        run_backward(m, j, e, start, active, s, 0);
        folds = j->block != NULL && j->separate == NULL;
        masked = e->in_doubt(m, s, !(folds && begins_block(j, start)), j->input_gradients != NULL);
        if (masked) run_backward(m, j, e, start, active, s, 1);
        if (folds && fold(m, j, e, start, active, s, masked)) {
            run_backward(m, j, e, start, active, s, 1);
            fold(m, j, e, start, active, s, 1);
        }
        if (j->input_gradients != NULL) {
            const double *grad = m->grads + (m->first_input - m->grads_from) * stride;
            for (int l = 0; l < active; l++)
                for (Py_ssize_t i = 0; i < m->input_count; i++)
                    j->input_gradients[place_of(j, start + l) * m->input_count + i] = grad[i * stride + l];
        }
        if (j->separate != NULL) keep_separate(m, j, e, start, active, s, masked);
    }
    return failed;
}

/* Whether the guards hold for each row: 0, 1, or 2 where it failed at an index before a guard did. */
static void run_selection(const machine *m, const job *j, const executor *e, unsigned char *status) {
    const int most = e->lanes == 1 ? 1 : m->most_rows, stride = stride_for(m, e->lanes, j->rows);
    load_scalars(m, stride);
    for (Py_ssize_t start = 0; start < j->rows; start += most) {
        const int active = j->rows - start < most ? (int)(j->rows - start) : most;
        const span s = {rounded_up(active, e->lanes), stride};
        unsigned char alive[MOST_ROWS];
        const instruction *stopped;
        for (int l = 0; l < s.width; l++) alive[l] = l < active;
        load_rows(m, j, start, active, s);
        stopped = e->forward(m, s, 0, alive);
        if (stopped == NULL || stopped->op == OP_GUARD) {
            memcpy(status + start, alive, (size_t)active);
            continue;
        }
        if (stopped->op == OP_CALL && PyErr_Occurred()) return;
        load_scalars(m, 1); /* one at a time, to see which */
        for (Py_ssize_t row = start; row < start + active; row++) {
            alive[0] = 1;
            load_rows(m, j, row, 1, single);
            stopped = forward_scalar(m, single, 0, alive);
            if (stopped != NULL && stopped->op == OP_CALL && PyErr_Occurred()) return;
            status[row] = stopped == NULL ? 1 : stopped->op == OP_GUARD ? 0 : 2;
        }
        load_scalars(m, stride);
    }
}

enum { SCALARS, BATCH, OUTPUTS, SEEDS, INPUT_GRADIENTS, SUM_OF_BLOCK, TOTAL, PLACES, WHICH, SEPARATE, BUFFERS };
static const struct {
    int writable, size;
} buffer_kinds[BUFFERS] = {
    [OUTPUTS] = {1, sizeof(double)},      [INPUT_GRADIENTS] = {1, sizeof(double)}, [SUM_OF_BLOCK] = {1, sizeof(double)},
    [TOTAL] = {1, sizeof(double)},        [SEPARATE] = {1, sizeof(double)},        [SCALARS] = {0, sizeof(double)},
    [BATCH] = {0, sizeof(double)},        [SEEDS] = {0, sizeof(double)},           [PLACES] = {0, sizeof(int)},
    [WHICH] = {0, sizeof(int)},
};

typedef struct {
    Py_buffer views[BUFFERS];
    void *at[BUFFERS];
    Py_ssize_t sizes[BUFFERS];
    int held;
} buffers;

static void release(buffers *b) {
    while (b->held-- > 0)
        if (b->views[b->held].obj != NULL) PyBuffer_Release(&b->views[b->held]);
}

/* Buffers of objects, which may be None where they are not wanted. */
static int acquire(buffers *b, PyObject *const *objects) {
    for (b->held = 0; b->held < BUFFERS; b->held++) {
        const int k = b->held;
        b->at[k] = NULL;
        b->sizes[k] = 0;
        b->views[k].obj = NULL;
        if (objects[k] == Py_None) continue;
        if (PyObject_GetBuffer(objects[k], &b->views[k], buffer_kinds[k].writable ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0) {
            release(b);
            return -1;
        }
        b->at[k] = b->views[k].buf;
        b->sizes[k] = b->views[k].len / buffer_kinds[k].size;
    }
    return 0;
}

static int are_within(const void *numbers, Py_ssize_t count, Py_ssize_t end) {
    const unsigned limit = end > INT_MAX ? (unsigned)INT_MAX + 1 : (unsigned)end; /* negative numbers are beyond it */
    int beyond = 0; /* all are looked at: several at a time */
    for (Py_ssize_t i = 0; i < count; i++) beyond |= ((const unsigned *)numbers)[i] >= limit;
    return !beyond;
}

static int is_in_order(const int *numbers, Py_ssize_t count) {
    int same = 1;
    for (Py_ssize_t i = 0; i < count; i++) same &= numbers[i] == (int)i;
    return same;
}

static const char *fault_of(const machine *m, const buffers *b, Py_ssize_t rows, int is_selection) {
    const Py_ssize_t *sizes = b->sizes, sums = sizes[SUM_OF_BLOCK];
    if (sizes[SCALARS] < m->first_input || sizes[BATCH] < rows * m->input_count ||
        (!is_selection && sizes[OUTPUTS] < rows * m->output_count) ||
        (b->at[SEEDS] != NULL && sizes[SEEDS] != m->output_count && sizes[SEEDS] != rows * m->output_count) ||
        (b->at[INPUT_GRADIENTS] != NULL && sizes[INPUT_GRADIENTS] < rows * m->input_count) ||
        (b->at[SUM_OF_BLOCK] != NULL && (sizes[TOTAL] != sums || sizes[PLACES] < m->param_count)) ||
        (b->at[SEPARATE] != NULL && (b->at[SUM_OF_BLOCK] == NULL || sizes[SEPARATE] < rows * sums)))
        return "a buffer of the replay is too small";
    if (b->at[SUM_OF_BLOCK] != NULL && !are_within(b->at[PLACES], m->param_count, sums))
        return "a parameter's place is beyond the sums";
    if (b->at[WHICH] != NULL && !are_within(b->at[WHICH], sizes[WHICH], rows)) return "a row is beyond the batch";
    return NULL;
}

/* What checked buffers ask for. */
static job job_of(const machine *m, const buffers *b, Py_ssize_t rows, Py_ssize_t rows_before) {
    return (job){
        .batch = b->at[BATCH], .seeds = b->at[SEEDS], .outputs = b->at[OUTPUTS], .input_gradients = b->at[INPUT_GRADIENTS],
        .block = b->at[SUM_OF_BLOCK], .total = b->at[TOTAL], .separate = b->at[SEPARATE], .places = b->at[PLACES],
        .which = b->at[WHICH], .rows = b->at[WHICH] == NULL ? rows : b->sizes[WHICH], .rows_before = rows_before,
        .sums = b->sizes[SUM_OF_BLOCK], .seeds_stride = b->sizes[SEEDS] == m->output_count ? 0 : m->output_count,
        .in_order = b->at[PLACES] != NULL && is_in_order(b->at[PLACES], m->param_count),
    };
}

/* None, or the tuple (row, guard, left, right) of the first row that failed. */
static PyObject *result_of(const job *j, failure f) {
    return f.row < 0 ? Py_NewRef(Py_None) : Py_BuildValue("nidd", place_of(j, f.row), f.guard, f.left, f.right);
}

/* Run rows as autograd.tape.replay.Rows says; returns what `result_of` does. */
static PyObject *core_replay(
    PyObject *capsule, PyObject *scalars, PyObject *batch, Py_ssize_t rows, PyObject *outputs, PyObject *seeds,
    PyObject *input_gradients, PyObject *block, PyObject *total, Py_ssize_t rows_before, PyObject *places, PyObject *which,
    PyObject *separate
) {
    PyObject *objects[BUFFERS] = {scalars, batch, outputs, seeds, input_gradients, block, total, places, which, separate};
    machine *m = PyCapsule_GetPointer(capsule, CAPSULE);
    PyObject *result = NULL;
    const char *fault;
    buffers b;
    if (m == NULL || acquire(&b, objects) < 0) return NULL;
    fault = fault_of(m, &b, rows, 0);
    if (fault != NULL) {
        PyErr_SetString(PyExc_ValueError, fault);
    } else {
        const job j = job_of(m, &b, rows, rows_before);
        const executor *e = j.rows == 1 ? &one_row : &executors[chosen];
        failure f;
        m->scalars = b.at[SCALARS];
        if (m->has_calls) {
            f = run_job(m, &j, e);
        } else {
            Py_BEGIN_ALLOW_THREADS
            f = run_job(m, &j, e);
            Py_END_ALLOW_THREADS
        }
        if (!PyErr_Occurred())
            result = result_of(&j, f);
    }
    release(&b);
    return result;
}

/* A bytearray with the status of each row: see `run_selection`. */
static PyObject *core_select(PyObject *capsule, PyObject *scalars, PyObject *batch, Py_ssize_t rows, PyObject *which) {
    PyObject *objects[BUFFERS], *status = NULL;
    machine *m = PyCapsule_GetPointer(capsule, CAPSULE);
    const char *fault;
    buffers b;
    for (int k = 0; k < BUFFERS; k++) objects[k] = Py_None;
    objects[SCALARS] = scalars;
    objects[BATCH] = batch;
    objects[WHICH] = which;
    if (m == NULL || acquire(&b, objects) < 0) return NULL;
    fault = fault_of(m, &b, rows, 1);
    if (fault != NULL) {
        PyErr_SetString(PyExc_ValueError, fault);
    } else {
        const job j = job_of(m, &b, rows, 0);
        const executor *e = j.rows == 1 ? &one_row : &executors[chosen];
        status = PyByteArray_FromStringAndSize(NULL, j.rows);
        if (status != NULL) {
            unsigned char *to = (unsigned char *)PyByteArray_AS_STRING(status);
            m->scalars = b.at[SCALARS];
            if (m->has_calls) {
                run_selection(m, &j, e, to);
                if (PyErr_Occurred()) Py_CLEAR(status);
            } else {
                Py_BEGIN_ALLOW_THREADS
                run_selection(m, &j, e, to);
                Py_END_ALLOW_THREADS
            }
        }
    }
    release(&b);
    return status;
}

#endif

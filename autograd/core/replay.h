/* The C side of autograd/tape/replay.py: runs the program of a tape on rows of numbers, in lanes of 8 where the compiler has
 * vectors, with the widest registers that the machine has. What the Python interpreter there does, bit for bit.
 */
#ifndef GLASSGRAD_REPLAY_H
#define GLASSGRAD_REPLAY_H

#include "arithmetic.h"

#include <stdlib.h>
#include <string.h>

/* autograd/tape/compiled/program.py has the same */
enum { OP_DOT = TABLE_SIZE, OP_DOT_SCALARS, OP_DOT_ALL_SCALARS, OP_TAKE_SCALARS, OP_GUARD, OP_CALL, OP_DOTS };
/* what a machine makes of +, - and *: see `carry_results` */
enum { OP_ADD = OP_DOTS + 1, OP_SUBTRACT, OP_MULTIPLY, OP_CARRIED_ADD, OP_CARRIED_SUBTRACT, OP_CARRIED_MULTIPLY };
enum { NEED_X = 1, NEED_Y = 2, NEED_Z = 4, PARAMS_ONLY = 3, XS_FIRST = 64, BIAS_FIRST = 128, CARRIES = 256 };
#define NO_SLOT INT_MIN
#define BLOCK 64 /* rows whose gradients are summed before they join the total */
#define WIDTH 8 /* the most rows that are worked on at a time, in the lanes of one register */

typedef struct {
    int op, flags, out, x, y, z, n, aux;
} instruction;

typedef struct { /* a layer whose weights or biases have gradients: they are not added up in slots */
    const instruction *at;
    int *params; /* the number of the first weight of each dot, as a parameter; the others follow */
    int *biases; /* the number of the bias of each dot; -1 where it has none, or a constant */
} layer;

typedef struct { /* a parameter whose gradient is added up in a slot */
    int slot, param;
} loose_param;

typedef struct {
    /* the program: copies */
    instruction *code;
    int *lists, *outputs, *layer_params;
    layer *layers;
    loose_param *loose;
    Py_ssize_t layer_count, loose_count;
    Py_ssize_t count, slots, grads_from, lanes_from, first_input, input_count, output_count, param_count, aux, longest;
    int has_calls;
    PyObject *call; /* (code, list of numbers) -> (result, tuple of local derivatives) */
    /* where it works: room for WIDTH rows, also used for one */
    const double *scalars;
    double *values, *grads, *locals, *scratch;
    void *memory;
} machine;

/* -- what all widths share ------------------------------------------------------------------------------------------- */

/* Where the row of slot 0 would be, if there were one: memory begins with the row of slot `from`. */
static inline double *row_zero(double *memory, Py_ssize_t from, int lanes) {
    return (double *)((uintptr_t)memory - (uintptr_t)(from * lanes) * sizeof(double));
}

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
#if defined(__clang__)
#define IVDEP _Pragma("clang loop vectorize(assume_safety)")
#define UNROLLED _Pragma("clang loop unroll_count(4)")
#else
#define IVDEP _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#define UNROLLED _Pragma("GCC unroll 4")
#endif
#define HAVE_LANES 1
#if defined(__clang__) || __GNUC__ >= 12
#define HAVE_SHUFFLES 1
#else
#define HAVE_SHUFFLES 0
#endif
#else
#define ALWAYS_INLINE inline
#define IVDEP
#define UNROLLED
#define HAVE_SHUFFLES 0
#define HAVE_LANES 0 /* no vectors in the language: one row at a time */
#define __attribute__(ignored)
#endif

#define LANES 1
#define TILE 4
#define SHUFFLES 0
#define NAME(name) name##_scalar
#include "lanes.h"

#if HAVE_LANES
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi" /* no vector is passed between functions */
#endif
#define LANES 8
#define TILE 8
#define SHUFFLES 0
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
#define TILE 8
#define SHUFFLES 0
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
#define TILE 8
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
    const instruction *(*forward)(const machine *, int);
    void (*backward)(const machine *, int), (*backward_masked)(const machine *, int);
    int (*in_doubt)(const machine *, int);
    void (*fold_layer)(const machine *, const layer *, const int *, double *, int, int, int);
} executor;
#define EXECUTOR(name, lanes) \
    {#name, lanes, forward_##name, backward_##name, backward_masked_##name, in_doubt_##name, fold_layer_##name}

static const executor one_row = EXECUTOR(scalar, 1);
static const executor executors[] = { /* the best last */
    EXECUTOR(scalar, 1),
#if HAVE_LANES
    EXECUTOR(baseline, 8),
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
            return 1;
        }
    }
    return 0;
}

/* -- a machine: a program and the memory that it runs in --------------------------------------------------------------- */

#define CAPSULE "glassgrad.machine"

static void free_machine(machine *m) {
    PyMem_RawFree(m->code);
    PyMem_RawFree(m->lists);
    PyMem_RawFree(m->outputs);
    PyMem_RawFree(m->layer_params);
    PyMem_RawFree(m->layers);
    PyMem_RawFree(m->loose);
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

/* Which parameters have their gradients added up in slots; the others belong to layers, each to one dot. */
static int divide_params(machine *m, const int *param_slots, const int *param_needed, Py_ssize_t params) {
    Py_ssize_t dots = 0, layers = 0;
    int *param_of = PyMem_RawMalloc((size_t)(m->first_input + 1) * sizeof(int)), *to;
    if (param_of == NULL) goto failed;
    for (Py_ssize_t slot = 0; slot < m->first_input; slot++) param_of[slot] = -1;
    for (Py_ssize_t p = 0; p < params; p++) param_of[param_slots[p]] = (int)p;
    for (Py_ssize_t i = 0; i < m->count; i++) {
        layers += m->code[i].op == OP_DOTS;
        if (m->code[i].op == OP_DOTS) dots += m->code[i].aux;
    }
    m->layers = PyMem_RawMalloc((size_t)(layers + 1) * sizeof(layer));
    m->layer_params = to = PyMem_RawMalloc((size_t)(2 * dots + 1) * sizeof(int));
    m->loose = PyMem_RawMalloc((size_t)(params + 1) * sizeof(loose_param));
    if (m->layers == NULL || to == NULL || m->loose == NULL) goto failed;
    for (Py_ssize_t i = 0; i < m->count; i++) {
        const instruction *at = &m->code[i];
        layer *found = &m->layers[m->layer_count];
        if (at->op != OP_DOTS || !(at->flags & (NEED_X | NEED_Z))) continue;
        m->layer_count++;
        *found = (layer){at, to, to + at->aux};
        for (int j = 0; j < at->aux; j++) found->params[j] = param_of[m->lists[at->x + (Py_ssize_t)j * at->n]];
        for (int j = 0; j < at->aux; j++) found->biases[j] = at->z == NO_SLOT ? -1 : param_of[m->lists[at->z + j]];
        to += 2 * at->aux;
    }
    for (Py_ssize_t t = 0; t < m->layer_count; t++) /* what is left with a number is loose */
        for (int j = 0; j < m->layers[t].at->aux; j++)
            if (m->layers[t].biases[j] >= 0) param_of[param_slots[m->layers[t].biases[j]]] = -1;
    for (Py_ssize_t p = 0; p < params; p++)
        if (param_slots[p] >= m->grads_from && param_needed[p] && param_of[param_slots[p]] >= 0)
            m->loose[m->loose_count++] = (loose_param){param_slots[p], (int)p};
    PyMem_RawFree(param_of);
    return 0;
failed:
    PyMem_RawFree(param_of);
    PyErr_NoMemory();
    return -1;
}

/* A chain of arithmetic waits for each result to come back from memory, and so does its backward pass. Where an instruction
 * uses the result of the one before, it takes it from a register, and hands the gradient back in one: the other one CARRIES.
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

static PyObject *core_machine(
    PyObject *code, PyObject *lists, PyObject *outputs, PyObject *param_slots, PyObject *param_needed, Py_ssize_t slots,
    Py_ssize_t grads_from, Py_ssize_t lanes_from, Py_ssize_t first_input, Py_ssize_t input_count, Py_ssize_t aux,
    Py_ssize_t longest, PyObject *call
) {
    machine *m = PyMem_RawCalloc(1, sizeof(machine));
    int *slots_of_params = NULL, *needed = NULL;
    Py_ssize_t ints, ignored, doubles;
    PyObject *capsule;
    if (m == NULL) return PyErr_NoMemory();
    m->slots = slots;
    m->grads_from = grads_from;
    m->lanes_from = lanes_from;
    m->first_input = first_input;
    m->input_count = input_count;
    m->aux = aux;
    m->longest = longest;
    m->call = Py_NewRef(call);
    if ((m->code = (instruction *)copied_ints(code, &ints)) == NULL || (m->lists = copied_ints(lists, &ignored)) == NULL ||
        (m->outputs = copied_ints(outputs, &m->output_count)) == NULL ||
        (slots_of_params = copied_ints(param_slots, &m->param_count)) == NULL ||
        (needed = copied_ints(param_needed, &ignored)) == NULL)
        goto failed;
    m->count = ints * (Py_ssize_t)sizeof(int) / (Py_ssize_t)sizeof(instruction);
    if (divide_params(m, slots_of_params, needed, m->param_count) < 0) goto failed;
    carry_results(m);
    for (Py_ssize_t i = 0; i < m->count; i++) m->has_calls |= m->code[i].op == OP_CALL;
    doubles = WIDTH * ((slots - lanes_from) + (slots - grads_from) + aux) + ROOM * longest;
    if (doubles > PY_SSIZE_T_MAX / 16 || (m->memory = PyMem_RawMalloc((size_t)doubles * sizeof(double) + 64)) == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    m->values = (double *)(((uintptr_t)m->memory + 63) & ~(uintptr_t)63);
    m->grads = m->values + WIDTH * (slots - lanes_from);
    m->locals = m->grads + WIDTH * (slots - grads_from);
    m->scratch = m->locals + WIDTH * aux;
    capsule = PyCapsule_New(m, CAPSULE, free_capsule);
    if (capsule == NULL) goto failed;
    PyMem_RawFree(slots_of_params);
    PyMem_RawFree(needed);
    return capsule;
failed:
    PyMem_RawFree(slots_of_params);
    PyMem_RawFree(needed);
    free_machine(m);
    return NULL;
}

/* -- one call --------------------------------------------------------------------------------------------------------- */

typedef struct {
    const double *batch, *seeds;
    double *outputs, *input_gradients, *block, *total;
    const int *places;
    Py_ssize_t rows, rows_before, sums;
} job;

typedef struct {
    Py_ssize_t row; /* -1 where nothing failed */
    int guard;
    double left, right;
} failure;

static void load_scalars(const machine *m, int lanes) {
    for (Py_ssize_t slot = m->lanes_from; slot < m->first_input; slot++)
        for (int l = 0; l < lanes; l++) m->values[(slot - m->lanes_from) * lanes + l] = m->scalars[slot];
}

/* The inputs of `active` rows; lanes that have no row work on the last one again. */
static void load_rows(const machine *m, const job *j, Py_ssize_t start, int active, int lanes) {
    double *to = m->values + (m->first_input - m->lanes_from) * lanes;
    for (int l = 0; l < lanes; l++) {
        const double *row = j->batch + (start + (l < active ? l : active - 1)) * m->input_count;
        for (Py_ssize_t i = 0; i < m->input_count; i++) to[i * lanes + l] = row[i];
    }
}

static void run_backward(const machine *m, const job *j, const executor *e, int masked) {
    memset(m->grads, 0, (size_t)((m->slots - m->grads_from) * e->lanes) * sizeof(double));
    for (Py_ssize_t o = 0; o < m->output_count; o++)
        for (int l = 0; l < e->lanes; l++) m->grads[(m->outputs[o] - m->grads_from) * e->lanes + l] += j->seeds[o];
    (masked ? e->backward_masked : e->backward)(m, j->input_gradients == NULL);
}

static void end_block(const job *j) {
    for (Py_ssize_t i = 0; i < j->sums; i++) {
        j->total[i] += j->block[i];
        j->block[i] = 0.0;
    }
}

/* Add the parameters' gradients of some rows, in their order, to the sum of their block of BLOCK rows. */
static void fold(const machine *m, const job *j, const executor *e, Py_ssize_t start, int active, int masked) {
    const int lanes = e->lanes;
    int done = 0;
    while (done < active) {
        Py_ssize_t in_block = (j->rows_before + start + done) % BLOCK;
        int until = BLOCK - in_block < active - done ? done + (int)(BLOCK - in_block) : active;
        for (Py_ssize_t p = 0; p < m->loose_count; p++) {
            const double *grad = m->grads + (m->loose[p].slot - m->grads_from) * lanes;
            double *place = &j->block[j->places[m->loose[p].param]], sum = *place;
            if (lanes == WIDTH && until - done == WIDTH) {
                for (int l = 0; l < WIDTH; l++) sum += grad[l];
            } else {
                for (int l = done; l < until; l++) sum += grad[l];
            }
            *place = sum;
        }
        for (Py_ssize_t t = 0; t < m->layer_count; t++)
            e->fold_layer(m, &m->layers[t], j->places, j->block, done, until, masked);
        if ((j->rows_before + start + until) % BLOCK == 0) end_block(j);
        done = until;
    }
}

static failure failed_at(const machine *m, const instruction *i, Py_ssize_t row, int lanes) {
    const double *values = m->values;
    failure f = {row, -1, 0.0, (double)i->n};
    int slot = i->y;
    if (i->op == OP_GUARD) {
        f.guard = i->out;
        f.left = values[(i->x - m->lanes_from) * lanes];
        f.right = values[(i->y - m->lanes_from) * lanes];
        return f;
    }
    if (i->op != CODE_TAKE && takes_index(i->op)) { /* behind the list; take has it in y */
        slot = m->lists[i->x + i->n - 1];
        f.right -= 1.0;
    }
    f.left = values[(slot - m->lanes_from) * lanes];
    return f;
}

/* Which row of some failed first: they are run again one at a time. */
static failure first_failure(const machine *m, const job *j, Py_ssize_t start, int active) {
    load_scalars(m, 1);
    for (Py_ssize_t row = start; row < start + active; row++) {
        const instruction *i;
        load_rows(m, j, row, 1, 1);
        i = forward_scalar(m, 0);
        if (i != NULL) return failed_at(m, i, row, 1);
    }
    return (failure){start, -1, NAN, 0.0}; /* cannot be: the arithmetic is the same */
}

static failure run_job(const machine *m, const job *j, const executor *e) {
    const int lanes = e->lanes;
    load_scalars(m, lanes);
    for (Py_ssize_t start = 0; start < j->rows; start += lanes) {
        const int active = j->rows - start < lanes ? (int)(j->rows - start) : lanes;
        const instruction *stopped;
        int masked;
        load_rows(m, j, start, active, lanes);
        stopped = e->forward(m, j->seeds != NULL);
        if (stopped != NULL) {
            if (stopped->op == OP_CALL && PyErr_Occurred()) return (failure){start, -1, 0.0, 0.0};
            return lanes == 1 ? failed_at(m, stopped, start, 1) : first_failure(m, j, start, active);
        }
        for (Py_ssize_t o = 0; o < m->output_count; o++) {
            const double *value = m->values + (m->outputs[o] - m->lanes_from) * lanes;
            for (int l = 0; l < active; l++) j->outputs[(start + l) * m->output_count + o] = value[l];
        }
        if (j->seeds == NULL) continue;
        run_backward(m, j, e, 0);
        masked = e->in_doubt(m, j->input_gradients != NULL);
        if (masked) run_backward(m, j, e, 1);
        if (j->input_gradients != NULL) {
            const double *grad = m->grads + (m->first_input - m->grads_from) * lanes;
            for (int l = 0; l < active; l++)
                for (Py_ssize_t i = 0; i < m->input_count; i++)
                    j->input_gradients[(start + l) * m->input_count + i] = grad[i * lanes + l];
        }
        if (j->block != NULL) fold(m, j, e, start, active, masked);
    }
    return (failure){-1, 0, 0.0, 0.0};
}

enum { SCALARS, BATCH, OUTPUTS, SEEDS, INPUT_GRADIENTS, SUM_OF_BLOCK, TOTAL, PLACES, BUFFERS };

/* None, or the tuple (row, guard, left, right) of the first row that failed. Buffers may be None where they are not wanted. */
static PyObject *core_replay(
    PyObject *capsule, PyObject *scalars, PyObject *batch, Py_ssize_t rows, PyObject *outputs, PyObject *seeds,
    PyObject *input_gradients, PyObject *block, PyObject *total, Py_ssize_t rows_before, PyObject *places
) {
    PyObject *objects[BUFFERS] = {scalars, batch, outputs, seeds, input_gradients, block, total, places};
    machine *m = PyCapsule_GetPointer(capsule, CAPSULE);
    Py_buffer views[BUFFERS];
    void *at[BUFFERS] = {NULL};
    Py_ssize_t sizes[BUFFERS];
    PyObject *result = NULL;
    int held = 0;
    if (m == NULL) return NULL;
    for (; held < BUFFERS; held++) {
        int writable = held == OUTPUTS || held == INPUT_GRADIENTS || held == SUM_OF_BLOCK || held == TOTAL;
        sizes[held] = 0;
        views[held].obj = NULL;
        if (objects[held] == Py_None) continue;
        if (PyObject_GetBuffer(objects[held], &views[held], writable ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0) goto done;
        at[held] = views[held].buf;
        sizes[held] = views[held].len / (held == PLACES ? (Py_ssize_t)sizeof(int) : (Py_ssize_t)sizeof(double));
    }
    if (sizes[SCALARS] < m->first_input || sizes[BATCH] < rows * m->input_count || sizes[OUTPUTS] < rows * m->output_count ||
        (at[SEEDS] != NULL && sizes[SEEDS] < m->output_count) ||
        (at[INPUT_GRADIENTS] != NULL && sizes[INPUT_GRADIENTS] < rows * m->input_count) ||
        (at[SUM_OF_BLOCK] != NULL && (sizes[TOTAL] != sizes[SUM_OF_BLOCK] || sizes[PLACES] < m->param_count))) {
        PyErr_SetString(PyExc_ValueError, "a buffer of the replay is too small");
        goto done;
    }
    for (Py_ssize_t p = 0; at[SUM_OF_BLOCK] != NULL && p < m->param_count; p++) {
        int place = ((const int *)at[PLACES])[p];
        if (place < 0 || place >= sizes[SUM_OF_BLOCK]) {
            PyErr_SetString(PyExc_ValueError, "a parameter's place is beyond the sums");
            goto done;
        }
    }
    {
        job j = {at[BATCH], at[SEEDS], at[OUTPUTS], at[INPUT_GRADIENTS], at[SUM_OF_BLOCK], at[TOTAL], at[PLACES], rows,
                 rows_before, sizes[SUM_OF_BLOCK]};
        const executor *e = rows == 1 ? &one_row : &executors[chosen];
        failure f;
        m->scalars = at[SCALARS];
        if (m->has_calls) {
            f = run_job(m, &j, e);
        } else {
            Py_BEGIN_ALLOW_THREADS
            f = run_job(m, &j, e);
            Py_END_ALLOW_THREADS
        }
        if (PyErr_Occurred()) goto done;
        result = f.row < 0 ? Py_NewRef(Py_None) : Py_BuildValue("nidd", f.row, f.guard, f.left, f.right);
    }
done:
    while (held-- > 0)
        if (views[held].obj != NULL) PyBuffer_Release(&views[held]);
    return result;
}

#endif

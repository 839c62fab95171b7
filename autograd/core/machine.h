/* A machine: the lowered program of a tape (autograd/tape/compiled/program.py) and the memory in which it runs. */
#ifndef GLASSGRAD_MACHINE_H
#define GLASSGRAD_MACHINE_H

#include "arithmetic.h"
#include <program.h> /* the instructions */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define CASE(name, code) case code:

/* what a machine makes of +, - and *: see `carry_results` */
enum { OP_ADD = OP_DOTS + 1, OP_SUBTRACT, OP_MULTIPLY, OP_CARRIED_ADD, OP_CARRIED_SUBTRACT, OP_CARRIED_MULTIPLY };
enum { CARRIES = 256, ASSIGNS = 512 }; /* two more flags, the second of `find_first_contributions` */
#define MOST_ROWS BLOCK /* the most rows that are worked on at a time */

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

#endif

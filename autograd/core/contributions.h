/* Which instruction contributes to a gradient first: part of machine.h.
 */
#ifndef GLASSGRAD_CONTRIBUTIONS_H
#define GLASSGRAD_CONTRIBUTIONS_H

enum { CLEAN, TOUCHED, ASSIGNED };

/* Whether all gradients of some slots are CLEAN. */
static int are_clean(const machine *m, const char *state, const int *list, int first, int n) {
    for (int k = 0; k < n; k++) {
        const Py_ssize_t slot = list == NULL ? first + k : list[k];
        if (slot < m->grads_from || state[slot - m->grads_from] != CLEAN) return 0;
    }
    return 1;
}

static void set_state(const machine *m, char *state, const int *list, int first, int n, char to) {
    for (int k = 0; k < n; k++) {
        const Py_ssize_t slot = list == NULL ? first + k : list[k];
        if (slot >= m->grads_from && state[slot - m->grads_from] == CLEAN) state[slot - m->grads_from] = to;
    }
}

/* Most gradients are zero until one instruction contributes to them. Where it is a layer, or a row of one operand, it takes
 * the zero from a register: nothing is cleared before, and nothing loaded. The others are cleared: `zeroed`. Gradients of
 * scalars that are in no instruction's reach, such as those of biases in layers, are never looked at.
 */
static int find_first_contributions(machine *m) {
    const Py_ssize_t count = m->slots - m->grads_from;
    char *state = PyMem_RawCalloc((size_t)count + 1, 1);
    m->zeroed = PyMem_RawMalloc((size_t)(count + 1) * sizeof(slots_in_row));
    if (state == NULL || m->zeroed == NULL) {
        PyMem_RawFree(state);
        PyErr_NoMemory();
        return -1;
    }
    set_state(m, state, m->outputs, 0, (int)m->output_count, TOUCHED);
    set_state(m, state, NULL, (int)m->first_input, (int)m->input_count, TOUCHED);
    for (Py_ssize_t p = 0; p < m->loose_count; p++) set_state(m, state, NULL, m->loose[p].slot, 1, TOUCHED);
    for (instruction *i = m->code + m->count - 1; i >= m->code; i--) {
        const int *xs = m->lists + i->x, *ys = m->lists + i->y, n = i->n;
        const int always = i->flags & i->flags >> PARAMS_ONLY; /* what is needed with and without the inputs' gradients */
        switch (i->op) {
        case OP_GUARD: break;
        case OP_DOTS:
            if (always & NEED_Y && are_clean(m, state, ys, 0, n)) i->flags |= ASSIGNS;
            set_state(m, state, ys, 0, n, i->flags & ASSIGNS ? ASSIGNED : TOUCHED);
            break;
        LANE_ROWS1(CASE)
        CALL_ROWS1(CASE)
            if (always & NEED_X && are_clean(m, state, NULL, i->x, n)) i->flags |= ASSIGNS;
            set_state(m, state, NULL, i->x, n, i->flags & ASSIGNS ? ASSIGNED : TOUCHED);
            break;
        case OP_DOT:
        case OP_DOT_SCALARS:
        case OP_DOT_ALL_SCALARS:
            set_state(m, state, xs, 0, n, TOUCHED);
            set_state(m, state, ys, 0, n, TOUCHED);
            if (i->z != NO_SLOT) set_state(m, state, NULL, i->z, 1, TOUCHED);
            break;
        case CODE_SUM:
        case CODE_MEAN:
        case CODE_TAKE:
        case OP_TAKE_SCALARS:
        LIST_ROWS(CASE)
        case OP_CALL: set_state(m, state, xs, 0, n, TOUCHED); break;
        LANE_ROWS3(CASE) set_state(m, state, NULL, i->z, 1, TOUCHED); /* fall through */
        default:
            set_state(m, state, NULL, i->x, 1, TOUCHED);
            set_state(m, state, NULL, i->y, 1, TOUCHED);
        }
    }
    for (Py_ssize_t c = 0; c < count; c++) {
        const int slot = (int)(m->grads_from + c);
        slots_in_row *last = m->zeroed_count > 0 ? &m->zeroed[m->zeroed_count - 1] : NULL;
        if (state[c] == ASSIGNED || (state[c] == CLEAN && slot < m->first_input)) continue;
        if (last != NULL && last->slot + last->count == slot) last->count++;
        else m->zeroed[m->zeroed_count++] = (slots_in_row){slot, 1};
    }
    PyMem_RawFree(state);
    return 0;
}

#endif

/* The replay in one width and for one instruction set: executors.h includes this with NAME defined, LANES, and SHUFFLES.
 *
 * A slot has a double for each row of the batch that is worked on; an instruction is done for all of them, LANES at a time,
 * before the next. Only what `attribute` and `ivdep` say differs between instruction sets; the arithmetic, and so every
 * bit, is the same.
 */
#if LANES == 1 /* one row at a time */
typedef double NAME(lane);
#define STRIDE 1
#define WIDTH 1
#define LAYER_FORWARD of_one_row.forward
#define LAYER_BACKWARD of_one_row.backward
#define SPLAT(number) (number)
#define OF_COLUMN(address) (*(address))
#define PRODUCT(local, upstream) (masked ? f_multiply_no_nan(local, upstream) : (local) * (upstream))
#else
#define STRIDE s.stride
#define WIDTH s.width
#define LAYER_FORWARD NAME(layer_forward)
#define LAYER_BACKWARD NAME(layer_backward)
typedef double NAME(lane) __attribute__((vector_size(8 * LANES), aligned(8 * LANES), may_alias));
typedef long long NAME(mask) __attribute__((vector_size(8 * LANES)));
typedef double NAME(unaligned) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define OF_COLUMN(address) (*(NAME(unaligned) *)(address))
#define SPLAT(number) ((number) - (NAME(lane)){}) /* - 0.0, which changes nothing: + 0.0 would change -0.0 */
/* multiply_no_nan of lanes: what the masks leave of the product's bits */
#define PRODUCT(local, upstream)                                                                                       \
    (masked ? (NAME(lane))((NAME(mask))((local) * (upstream)) & ((local) != 0.0) & ((upstream) != 0.0))                \
            : (NAME(lane))((local) * (upstream)))
#endif

#define VALUE_AT(slot) (values + (Py_ssize_t)(slot) * STRIDE)
#define GRAD_AT(slot) (grads + (Py_ssize_t)(slot) * STRIDE)
#define LANE_OF(address) (*(NAME(lane) *)(address))
#define VALUE(slot) (*(const NAME(lane) *)(VALUE_AT(slot) + v))
#define GRAD(slot) LANE_OF(GRAD_AT(slot) + v)
#define GRAD_OF(slot) (*(const NAME(lane) *)(GRAD_AT(slot) + v))
#define SO_FAR(slot) (i->flags & ASSIGNS ? (NAME(lane)){0.0} : GRAD(slot)) /* the gradient before a contribution */
/* Py_ssize_t: -fwrapv, which distributions build extensions with, would make a gather of `x[v + l]` with two ints. */
#define EACH_ROW for (Py_ssize_t l = 0; l < WIDTH; l++)
#define EACH_VECTOR for (Py_ssize_t v = 0; v < WIDTH; v += LANES)
#define AT_ONCE IVDEP for (Py_ssize_t l = 0; l < LANES; l++)

#define FORWARD1(name, code)                                                                                           \
    case code: {                                                                                                       \
        for (int k = 0; k < n; k++) {                                                                                  \
            const double *x = VALUE_AT(i->x + k);                                                                      \
            double *result = out + (Py_ssize_t)k * STRIDE;                                                             \
            EACH_VECTOR AT_ONCE result[v + l] = f_##name(x[v + l]);                                                    \
        }                                                                                                              \
        break;                                                                                                         \
    }
#define FORWARD2(name, code)                                                                                           \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y);                                                         \
        EACH_VECTOR AT_ONCE out[v + l] = f_##name(x[v + l], y[v + l]);                                                 \
        break;                                                                                                         \
    }
#define FORWARD3(name, code)                                                                                           \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y), *z = VALUE_AT(i->z);                                    \
        EACH_VECTOR AT_ONCE out[v + l] = f_##name(x[v + l], y[v + l], z[v + l]);                                       \
        break;                                                                                                         \
    }

#include "layers.h"

/* Compute all values. Returns where it failed: a guard, an index out of range or a call; NULL if it did not.
 * Where `alive` is given, rows that fail a guard are struck off it and the others go on, up to the last guard or index. */
static const instruction *NAME(forward)(const machine *m, const span s, int keep, unsigned char *alive) {
    double *values = row_zero(m->values, m->lanes_from, STRIDE), *locals = m->locals;
    const double *scalars = m->scalars;
    const instruction *end = m->code + (alive == NULL ? m->count : m->guarded);
#if LANES == 1
    double last = 0.0; /* the result of the last of these instructions: */
#define ARITHMETIC(op, sign)                                                                                           \
    case OP_##op: *out = last = *VALUE_AT(i->x) sign *VALUE_AT(i->y); break;                                           \
    case OP_CARRIED_##op: *out = last = last sign *VALUE_AT(i->y); break;
#else /* other rows come between a result and its use: nothing waits for it */
#define ARITHMETIC(op, sign)                                                                                           \
    case OP_##op:                                                                                                      \
    case OP_CARRIED_##op: EACH_VECTOR LANE_OF(out + v) = VALUE(i->x) sign VALUE(i->y); break;
#endif
    for (const instruction *i = m->code; i < end; i++) {
        const int *xs = m->lists + i->x, *ys = m->lists + i->y;
        const int n = i->n;
        double *out = VALUE_AT(i->out);
        switch (i->op) {
        LANE_ROWS1(FORWARD1)
        LANE_ROWS2(FORWARD2)
        LANE_ROWS3(FORWARD3)
        ARITHMETIC(ADD, +)
        ARITHMETIC(SUBTRACT, -)
        ARITHMETIC(MULTIPLY, *)
        case OP_DOT:
            EACH_VECTOR {
                NAME(lane) total = VALUE(xs[0]) * VALUE(ys[0]);
                if (i->z != NO_SLOT) total = VALUE(i->z) + total;
                UNROLLED for (int k = 1; k < n; k++) total += VALUE(xs[k]) * VALUE(ys[k]);
                LANE_OF(out + v) = total;
            }
            break;
        case OP_DOT_SCALARS:
            EACH_VECTOR {
                NAME(lane) total = scalars[xs[0]] * VALUE(ys[0]);
                if (i->z != NO_SLOT) total = VALUE(i->z) + total;
                UNROLLED for (int k = 1; k < n; k++) total += scalars[xs[k]] * VALUE(ys[k]);
                LANE_OF(out + v) = total;
            }
            break;
        case OP_DOT_ALL_SCALARS:
            EACH_VECTOR {
                NAME(lane) total = SPLAT(scalars[xs[0]] * scalars[ys[0]]);
                if (i->z != NO_SLOT) total = VALUE(i->z) + total;
                for (int k = 1; k < n; k++) total += scalars[xs[k]] * scalars[ys[k]];
                LANE_OF(out + v) = total;
            }
            break;
        case OP_DOTS: LAYER_FORWARD(m, s, i, values); break;
        case CODE_SUM:
        case CODE_MEAN:
            EACH_VECTOR {
                NAME(lane) total = VALUE(xs[0]);
                for (int k = 1; k < n; k++) total += VALUE(xs[k]);
                if (i->op == CODE_MEAN) total /= (double)n;
                LANE_OF(out + v) = total;
            }
            break;
        case CODE_TAKE:
        case OP_TAKE_SCALARS: {
            const double *index = VALUE_AT(i->y);
            EACH_ROW {
                if (!is_index(index[l], n)) {
                    if (alive == NULL || alive[l]) return i;
                    out[l] = NAN;
                    continue;
                }
                out[l] = i->op == CODE_TAKE ? VALUE_AT(xs[(int)index[l]])[l] : scalars[xs[(int)index[l]]];
            }
            break;
        }
        LIST_ROWS(CASE)
        case OP_CALL: {
            double *x = m->scratch, *local = m->scratch + n;
            EACH_ROW {
                if (alive != NULL && !alive[l]) {
                    out[l] = NAN;
                    continue;
                }
                for (int k = 0; k < n; k++) x[k] = VALUE_AT(xs[k])[l];
                if (i->op == OP_CALL) {
                    if (call_out(m, i->z, n, x, &out[l], local) < 0) return i;
                } else if (takes_index(i->op) && !is_index(x[n - 1], n - 1)) {
                    return i;
                } else {
                    out[l] = evaluate_many(i->op, n, x, local, local + n);
                }
                if (keep)
                    for (int k = 0; k < n; k++) locals[((Py_ssize_t)i->aux + k) * STRIDE + l] = local[k];
            }
            break;
        }
        case OP_GUARD: {
            const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y);
            int same = 1;
            EACH_ROW same &= compares(i->z, x[l], y[l]) == n;
            if (same) break;
            if (alive == NULL) return i;
            EACH_ROW same |= alive[l] &= compares(i->z, x[l], y[l]) == n;
            if (!same) return i;
            break;
        }
        default: /* a row that calls libm for each number; one of one operand may have a run of them */
            if (is_binary(i->op)) {
                call_forward(i->op, WIDTH, VALUE_AT(i->x), VALUE_AT(i->y), out);
                break;
            }
            for (int k = 0; k < n; k++)
                call_forward(i->op, WIDTH, VALUE_AT(i->x + k), NULL, out + (Py_ssize_t)k * STRIDE);
        }
    }
    return NULL;
}
#undef ARITHMETIC

#define BACKWARD1(name, code)                                                                                          \
    case code: {                                                                                                       \
        for (int k = 0; k < n; k++) {                                                                                  \
            const double *x = VALUE_AT(i->x + k), *result = VALUE_AT(i->out + k);                                      \
            EACH_VECTOR {                                                                                              \
                AT_ONCE dx[l] = d0_##name(x[v + l], result[v + l]);                                                    \
                GRAD(i->x + k) = SO_FAR(i->x + k) + PRODUCT(LANE_OF(dx), GRAD(i->out + k));                            \
            }                                                                                                          \
        }                                                                                                              \
        break;                                                                                                         \
    }
#define BACKWARD2(name, code)                                                                                          \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y);                                                         \
        EACH_VECTOR {                                                                                                  \
            const NAME(lane) upstream = GRAD(i->out);                                                                  \
            if (need & NEED_X) {                                                                                       \
                AT_ONCE dx[l] = d0_##name(x[v + l], y[v + l], out[v + l]);                                             \
                GRAD(i->x) += PRODUCT(LANE_OF(dx), upstream);                                                          \
            }                                                                                                          \
            if (need & NEED_Y) {                                                                                       \
                AT_ONCE dx[l] = d1_##name(x[v + l], y[v + l], out[v + l]);                                             \
                GRAD(i->y) += PRODUCT(LANE_OF(dx), upstream);                                                          \
            }                                                                                                          \
        }                                                                                                              \
        break;                                                                                                         \
    }
#define SHARE3(d, operand)                                                                                             \
    EACH_VECTOR {                                                                                                      \
        AT_ONCE dx[l] = d(x[v + l], y[v + l], z[v + l], out[v + l]);                                                   \
        GRAD(operand) += PRODUCT(LANE_OF(dx), GRAD(i->out));                                                           \
    }
#define BACKWARD3(name, code)                                                                                          \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y), *z = VALUE_AT(i->z);                                    \
        if (need & NEED_X) SHARE3(d0_##name, i->x)                                                                     \
        if (need & NEED_Y) SHARE3(d1_##name, i->y)                                                                     \
        if (need & NEED_Z) SHARE3(d2_##name, i->z)                                                                     \
        break;                                                                                                         \
    }
#define EACH_UPSTREAM(statement)                                                                                       \
    EACH_VECTOR {                                                                                                      \
        const NAME(lane) upstream = GRAD(i->out);                                                                      \
        statement                                                                                                      \
    }

/* Add up all gradients, from the newest instruction to the oldest. `masked`: a contribution is zero where either factor
 * is; without the masks it is so too, unless the other factor is inf or nan, and then a nan comes out at a leaf. */
static ALWAYS_INLINE void NAME(backward_as)(const machine *m, const span s, const int params_only, const int masked) {
    const double *restrict values = row_zero(m->values, m->lanes_from, STRIDE);
    const double *restrict locals = m->locals, *restrict scalars = m->scalars;
    double *restrict grads = row_zero(m->grads, m->grads_from, STRIDE);
    double dx[LANES] __attribute__((aligned(8 * LANES))), dy[LANES] __attribute__((aligned(8 * LANES)));
#if LANES == 1
    double carried = 0.0; /* the whole gradient of the result that an instruction took from the one before */
#endif
    for (const instruction *i = m->code + m->count - 1; i >= m->code; i--) {
        const int need = (params_only ? i->flags >> PARAMS_ONLY : i->flags) & (NEED_X | NEED_Y | NEED_Z);
        const int *xs = m->lists + i->x, *ys = m->lists + i->y;
        const int n = i->n;
        const double *out;
#if LANES == 1
        double upstream;
        if (!need) {
            if (i->op >= OP_CARRIED_ADD) carried = *GRAD_AT(i->x);
            continue;
        }
        upstream = i->flags & CARRIES ? carried : *GRAD_AT(i->out);
#define ARITHMETIC(op, sign, to_x, to_y)                                                                               \
    case OP_##op:                                                                                                      \
        if (need & NEED_X) EACH_VECTOR GRAD(i->x) += to_x;                                                             \
        if (need & NEED_Y) EACH_VECTOR GRAD(i->y) sign to_y;                                                           \
        break;                                                                                                         \
    case OP_CARRIED_##op:                                                                                              \
        if (need & NEED_Y) EACH_VECTOR GRAD(i->y) sign to_y;                                                           \
        carried = *GRAD_AT(i->x);                                                                                      \
        if (need & NEED_X) EACH_VECTOR carried += to_x;                                                                \
        break;
#else
        if (!need) continue;
#define ARITHMETIC(op, sign, to_x, to_y)                                                                               \
    case OP_##op:                                                                                                      \
    case OP_CARRIED_##op:                                                                                              \
        if (need & NEED_X) EACH_UPSTREAM(GRAD(i->x) += to_x;)                                                          \
        if (need & NEED_Y) EACH_UPSTREAM(GRAD(i->y) sign to_y;)                                                        \
        break;
#endif
        out = VALUE_AT(i->out);
        switch (i->op) {
        LANE_ROWS1(BACKWARD1)
        LANE_ROWS2(BACKWARD2)
        LANE_ROWS3(BACKWARD3)
        ARITHMETIC(ADD, +=, upstream, upstream)
        ARITHMETIC(SUBTRACT, -=, upstream, upstream)
        ARITHMETIC(MULTIPLY, +=, PRODUCT(VALUE(i->y), upstream), PRODUCT(VALUE(i->x), upstream))
#undef ARITHMETIC
        case OP_DOT:
            EACH_VECTOR {
                const NAME(lane) upstream = GRAD(i->out);
                if (i->flags & XS_FIRST) {
                    for (int k = 0; k < n; k++) GRAD(xs[k]) += PRODUCT(VALUE(ys[k]), upstream);
                    for (int k = 0; k < n; k++) GRAD(ys[k]) += PRODUCT(VALUE(xs[k]), upstream);
                } else {
                    UNROLLED for (int k = n - 1; k >= 0; k--) {
                        GRAD(xs[k]) += PRODUCT(VALUE(ys[k]), upstream);
                        GRAD(ys[k]) += PRODUCT(VALUE(xs[k]), upstream);
                    }
                }
                if (i->z != NO_SLOT) GRAD(i->z) += upstream;
            }
            break;
        case OP_DOT_SCALARS:
            EACH_VECTOR {
                const NAME(lane) upstream = GRAD(i->out);
                if (!(need & NEED_Y)) {
                    UNROLLED for (int k = n - 1; k >= 0; k--) GRAD(xs[k]) += PRODUCT(VALUE(ys[k]), upstream);
                } else if (!(need & NEED_X)) {
                    UNROLLED for (int k = n - 1; k >= 0; k--) GRAD(ys[k]) += PRODUCT(SPLAT(scalars[xs[k]]), upstream);
                } else {
                    UNROLLED for (int k = n - 1; k >= 0; k--) {
                        GRAD(xs[k]) += PRODUCT(VALUE(ys[k]), upstream);
                        GRAD(ys[k]) += PRODUCT(SPLAT(scalars[xs[k]]), upstream);
                    }
                }
                if (i->z != NO_SLOT) GRAD(i->z) += upstream;
            }
            break;
        case OP_DOT_ALL_SCALARS:
            EACH_VECTOR {
                const NAME(lane) upstream = GRAD(i->out);
                for (int k = n - 1; k >= 0; k--) {
                    GRAD(xs[k]) += PRODUCT(SPLAT(scalars[ys[k]]), upstream);
                    GRAD(ys[k]) += PRODUCT(SPLAT(scalars[xs[k]]), upstream);
                }
                if (i->z != NO_SLOT) GRAD(i->z) += upstream;
            }
            break;
        case OP_DOTS: /* the gradients of weights and biases are summed over rows as they are worked out: fold_layer */
            if (need & NEED_Y) LAYER_BACKWARD(m, s, i, grads, masked);
            break;
        case CODE_SUM: EACH_UPSTREAM(for (int k = 0; k < n; k++) GRAD(xs[k]) += upstream;) break;
        case CODE_MEAN: EACH_UPSTREAM(for (int k = 0; k < n; k++) GRAD(xs[k]) += (1.0 / (double)n) * upstream;) break;
        case CODE_TAKE:
        case OP_TAKE_SCALARS: {
            const double *index = VALUE_AT(i->y), *from_out = GRAD_AT(i->out);
            EACH_ROW GRAD_AT(xs[(int)index[l]])[l] += from_out[l];
            break;
        }
        LIST_ROWS(CASE)
        case OP_CALL:
            EACH_VECTOR {
                const NAME(lane) upstream = GRAD(i->out);
                for (int k = 0; k < n; k++) {
                    const NAME(lane) local = *(const NAME(lane) *)(locals + ((Py_ssize_t)i->aux + k) * STRIDE + v);
                    GRAD(xs[k]) += PRODUCT(local, upstream);
                }
            }
            break;
        default:
            if (is_binary(i->op)) {
                EACH_UPSTREAM(
                    call_locals(i->op, LANES, VALUE_AT(i->x) + v, VALUE_AT(i->y) + v, out + v, dx, dy);
                    if (need & NEED_X) GRAD(i->x) += PRODUCT(LANE_OF(dx), upstream);
                    if (need & NEED_Y) GRAD(i->y) += PRODUCT(LANE_OF(dy), upstream);
                )
                break;
            }
            for (int k = 0; k < n; k++)
                EACH_VECTOR {
                    call_locals(i->op, LANES, VALUE_AT(i->x + k) + v, NULL, VALUE_AT(i->out + k) + v, dx, NULL);
                    GRAD(i->x + k) = SO_FAR(i->x + k) + PRODUCT(LANE_OF(dx), GRAD(i->out + k));
                }
        }
    }
}

static void NAME(backward)(const machine *m, const span s, int params_only) { NAME(backward_as)(m, s, params_only, 0); }

static void NAME(backward_masked)(const machine *m, const span s, int params_only) {
    NAME(backward_as)(m, s, params_only, 1);
}

/* Whether a gradient of a leaf that was asked for, or a factor of one, is not finite: then zero may have met inf or nan. */
static int NAME(in_doubt)(const machine *m, const span s, int with_params, int with_inputs) {
    const double *values = row_zero(m->values, m->lanes_from, STRIDE);
    const double *grads = row_zero(m->grads, m->grads_from, STRIDE);
    NAME(lane) doubt = SPLAT(0.0);
    double sum = 0.0;
#define ADD_DOUBT(number) /* a sum for each slot, so that few wait for one */                                            \
    {                                                                                                                  \
        NAME(lane) of_slot = SPLAT(0.0);                                                                               \
        EACH_VECTOR of_slot += (number) - (number);                                                                    \
        doubt += of_slot;                                                                                              \
    }
    if (with_inputs)
        for (Py_ssize_t i = 0; i < m->input_count; i++) ADD_DOUBT(GRAD_OF(m->first_input + i))
    if (with_params)
        for (Py_ssize_t p = 0; p < m->loose_count; p++) ADD_DOUBT(GRAD_OF(m->loose[p].slot))
    for (Py_ssize_t t = 0; with_params && t < m->layer_count; t++) {
        for (const instruction *i = m->layers[t].at; i < m->layers[t].at + m->layers[t].positions; i++) {
            for (int j = 0; j < i->aux; j++) ADD_DOUBT(GRAD_OF(i->out + j))
            for (int k = 0; k < i->n; k++) ADD_DOUBT(VALUE(m->lists[i->y + k]))
        }
    }
#undef ADD_DOUBT
    for (int l = 0; l < LANES; l++) sum += ((const double *)&doubt)[l];
    return sum != 0.0;
}

/* The same of sums that such gradients have been added to: nothing that is not finite goes from a sum again. */
static int NAME(are_finite)(const double *sums, Py_ssize_t count) {
    NAME(lane) doubts[4] = {SPLAT(0.0)};
    double doubt = 0.0;
    Py_ssize_t at = 0;
    for (; at + 4 * LANES <= count; at += 4 * LANES) /* four, so that few wait for one */
        for (int k = 0; k < 4; k++) {
            const NAME(lane) found = OF_COLUMN(sums + at + k * LANES);
            doubts[k] += found - found;
        }
    for (; at < count; at++) doubt += sums[at] - sums[at];
    for (int k = 0; k < 4; k++)
        for (int l = 0; l < LANES; l++) doubt += ((const double *)&doubts[k])[l];
    return doubt == 0.0;
}

/* Add the sums of a block to the total, and clear them. */
static void NAME(end_block)(double *restrict total, double *restrict block, Py_ssize_t count) {
    Py_ssize_t at = 0;
    for (; at + LANES <= count; at += LANES) {
        OF_COLUMN(total + at) += OF_COLUMN(block + at);
        OF_COLUMN(block + at) = SPLAT(0.0);
    }
    for (; at < count; at++) {
        total[at] += block[at];
        block[at] = 0.0;
    }
}

/* Forward on columns, each an array of its own, for as many rows from `start` on as fill all lanes. Returns the row where
 * it stopped. Numbers that are not finite make `doubt` nan, because inf - inf is. */
static Py_ssize_t NAME(columns)(
    const machine *m, const double *const *inputs, double *const *outputs, Py_ssize_t start, Py_ssize_t rows, double *doubt
) {
    const int most = LANES == 1 ? 1 : m->most_rows, stride = stride_for(m, LANES, rows);
    double *values = row_zero(m->values, m->lanes_from, stride);
    NAME(lane) sum = SPLAT(0.0);
    while (start + LANES <= rows) {
        const span s = {rows - start < most ? (int)(rows - start) / LANES * LANES : most, stride};
        for (Py_ssize_t i = 0; i < m->input_count; i++) {
            const double *from = inputs[i] + start;
            double *to = VALUE_AT(m->first_input + i);
            EACH_VECTOR LANE_OF(to + v) = OF_COLUMN(from + v);
        }
        if (NAME(forward)(m, s, 0, NULL) != NULL) return start;
        for (Py_ssize_t o = 0; o < m->output_count; o++) {
            const double *from = VALUE_AT(m->outputs[o]);
            double *to = outputs[o] + start;
            NAME(lane) of_output = SPLAT(0.0); /* a sum for each, so that few wait for one */
            EACH_VECTOR {
                const NAME(lane) found = LANE_OF(from + v);
                of_output += found - found;
                OF_COLUMN(to + v) = found;
            }
            sum += of_output;
        }
        start += WIDTH;
    }
    for (int l = 0; l < LANES; l++) *doubt += ((const double *)&sum)[l];
    return start;
}

#undef OF_COLUMN
#undef SPLAT
#undef PRODUCT
#undef VALUE_AT
#undef GRAD_AT
#undef LANE_OF
#undef VALUE
#undef GRAD
#undef EACH_ROW
#undef EACH_VECTOR
#undef EACH_UPSTREAM
#undef AT_ONCE
#undef GRAD_OF
#undef SO_FAR
#undef FORWARD1
#undef FORWARD2
#undef FORWARD3
#undef BACKWARD1
#undef BACKWARD2
#undef BACKWARD3
#undef SHARE3
#undef LANES
#undef STRIDE
#undef WIDTH
#undef LAYER_FORWARD
#undef LAYER_BACKWARD
#undef SHUFFLES
#undef NAME

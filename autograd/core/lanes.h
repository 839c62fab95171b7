/* The replay in one width and for one instruction set: replay.h includes this with LANES and NAME defined.
 *
 * A slot is a row of LANES doubles, one for each row of the batch that is worked on. Only what `attribute` and `ivdep` say
 * differs between instruction sets; the arithmetic, and so every bit, is the same.
 */
#if LANES == 1
typedef double NAME(lane);
#define SPLAT(number) (number)
#define PRODUCT(local, upstream) (masked && ((local) == 0.0 || (upstream) == 0.0) ? 0.0 : (local) * (upstream))
#else
typedef double NAME(lane) __attribute__((vector_size(8 * LANES), aligned(8 * LANES), may_alias));
typedef long long NAME(mask) __attribute__((vector_size(8 * LANES)));
#define SPLAT(number) ((number) - (NAME(lane)){}) /* - 0.0, which changes nothing: + 0.0 would change -0.0 */
/* zero where either factor is: what the masks leave of the product's bits */
#define PRODUCT(local, upstream)                                                                                       \
    (masked ? (NAME(lane))((NAME(mask))((local) * (upstream)) & ((local) != 0.0) & ((upstream) != 0.0))                \
            : (NAME(lane))((local) * (upstream)))
#endif

#define VALUE_AT(slot) (values + ((Py_ssize_t)(slot) - from) * LANES)
#define GRAD_AT(slot) (grads + (Py_ssize_t)(slot) * LANES)
#define LANE_OF(address) (*(NAME(lane) *)(address))
#define VALUE(slot) (*(const NAME(lane) *)VALUE_AT(slot))
#define GRAD(slot) LANE_OF(GRAD_AT(slot))
#define EACH for (int l = 0; l < LANES; l++)
#if LANES == 1
#define EACH_AT_ONCE EACH
#else
#define EACH_AT_ONCE _Pragma("GCC ivdep") EACH
#endif

#define FORWARD1(name, code)                                                                                           \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x);                                                                              \
        EACH_AT_ONCE out[l] = f_##name(x[l]);                                                                          \
        break;                                                                                                         \
    }
#define FORWARD2(name, code)                                                                                           \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y);                                                         \
        EACH_AT_ONCE out[l] = f_##name(x[l], y[l]);                                                                    \
        break;                                                                                                         \
    }
#define FORWARD3(name, code)                                                                                           \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y), *z = VALUE_AT(i->z);                                    \
        EACH_AT_ONCE out[l] = f_##name(x[l], y[l], z[l]);                                                              \
        break;                                                                                                         \
    }

/* Compute all values. Returns where it failed: a guard, or an index that is none; NULL where it did not. */
static const instruction *NAME(forward)(const machine *m, int keep) {
    double *values = m->values, *locals = m->locals;
    const double *scalars = m->scalars;
    const Py_ssize_t from = m->lanes_from;
    const instruction *end = m->code + m->count;
    for (const instruction *i = m->code; i < end; i++) {
        const int *xs = m->lists + i->x, *ys = m->lists + i->y;
        const int n = i->n;
        double *out = VALUE_AT(i->out);
        switch (i->op) {
        LANE_ROWS1(FORWARD1)
        LANE_ROWS2(FORWARD2)
        LANE_ROWS3(FORWARD3)
        case OP_DOT: {
            NAME(lane) total = VALUE(xs[0]) * VALUE(ys[0]);
            if (i->z != NO_SLOT) total = VALUE(i->z) + total;
            for (int k = 1; k < n; k++) total += VALUE(xs[k]) * VALUE(ys[k]);
            LANE_OF(out) = total;
            break;
        }
        case OP_DOT_SCALARS: {
            NAME(lane) total = scalars[xs[0]] * VALUE(ys[0]);
            if (i->z != NO_SLOT) total = VALUE(i->z) + total;
            for (int k = 1; k < n; k++) total += scalars[xs[k]] * VALUE(ys[k]);
            LANE_OF(out) = total;
            break;
        }
        case OP_DOT_ALL_SCALARS: {
            NAME(lane) total = SPLAT(scalars[xs[0]] * scalars[ys[0]]);
            if (i->z != NO_SLOT) total = VALUE(i->z) + total;
            for (int k = 1; k < n; k++) total += scalars[xs[k]] * scalars[ys[k]];
            LANE_OF(out) = total;
            break;
        }
        case CODE_SUM:
        case CODE_MEAN: {
            NAME(lane) total = VALUE(xs[0]);
            for (int k = 1; k < n; k++) total += VALUE(xs[k]);
            if (i->op == CODE_MEAN) total /= (double)n;
            LANE_OF(out) = total;
            break;
        }
        case CODE_TAKE:
        case OP_TAKE_SCALARS: {
            const double *index = VALUE_AT(i->y);
            EACH {
                if (!is_index(index[l], n)) return i;
                out[l] = i->op == CODE_TAKE ? VALUE_AT(xs[(int)index[l]])[l] : scalars[xs[(int)index[l]]];
            }
            break;
        }
        case CODE_PROD:
        case CODE_LOGSUMEXP:
        case CODE_SOFTMAX_CROSS_ENTROPY:
        case OP_CALL: {
            double *x = m->scratch, *local = m->scratch + n;
            EACH {
                for (int k = 0; k < n; k++) x[k] = VALUE_AT(xs[k])[l];
                if (i->op == OP_CALL) {
                    if (call_out(m, i->z, n, x, &out[l], local) < 0) return i;
                } else if (i->op == CODE_SOFTMAX_CROSS_ENTROPY && !is_index(x[n - 1], n - 1)) {
                    return i;
                } else {
                    out[l] = evaluate_many(i->op, n, x, local);
                }
                if (keep)
                    for (int k = 0; k < n; k++) locals[((Py_ssize_t)i->aux + k) * LANES + l] = local[k];
            }
            break;
        }
        case OP_GUARD: {
            const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y);
            int same = 1;
            EACH same &= compares(i->z, x[l], y[l]) == n;
            if (!same) return i;
            break;
        }
        default: /* a row that calls libm for each number; the fields that it has not name no slot and are not read */
            call_forward(i->op, LANES, VALUE_AT(i->x), VALUE_AT(i->y), out);
        }
    }
    return NULL;
}

#define BACKWARD1(name, code)                                                                                          \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x);                                                                              \
        EACH_AT_ONCE dx[l] = d0_##name(x[l], out[l]);                                                                  \
        GRAD(i->x) += PRODUCT(LANE_OF(dx), upstream);                                                                  \
        break;                                                                                                         \
    }
#define BACKWARD2(name, code)                                                                                          \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y);                                                         \
        if (need & NEED_X) {                                                                                           \
            EACH_AT_ONCE dx[l] = d0_##name(x[l], y[l], out[l]);                                                        \
            GRAD(i->x) += PRODUCT(LANE_OF(dx), upstream);                                                              \
        }                                                                                                              \
        if (need & NEED_Y) {                                                                                           \
            EACH_AT_ONCE dy[l] = d1_##name(x[l], y[l], out[l]);                                                        \
            GRAD(i->y) += PRODUCT(LANE_OF(dy), upstream);                                                              \
        }                                                                                                              \
        break;                                                                                                         \
    }
#define BACKWARD3(name, code)                                                                                          \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y), *z = VALUE_AT(i->z);                                    \
        if (need & NEED_X) {                                                                                           \
            EACH_AT_ONCE dx[l] = d0_##name(x[l], y[l], z[l], out[l]);                                                  \
            GRAD(i->x) += PRODUCT(LANE_OF(dx), upstream);                                                              \
        }                                                                                                              \
        if (need & NEED_Y) {                                                                                           \
            EACH_AT_ONCE dx[l] = d1_##name(x[l], y[l], z[l], out[l]);                                                  \
            GRAD(i->y) += PRODUCT(LANE_OF(dx), upstream);                                                              \
        }                                                                                                              \
        if (need & NEED_Z) {                                                                                           \
            EACH_AT_ONCE dx[l] = d2_##name(x[l], y[l], z[l], out[l]);                                                  \
            GRAD(i->z) += PRODUCT(LANE_OF(dx), upstream);                                                              \
        }                                                                                                              \
        break;                                                                                                         \
    }

/* Add up all gradients, from the newest instruction to the oldest. `masked`: a contribution is zero where either factor
 * is; without the masks it is so too, unless the other factor is inf or nan, and then a nan comes out at a leaf. */
static ALWAYS_INLINE void NAME(backward_as)(const machine *m, const int params_only, const int masked) {
    const double *restrict values = m->values, *restrict locals = m->locals, *restrict scalars = m->scalars;
    double *restrict grads = m->grads;
    const Py_ssize_t from = m->lanes_from;
    double dx[LANES] __attribute__((aligned(8 * LANES))), dy[LANES] __attribute__((aligned(8 * LANES)));
    for (const instruction *i = m->code + m->count - 1; i >= m->code; i--) {
        const int need = (params_only ? i->flags >> PARAMS_ONLY : i->flags) & (NEED_X | NEED_Y | NEED_Z);
        const int *xs = m->lists + i->x, *ys = m->lists + i->y;
        const int n = i->n;
        const double *out;
        NAME(lane) upstream;
        if (!need) continue;
        out = VALUE_AT(i->out);
        upstream = GRAD(i->out);
        switch (i->op) {
        LANE_ROWS1(BACKWARD1)
        LANE_ROWS2(BACKWARD2)
        LANE_ROWS3(BACKWARD3)
        case OP_DOT:
            if (i->flags & XS_FIRST) {
                for (int k = 0; k < n; k++) GRAD(xs[k]) += PRODUCT(VALUE(ys[k]), upstream);
                for (int k = 0; k < n; k++) GRAD(ys[k]) += PRODUCT(VALUE(xs[k]), upstream);
            } else {
                for (int k = n - 1; k >= 0; k--) {
                    GRAD(xs[k]) += PRODUCT(VALUE(ys[k]), upstream);
                    GRAD(ys[k]) += PRODUCT(VALUE(xs[k]), upstream);
                }
            }
            if (i->z != NO_SLOT) GRAD(i->z) += upstream;
            break;
        case OP_DOT_SCALARS:
            if (!(need & NEED_Y)) {
                for (int k = n - 1; k >= 0; k--) GRAD(xs[k]) += PRODUCT(VALUE(ys[k]), upstream);
            } else if (!(need & NEED_X)) {
                for (int k = n - 1; k >= 0; k--) GRAD(ys[k]) += PRODUCT(SPLAT(scalars[xs[k]]), upstream);
            } else {
                for (int k = n - 1; k >= 0; k--) {
                    GRAD(xs[k]) += PRODUCT(VALUE(ys[k]), upstream);
                    GRAD(ys[k]) += PRODUCT(SPLAT(scalars[xs[k]]), upstream);
                }
            }
            if (i->z != NO_SLOT) GRAD(i->z) += upstream;
            break;
        case OP_DOT_ALL_SCALARS:
            for (int k = n - 1; k >= 0; k--) {
                GRAD(xs[k]) += PRODUCT(SPLAT(scalars[ys[k]]), upstream);
                GRAD(ys[k]) += PRODUCT(SPLAT(scalars[xs[k]]), upstream);
            }
            if (i->z != NO_SLOT) GRAD(i->z) += upstream;
            break;
        case CODE_SUM:
            for (int k = 0; k < n; k++) GRAD(xs[k]) += upstream;
            break;
        case CODE_MEAN:
            for (int k = 0; k < n; k++) GRAD(xs[k]) += (1.0 / (double)n) * upstream;
            break;
        case CODE_TAKE:
        case OP_TAKE_SCALARS: {
            const double *index = VALUE_AT(i->y), *from_out = GRAD_AT(i->out);
            EACH GRAD_AT(xs[(int)index[l]])[l] += from_out[l];
            break;
        }
        case CODE_PROD:
        case CODE_LOGSUMEXP:
        case CODE_SOFTMAX_CROSS_ENTROPY:
        case OP_CALL:
            for (int k = 0; k < n; k++) {
                const NAME(lane) local = *(const NAME(lane) *)(locals + ((Py_ssize_t)i->aux + k) * LANES);
                GRAD(xs[k]) += PRODUCT(local, upstream);
            }
            break;
        default:
            call_locals(i->op, LANES, VALUE_AT(i->x), VALUE_AT(i->y), out, dx, dy);
            if (need & NEED_X) GRAD(i->x) += PRODUCT(LANE_OF(dx), upstream);
            if (need & NEED_Y) GRAD(i->y) += PRODUCT(LANE_OF(dy), upstream);
        }
    }
}

static void NAME(backward)(const machine *m, int params_only) { NAME(backward_as)(m, params_only, 0); }

static void NAME(backward_masked)(const machine *m, int params_only) { NAME(backward_as)(m, params_only, 1); }

#undef SPLAT
#undef PRODUCT
#undef VALUE_AT
#undef GRAD_AT
#undef LANE_OF
#undef VALUE
#undef GRAD
#undef EACH
#undef EACH_AT_ONCE
#undef FORWARD1
#undef FORWARD2
#undef FORWARD3
#undef BACKWARD1
#undef BACKWARD2
#undef BACKWARD3
#undef LANES
#undef NAME

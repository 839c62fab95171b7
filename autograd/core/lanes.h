/* The replay in one width and for one instruction set: replay.h includes this with NAME defined, LANES, TILE (how many
 * dots of a layer are worked on side by side: as many as there are registers for) and SHUFFLES.
 *
 * A slot is a row of LANES doubles, one for each row of the batch that is worked on. Only what `attribute` and `ivdep` say
 * differs between instruction sets; the arithmetic, and so every bit, is the same.
 */
#if LANES == 1
typedef double NAME(lane);
#define SPLAT(number) (number)
#define OF_COLUMN(address) (*(address))
#define PRODUCT(local, upstream) (masked ? f_multiply_no_nan(local, upstream) : (local) * (upstream))
#else
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

#define VALUE_AT(slot) (values + (Py_ssize_t)(slot) * LANES)
#define GRAD_AT(slot) (grads + (Py_ssize_t)(slot) * LANES)
#define LANE_OF(address) (*(NAME(lane) *)(address))
#define VALUE(slot) (*(const NAME(lane) *)VALUE_AT(slot))
#define GRAD(slot) LANE_OF(GRAD_AT(slot))
#define GRAD_OF(slot) (*(const NAME(lane) *)GRAD_AT(slot))
#define EACH for (int l = 0; l < LANES; l++)
#define AT_ONCE IVDEP
#define EACH_AT_ONCE AT_ONCE EACH

#define FORWARD1(name, code)                                                                                           \
    case code: {                                                                                                       \
        const double *x = VALUE_AT(i->x);                                                                              \
        AT_ONCE for (int l = 0; l < n * LANES; l++) out[l] = f_##name(x[l]);                                           \
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

/* `count` dots of a layer side by side, so that each number of its list is read once for all of them. */
#define LAYER_FORWARD(count)                                                                                           \
    {                                                                                                                  \
        NAME(lane) total[count];                                                                                       \
        const double *weights[count];                                                                                  \
        for (int c = 0; c < count; c++) weights[c] = scalars + xs[(Py_ssize_t)(j + c) * n];                            \
        for (int c = 0; c < count; c++) total[c] = weights[c][0] * VALUE(ys[0]);                                       \
        if (biases != NULL && i->flags & BIAS_FIRST)                                                                   \
            for (int c = 0; c < count; c++) total[c] = scalars[biases[j + c]] + total[c];                              \
        for (int k = 1; k < n; k++) {                                                                                  \
            const NAME(lane) y = VALUE(ys[k]);                                                                         \
            for (int c = 0; c < count; c++) total[c] += weights[c][k] * y;                                             \
        }                                                                                                              \
        if (biases != NULL && !(i->flags & BIAS_FIRST))                                                                \
            for (int c = 0; c < count; c++) total[c] += scalars[biases[j + c]];                                        \
        for (int c = 0; c < count; c++) LANE_OF(out + (j + c) * LANES) = total[c];                                     \
    }

/* The gradients of `count` numbers of the list of a layer, which its dots contribute to from the last. */
#define LAYER_BACKWARD(count)                                                                                          \
    {                                                                                                                  \
        NAME(lane) total[count];                                                                                       \
        for (int c = 0; c < count; c++) total[c] = GRAD(ys[k + c]);                                                    \
        for (int j = i->aux - 1; j >= 0; j--) {                                                                        \
            const NAME(lane) g = LANE_OF(GRAD_AT(i->out) + j * LANES);                                                 \
            const double *weights = scalars + xs[(Py_ssize_t)j * n] + k;                                               \
            for (int c = 0; c < count; c++) total[c] += PRODUCT(SPLAT(weights[c]), g);                                 \
        }                                                                                                              \
        for (int c = 0; c < count; c++) GRAD(ys[k + c]) = total[c];                                                    \
    }

/* Compute all values. Returns where it failed: a guard, an index out of range or a call; NULL if it did not.
 * Where `alive` is given, rows that fail a guard are struck off it and the others go on, up to the last guard or index. */
static const instruction *NAME(forward)(const machine *m, int keep, unsigned char *alive) {
    double *values = row_zero(m->values, m->lanes_from, LANES), *locals = m->locals;
    const double *scalars = m->scalars;
    const instruction *end = m->code + (alive == NULL ? m->count : m->guarded);
    NAME(lane) last = SPLAT(0.0); /* the result of the last of these instructions: */
#define ARITHMETIC(op, result)                                                                                         \
    case op: last = result; LANE_OF(out) = last; break;
    for (const instruction *i = m->code; i < end; i++) {
        const int *xs = m->lists + i->x, *ys = m->lists + i->y;
        const int n = i->n;
        double *out = VALUE_AT(i->out);
        switch (i->op) {
        LANE_ROWS1(FORWARD1)
        LANE_ROWS2(FORWARD2)
        LANE_ROWS3(FORWARD3)
        ARITHMETIC(OP_ADD, VALUE(i->x) + VALUE(i->y))
        ARITHMETIC(OP_SUBTRACT, VALUE(i->x) - VALUE(i->y))
        ARITHMETIC(OP_MULTIPLY, VALUE(i->x) * VALUE(i->y))
        ARITHMETIC(OP_CARRIED_ADD, last + VALUE(i->y))
        ARITHMETIC(OP_CARRIED_SUBTRACT, last - VALUE(i->y))
        ARITHMETIC(OP_CARRIED_MULTIPLY, last * VALUE(i->y))
        case OP_DOT: {
            NAME(lane) total = VALUE(xs[0]) * VALUE(ys[0]);
            if (i->z != NO_SLOT) total = VALUE(i->z) + total;
            UNROLLED for (int k = 1; k < n; k++) total += VALUE(xs[k]) * VALUE(ys[k]);
            LANE_OF(out) = total;
            break;
        }
        case OP_DOT_SCALARS: {
            NAME(lane) total = scalars[xs[0]] * VALUE(ys[0]);
            if (i->z != NO_SLOT) total = VALUE(i->z) + total;
            UNROLLED for (int k = 1; k < n; k++) total += scalars[xs[k]] * VALUE(ys[k]);
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
        case OP_DOTS: {
            const int *biases = i->z != NO_SLOT ? m->lists + i->z : NULL;
            int j = 0;
            for (; j + TILE <= i->aux; j += TILE) LAYER_FORWARD(TILE)
            for (; j + 2 <= i->aux; j += 2) LAYER_FORWARD(2)
            for (; j < i->aux; j++) LAYER_FORWARD(1)
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
            EACH {
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
                    for (int k = 0; k < n; k++) locals[((Py_ssize_t)i->aux + k) * LANES + l] = local[k];
            }
            break;
        }
        case OP_GUARD: {
            const double *x = VALUE_AT(i->x), *y = VALUE_AT(i->y);
            int same = 1;
            EACH same &= compares(i->z, x[l], y[l]) == n;
            if (same) break;
            if (alive == NULL) return i;
            EACH same |= alive[l] &= compares(i->z, x[l], y[l]) == n;
            if (!same) return i;
            break;
        }
        default: /* a row that calls libm for each number; one of one operand may have a run of them */
            call_forward(i->op, is_binary(i->op) ? LANES : n * LANES, VALUE_AT(i->x), VALUE_AT(i->y), out);
        }
    }
    return NULL;
}

#define BACKWARD1(name, code)                                                                                          \
    case code: {                                                                                                       \
        for (int k = 0; k < n; k++) {                                                                                  \
            const double *x = VALUE_AT(i->x + k), *result = VALUE_AT(i->out + k);                                      \
            EACH_AT_ONCE dx[l] = d0_##name(x[l], result[l]);                                                           \
            GRAD(i->x + k) += PRODUCT(LANE_OF(dx), GRAD(i->out + k));                                                  \
        }                                                                                                              \
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
    const double *restrict values = row_zero(m->values, m->lanes_from, LANES);
    const double *restrict locals = m->locals, *restrict scalars = m->scalars;
    double *restrict grads = row_zero(m->grads, m->grads_from, LANES);
    double dx[LANES] __attribute__((aligned(8 * LANES))), dy[LANES] __attribute__((aligned(8 * LANES)));
    NAME(lane) carried = SPLAT(0.0); /* the whole gradient of the result that an instruction took from the one before */
    for (const instruction *i = m->code + m->count - 1; i >= m->code; i--) {
        const int need = (params_only ? i->flags >> PARAMS_ONLY : i->flags) & (NEED_X | NEED_Y | NEED_Z);
        const int *xs = m->lists + i->x, *ys = m->lists + i->y;
        const int n = i->n;
        const double *out;
        NAME(lane) upstream;
        if (!need) {
            if (i->op >= OP_CARRIED_ADD) carried = GRAD(i->x);
            continue;
        }
        out = VALUE_AT(i->out);
        upstream = i->flags & CARRIES ? (NAME(lane))carried : (NAME(lane))GRAD(i->out);
        switch (i->op) {
        LANE_ROWS1(BACKWARD1)
        LANE_ROWS2(BACKWARD2)
        LANE_ROWS3(BACKWARD3)
        case OP_ADD:
            if (need & NEED_X) GRAD(i->x) += upstream;
            if (need & NEED_Y) GRAD(i->y) += upstream;
            break;
        case OP_SUBTRACT:
            if (need & NEED_X) GRAD(i->x) += upstream;
            if (need & NEED_Y) GRAD(i->y) -= upstream;
            break;
        case OP_MULTIPLY:
            if (need & NEED_X) GRAD(i->x) += PRODUCT(VALUE(i->y), upstream);
            if (need & NEED_Y) GRAD(i->y) += PRODUCT(VALUE(i->x), upstream);
            break;
        case OP_CARRIED_ADD:
            if (need & NEED_Y) GRAD(i->y) += upstream;
            carried = GRAD(i->x);
            if (need & NEED_X) carried += upstream;
            break;
        case OP_CARRIED_SUBTRACT:
            if (need & NEED_Y) GRAD(i->y) -= upstream;
            carried = GRAD(i->x);
            if (need & NEED_X) carried += upstream;
            break;
        case OP_CARRIED_MULTIPLY:
            if (need & NEED_Y) GRAD(i->y) += PRODUCT(VALUE(i->x), upstream);
            carried = GRAD(i->x);
            if (need & NEED_X) carried += PRODUCT(VALUE(i->y), upstream);
            break;
        case OP_DOT:
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
            break;
        case OP_DOT_SCALARS:
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
            break;
        case OP_DOT_ALL_SCALARS:
            for (int k = n - 1; k >= 0; k--) {
                GRAD(xs[k]) += PRODUCT(SPLAT(scalars[ys[k]]), upstream);
                GRAD(ys[k]) += PRODUCT(SPLAT(scalars[xs[k]]), upstream);
            }
            if (i->z != NO_SLOT) GRAD(i->z) += upstream;
            break;
        case OP_DOTS: /* the gradients of weights and biases are summed over rows as they are worked out: fold_layer */
            if (need & NEED_Y) {
                int k = 0;
                for (; k + TILE <= n; k += TILE) LAYER_BACKWARD(TILE)
                for (; k + 2 <= n; k += 2) LAYER_BACKWARD(2)
                for (; k < n; k++) LAYER_BACKWARD(1)
            }
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
        LIST_ROWS(CASE)
        case OP_CALL:
            for (int k = 0; k < n; k++) {
                const NAME(lane) local = *(const NAME(lane) *)(locals + ((Py_ssize_t)i->aux + k) * LANES);
                GRAD(xs[k]) += PRODUCT(local, upstream);
            }
            break;
        default:
            if (!is_binary(i->op)) {
                for (int k = 0; k < n; k++) {
                    call_locals(i->op, LANES, VALUE_AT(i->x + k), NULL, VALUE_AT(i->out + k), dx, NULL);
                    GRAD(i->x + k) += PRODUCT(LANE_OF(dx), GRAD(i->out + k));
                }
                break;
            }
            call_locals(i->op, LANES, VALUE_AT(i->x), VALUE_AT(i->y), out, dx, dy);
            if (need & NEED_X) GRAD(i->x) += PRODUCT(LANE_OF(dx), upstream);
            if (need & NEED_Y) GRAD(i->y) += PRODUCT(LANE_OF(dy), upstream);
        }
    }
}

static void NAME(backward)(const machine *m, int params_only) { NAME(backward_as)(m, params_only, 0); }

static void NAME(backward_masked)(const machine *m, int params_only) { NAME(backward_as)(m, params_only, 1); }

/* Whether a gradient of a leaf that was asked for, or a factor of one, is not finite: then zero may have met inf or nan. */
static int NAME(in_doubt)(const machine *m, int with_inputs) {
    const double *values = row_zero(m->values, m->lanes_from, LANES);
    const double *grads = row_zero(m->grads, m->grads_from, LANES);
    NAME(lane) doubt = SPLAT(0.0);
    double sum = 0.0;
    for (Py_ssize_t p = 0; p < m->loose_count; p++) doubt += GRAD_OF(m->loose[p].slot) - GRAD_OF(m->loose[p].slot);
    if (with_inputs)
        for (Py_ssize_t i = 0; i < m->input_count; i++)
            doubt += GRAD_OF(m->first_input + i) - GRAD_OF(m->first_input + i);
    for (Py_ssize_t t = 0; t < m->layer_count; t++) {
        const instruction *i = m->layers[t].at;
        for (int j = 0; j < i->aux; j++) doubt += GRAD_OF(i->out + j) - GRAD_OF(i->out + j);
        for (int k = 0; k < i->n; k++) {
            const NAME(lane) y = VALUE(m->lists[i->y + k]);
            doubt += y - y;
        }
    }
    EACH sum += ((const double *)&doubt)[l];
    return sum != 0.0;
}

#if SHUFFLES
/* The lanes that have rows; the others count as zero, and to add zero to a sum that began with zero changes nothing. */
#define OF_ROWS(address) (whole ? (address) : NAME(only)(address, begin, end, partial))
static inline const double *NAME(only)(const double *lanes, int begin, int end, double *partial) {
    for (int l = 0; l < LANES; l++) partial[l] = l >= begin && l < end ? lanes[l] : 0.0;
    return partial;
}

/* Eight numbers of eight rows: from a vector a number to a vector a row. */
static ALWAYS_INLINE void NAME(transpose)(NAME(lane) *r) {
    NAME(lane) a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < 8; i += 4) {
        for (int j = i; j < i + 2; j++) {
            b[j] = __builtin_shufflevector(a[j], a[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            b[j + 2] = __builtin_shufflevector(a[j], a[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    for (int i = 0; i < 4; i++) {
        r[i] = __builtin_shufflevector(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
#endif

/* Add the gradients of the weights and biases of a layer, of the rows in lanes `begin` to `end`, to the sums of their block:
 * row after row. Where the weights of each dot have their sums side by side, eight weights of a dot at a time; those that
 * are left, and the biases, for eight dots at a time. */
static void NAME(fold_layer)(
    const machine *m, const layer *which, const int *places, double *restrict block, int begin, int end, const int masked
) {
    const instruction *i = which->at;
    const double *values = row_zero(m->values, m->lanes_from, LANES);
    const double *grads = row_zero(m->grads, m->grads_from, LANES);
    const int *ys = m->lists + i->y;
    int first = 0, dots = 0; /* the first weight and the first dot that are still to do */
#if SHUFFLES
    double partial[LANES];
    typedef NAME(lane) anywhere __attribute__((aligned(8), may_alias));
    const int whole = begin == 0 && end == LANES;
    int side_by_side = !masked;
    for (int j = 0; j < i->aux && side_by_side; j++) {
        const int *place = places + which->params[j];
        side_by_side = place[i->n - 1] - place[0] == i->n - 1;
    }
    for (; side_by_side && first + 8 <= i->n; first += 8) {
        NAME(lane) rows[8];
        for (int k = 0; k < 8; k++) rows[k] = VALUE(ys[first + k]);
        NAME(transpose)(rows);
        for (int l = 0; l < LANES && !whole; l++)
            if (l < begin || l >= end) rows[l] = SPLAT(0.0);
        for (int j = 0; j < i->aux; j++) {
            const double *upstream = OF_ROWS(GRAD_AT(i->out + j));
            anywhere *sums = (anywhere *)(block + places[which->params[j]] + first);
            NAME(lane) sum = *sums;
            for (int l = 0; l < LANES; l++) sum += rows[l] * upstream[l];
            *sums = sum;
        }
    }
    for (; side_by_side && dots + 8 <= i->aux; dots += 8) {
        const int *params = which->params + dots, *biases = which->biases + dots;
        NAME(lane) rows[8], sum = SPLAT(0.0);
        for (int c = 0; c < 8; c++) rows[c] = LANE_OF(GRAD_AT(i->out + dots + c));
        NAME(transpose)(rows);
        for (int l = 0; l < LANES && !whole; l++)
            if (l < begin || l >= end) rows[l] = SPLAT(0.0);
        for (int k = first; k < i->n; k++) {
            const double *y = OF_ROWS(VALUE_AT(ys[k]));
            for (int c = 0; c < 8; c++) sum[c] = block[places[params[c]] + k];
            for (int l = 0; l < LANES; l++) sum += rows[l] * y[l];
            for (int c = 0; c < 8; c++) block[places[params[c]] + k] = sum[c];
        }
        for (int c = 0; c < 8; c++) sum[c] = biases[c] >= 0 ? block[places[biases[c]]] : 0.0;
        for (int l = 0; l < LANES; l++) sum += rows[l];
        for (int c = 0; c < 8; c++)
            if (biases[c] >= 0) block[places[biases[c]]] = sum[c];
    }
#endif
    for (int j = dots; j < i->aux; j++) {
        const double *upstream = GRAD_AT(i->out + j);
        if (which->biases[j] < 0) continue;
        double sum = block[places[which->biases[j]]];
        for (int l = begin; l < end; l++) sum += upstream[l];
        block[places[which->biases[j]]] = sum;
    }
    for (int j = dots; j < i->aux; j++) {
        const double *upstream = GRAD_AT(i->out + j);
        const int *place = places + which->params[j];
        for (int k = first; k < i->n; k++) {
            const double *y = VALUE_AT(ys[k]);
            double sum = block[place[k]];
            for (int l = begin; l < end; l++)
                sum += masked ? f_multiply_no_nan(y[l], upstream[l]) : y[l] * upstream[l];
            block[place[k]] = sum;
        }
    }
}

/* Forward on columns, each an array of its own, for as many rows from `start` on as fill all lanes. Returns the row where
 * it stopped. Numbers that are not finite make `doubt` nan, because inf - inf is. */
static Py_ssize_t NAME(columns)(
    const machine *m, const double *const *inputs, double *const *outputs, Py_ssize_t start, Py_ssize_t rows, double *doubt
) {
    double *values = row_zero(m->values, m->lanes_from, LANES);
    NAME(lane) sum = SPLAT(0.0);
    for (; start + LANES <= rows; start += LANES) {
        for (Py_ssize_t i = 0; i < m->input_count; i++) LANE_OF(VALUE_AT(m->first_input + i)) = OF_COLUMN(inputs[i] + start);
        if (NAME(forward)(m, 0, NULL) != NULL) return start;
        for (Py_ssize_t o = 0; o < m->output_count; o++) {
            const NAME(lane) found = VALUE(m->outputs[o]);
            sum += found - found;
            OF_COLUMN(outputs[o] + start) = found;
        }
    }
#if LANES == 1
    *doubt += sum;
#else
    for (int l = 0; l < LANES; l++) *doubt += sum[l];
#endif
    return start;
}

#undef OF_COLUMN
#undef OF_ROWS
#undef SPLAT
#undef PRODUCT
#undef VALUE_AT
#undef GRAD_AT
#undef LANE_OF
#undef VALUE
#undef GRAD
#undef EACH
#undef AT_ONCE
#undef EACH_AT_ONCE
#undef GRAD_OF
#undef LAYER_FORWARD
#undef LAYER_BACKWARD
#undef ARITHMETIC
#undef FORWARD1
#undef FORWARD2
#undef FORWARD3
#undef BACKWARD1
#undef BACKWARD2
#undef BACKWARD3
#undef LANES
#undef TILE
#undef SHUFFLES
#undef NAME

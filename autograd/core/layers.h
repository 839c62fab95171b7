/* Layers, which are dots over one list: lanes.h includes this for each width. Every product goes through tiles that keep
 * their sums in registers: so many dots (or numbers of the list) by so many vectors, both known to the compiler. A vector
 * is of rows of the batch; where one row is run alone, of dots or of numbers of the list.
 */
#if LANES == 8 /* there are 32 registers then */
#define TALL 8
#else
#define TALL 4
#endif
#define FEW (LANES == 2 ? 4 : 2)
#define ALL(index, count) FLATTENED for (int index = 0; index < (count); index++)

/* Dots `at` and after, for the rows from `row` on. */
#define FORWARD_TILE(height, vectors)                                                                                  \
    {                                                                                                                  \
        NAME(lane) total[height][vectors];                                                                             \
        const double *weights[height], *first = VALUE_AT(ys[0]) + row;                                                 \
        ALL(c, height) weights[c] = scalars + xs[(Py_ssize_t)(at + c) * n];                                            \
        ALL(c, height) ALL(v, vectors) total[c][v] = weights[c][0] * LANE_OF(first + v * LANES);                       \
        if (biases != NULL && i->flags & BIAS_FIRST)                                                                   \
            ALL(c, height) ALL(v, vectors) total[c][v] = scalars[biases[at + c]] + total[c][v];                        \
        for (int k = 1; k < n; k++) {                                                                                  \
            const double *y = VALUE_AT(ys[k]) + row;                                                                   \
            ALL(c, height) ALL(v, vectors) total[c][v] += weights[c][k] * LANE_OF(y + v * LANES);                      \
        }                                                                                                              \
        if (biases != NULL && !(i->flags & BIAS_FIRST))                                                                \
            ALL(c, height) ALL(v, vectors) total[c][v] += scalars[biases[at + c]];                                     \
        ALL(c, height) ALL(v, vectors) LANE_OF(VALUE_AT(i->out + at + c) + row + v * LANES) = total[c][v];             \
    }

/* The gradients of the numbers `at` and after of the list, which the dots contribute to from the last. */
#define BACKWARD_TILE(height, vectors)                                                                                 \
    {                                                                                                                  \
        NAME(lane) total[height][vectors];                                                                             \
        if (i->flags & ASSIGNS) ALL(c, height) ALL(v, vectors) total[c][v] = SPLAT(0.0);                               \
        else ALL(c, height) ALL(v, vectors) total[c][v] = LANE_OF(GRAD_AT(ys[at + c]) + row + v * LANES);              \
        for (int j = i->aux - 1; j >= 0; j--) {                                                                        \
            const double *g = GRAD_AT(i->out + j) + row, *weights = WEIGHTS_OF(j, height);                             \
            ALL(c, height) ALL(v, vectors) total[c][v] += PRODUCT(SPLAT(weights[c]), LANE_OF(g + v * LANES));          \
        }                                                                                                              \
        ALL(c, height) ALL(v, vectors) LANE_OF(GRAD_AT(ys[at + c]) + row + v * LANES) = total[c][v];                   \
    }

#define ALONG_ROWS(tile, height, vectors)                                                                              \
    {                                                                                                                  \
        int row = 0;                                                                                                   \
        for (; row + (vectors) * LANES <= WIDTH; row += (vectors) * LANES) tile(height, vectors)                       \
        for (; row < WIDTH; row += LANES) tile(height, 1)                                                              \
    }
#define FORWARD(height, vectors) ALONG_ROWS(FORWARD_TILE, height, vectors)

#if LANES == 1
#define WEIGHTS_OF(j, height) (scalars + xs[(Py_ssize_t)(j) * n] + at)
#define BACKWARD(height, vectors) ALONG_ROWS(BACKWARD_TILE, height, vectors)
#define TILES(along, count)                                                                                            \
    for (; at + 4 <= (count); at += 4) along(4, 1)                                                                     \
    for (; at + 2 <= (count); at += 2) along(2, 1)                                                                     \
    for (; at < (count); at++) along(1, 1)
#else
/* The weights of a tile are copied side by side: where they lie, the same few of each dot share places of the cache. */
#define WEIGHTS_OF(j, height) (m->scratch + (Py_ssize_t)(j) * (height))
#define BACKWARD(height, vectors)                                                                                      \
    {                                                                                                                  \
        for (int j = 0; j < i->aux; j++) {                                                                             \
            const double *from = scalars + xs[(Py_ssize_t)j * n] + at;                                                 \
            ALL(c, height) WEIGHTS_OF(j, height)[c] = from[c];                                                         \
        }                                                                                                              \
        ALONG_ROWS(BACKWARD_TILE, height, vectors)                                                                     \
    }
/* Eight sums at a time, so that none waits for itself. */
#define TILES(along, count)                                                                                            \
    if (WIDTH == LANES)                                                                                                \
        for (; at + 8 <= (count); at += 8) along(8, 1)                                                                 \
    for (; at + TALL <= (count); at += TALL) along(TALL, 2)                                                            \
    for (; at + 4 <= (count); at += 4) along(4, 2)                                                                     \
    for (; at < (count); at++) along(1, 4)
#endif

static APART void NAME(layer_forward)(const machine *m, const span s, const instruction *i, double *values) {
    const int *xs = m->lists + i->x, *ys = m->lists + i->y, *biases = i->z != NO_SLOT ? m->lists + i->z : NULL;
    const double *scalars = m->scalars;
    const int n = i->n;
    int at = 0;
    TILES(FORWARD, i->aux)
}

static ALWAYS_INLINE void NAME(layer_backward_as)(
    const machine *m, const span s, const instruction *i, double *grads, const int masked
) {
    const int *xs = m->lists + i->x, *ys = m->lists + i->y;
    const double *scalars = m->scalars;
    const int n = i->n;
    int at = 0;
    TILES(BACKWARD, n)
}

static APART void NAME(layer_backward)(const machine *m, const span s, const instruction *i, double *grads, int masked) {
    if (masked) NAME(layer_backward_as)(m, s, i, grads, 1);
    else NAME(layer_backward_as)(m, s, i, grads, 0);
}

#if LANES > 1
/* As many numbers of as many rows: from a vector per number to a vector per row. */
static ALWAYS_INLINE void NAME(transpose)(NAME(lane) *r) {
    NAME(lane) a[LANES];
#if !SHUFFLES
    for (int i = 0; i < LANES; i++) a[i] = r[i];
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < LANES; j++) r[i][j] = a[j][i];
#elif LANES == 2
    for (int i = 0; i < 2; i++) a[i] = r[i];
    r[0] = __builtin_shufflevector(a[0], a[1], 0, 2);
    r[1] = __builtin_shufflevector(a[0], a[1], 1, 3);
#elif LANES == 4
    for (int i = 0; i < 4; i += 2) {
        a[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 4, 2, 6);
        a[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 5, 3, 7);
    }
    for (int i = 0; i < 2; i++) {
        r[i] = __builtin_shufflevector(a[i], a[i + 2], 0, 1, 4, 5);
        r[i + 2] = __builtin_shufflevector(a[i], a[i + 2], 2, 3, 6, 7);
    }
#else
    NAME(lane) b[8];
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
#endif
}

/* What a fold works on: a layer, and where each of its parameters has its sum. */
typedef struct {
    const instruction *i;
    const layer *which;
    const int *places;
    double *block;
    int side_by_side; /* the weights of each dot have their sums so */
} NAME(folding);

/* Where the sum of a column of a dot is: of a weight, or behind the weights of the bias; NULL where there is none. */
static inline double *NAME(sum_at)(const NAME(folding) *f, int dot, int column) {
    const int n = f->i->n, bias = f->which->biases[dot];
    if (column < n) return f->block + f->places[f->which->params[dot] + column];
    return column == n && bias >= 0 ? f->block + f->places[bias] : NULL;
}

/* The columns of the list from `column` on, and behind them a column of ones for the biases: row by row in `panel`. */
static ALWAYS_INLINE void NAME(fill_panel)(
    const machine *m, const span s, const instruction *i, int column, const int vectors, int begin, int end, double *panel
) {
    const double *values = row_zero(m->values, m->lanes_from, STRIDE);
    const int *ys = m->lists + i->y;
    for (int v = 0; v < vectors; v++) {
        const double *from[LANES];
        for (int c = 0; c < LANES; c++) {
            const int k = column + v * LANES + c;
            from[c] = k < i->n ? VALUE_AT(ys[k]) : constant_rows[k == i->n];
        }
        for (Py_ssize_t row = begin - begin % LANES; row < end; row += LANES) {
            NAME(lane) rows[LANES];
            for (int c = 0; c < LANES; c++) rows[c] = LANE_OF(from[c] + row);
            NAME(transpose)(rows);
            for (int l = 0; l < LANES; l++) LANE_OF(panel + ((row + l) * vectors + v) * LANES) = rows[l];
        }
    }
}

/* The sums of dots `at` and after, of the columns in the panel: row after row, from the left. */
#define FOLD_TILE(height, vectors)                                                                                     \
    {                                                                                                                  \
        NAME(lane) sums[height][vectors];                                                                              \
        const double *g = GRAD_AT(i->out + at);                                                                        \
        double *to[height] = {NULL};                                                                                   \
        if (direct) {                                                                                                  \
            ALL(c, height) to[c] = NAME(sum_at)(f, at + c, column);                                                    \
            ALL(c, height) ALL(v, vectors) sums[c][v] = OF_COLUMN(to[c] + v * LANES);                                  \
        } else {                                                                                                       \
            for (int c = 0; c < (height); c++)                                                                           \
                for (int w = 0; w < here; w++) {                                                                       \
                    const double *sum = NAME(sum_at)(f, at + c, column + w);                                           \
                    held[c][w] = sum == NULL ? 0.0 : *sum;                                                             \
                }                                                                                                      \
            ALL(c, height) ALL(v, vectors) sums[c][v] = LANE_OF(held[c] + v * LANES);                                  \
        }                                                                                                              \
        for (int l = begin; l < end; l++) {                                                                            \
            const double *y = panel + l * (vectors) * LANES;                                                           \
            ALL(c, height) ALL(v, vectors) sums[c][v] += LANE_OF(y + v * LANES) * g[c * (Py_ssize_t)STRIDE + l];       \
        }                                                                                                              \
        if (direct) {                                                                                                  \
            ALL(c, height) ALL(v, vectors) OF_COLUMN(to[c] + v * LANES) = sums[c][v];                                  \
        } else {                                                                                                       \
            ALL(c, height) ALL(v, vectors) LANE_OF(held[c] + v * LANES) = sums[c][v];                                  \
            for (int c = 0; c < (height); c++)                                                                           \
                for (int w = 0; w < here; w++) {                                                                       \
                    double *sum = NAME(sum_at)(f, at + c, column + w);                                                 \
                    if (sum != NULL) *sum = held[c][w];                                                                \
                }                                                                                                      \
        }                                                                                                              \
    }

#define FOLD_PANEL(height, vectors)                                                                                    \
    {                                                                                                                  \
        const int direct = f->side_by_side && column + (vectors) * LANES <= i->n;                                      \
        const int here = columns - column < (vectors) * LANES ? columns - column : (vectors) * LANES;                  \
        int at = 0;                                                                                                    \
        NAME(fill_panel)(m, s, i, column, vectors, begin, end, panel);                                                 \
        for (; at + (height) <= i->aux; at += (height)) FOLD_TILE(height, vectors)                                     \
        for (; at < i->aux; at++) FOLD_TILE(1, vectors)                                                                \
    }

/* The sums of the biases of dots `at` and after. */
#define FOLD_BIASES(height)                                                                                            \
    {                                                                                                                  \
        const double *g = GRAD_AT(i->out + at);                                                                        \
        double sums[height];                                                                                           \
        for (int c = 0; c < (height); c++) {                                                                             \
            const double *sum = NAME(sum_at)(f, at + c, i->n);                                                         \
            sums[c] = sum == NULL ? 0.0 : *sum;                                                                        \
        }                                                                                                              \
        for (int l = begin; l < end; l++) ALL(c, height) sums[c] += g[c * (Py_ssize_t)STRIDE + l];                     \
        for (int c = 0; c < (height); c++) {                                                                             \
            double *sum = NAME(sum_at)(f, at + c, i->n);                                                               \
            if (sum != NULL) *sum = sums[c];                                                                           \
        }                                                                                                              \
    }

static void NAME(fold_panels)(const machine *m, const span s, const NAME(folding) *f, int begin, int end) {
    const instruction *i = f->i;
    const double *grads = row_zero(m->grads, m->grads_from, STRIDE);
    const int with_ones = i->z != NO_SLOT && i->n % LANES, columns = i->n + with_ones; /* where there is room for ones */
    double panel[MOST_ROWS * 2 * LANES] __attribute__((aligned(8 * LANES)));
    double held[8][2 * LANES] __attribute__((aligned(8 * LANES))) = {{0.0}}; /* columns behind the last stay as they are */
    int column = 0;
    for (; column + LANES < columns; column += 2 * LANES) FOLD_PANEL(TALL, 2)
    if (column < columns) FOLD_PANEL(8, 1)
    if (i->z != NO_SLOT && !with_ones) {
        int at = 0;
        for (; at + 8 <= i->aux; at += 8) FOLD_BIASES(8)
        for (; at < i->aux; at++) FOLD_BIASES(1)
    }
}

/* The sums of the dots `at` and after, of the columns from `column` to `last`, over rows and over positions: for each row
 * the sum over the positions is complete before it is added. The products lie row beside row, as values and gradients do,
 * and are transposed once. */
#define FOLD_POSITIONS(height)                                                                                         \
    {                                                                                                                  \
        NAME(lane) sums[height];                                                                                       \
        ALL(c, height) sums[c] = NAME(sums_of)(f, at + c, column, last);                                               \
        for (int l = begin - begin % LANES; l < end; l += LANES) {                                                     \
            NAME(lane) products[height][LANES];                                                                        \
            ALL(c, height) ALL(k, LANES) products[c][k] = SPLAT(0.0);                                                  \
            for (const instruction *i = first; i < first + f->which->positions; i++) {                                 \
                const int *ys = m->lists + i->y;                                                                       \
                const double *g = GRAD_AT(i->out + at) + l;                                                            \
                ALL(k, LANES) {                                                                                        \
                    const NAME(lane) y = LANE_OF(VALUE_AT(ys[column + k < last ? column + k : last]) + l);             \
                    ALL(c, height) products[c][k] += y * LANE_OF(g + c * (Py_ssize_t)STRIDE);                          \
                }                                                                                                      \
            }                                                                                                          \
            ALL(c, height) sums[c] = NAME(add_rows)(sums[c], products[c], l, begin, end);                              \
        }                                                                                                              \
        ALL(c, height) NAME(keep_sums)(f, at + c, column, last, sums[c]);                                              \
    }

/* Add the rows of products, which are those of a vector of sums from row l on, transposed: those from `begin` to `end`. */
static ALWAYS_INLINE NAME(lane) NAME(add_rows)(NAME(lane) sum, NAME(lane) *products, int l, int begin, int end) {
    NAME(transpose)(products);
    if (l >= begin && l + LANES <= end) {
        ALL(r, LANES) sum += products[r];
    } else {
        for (int r = 0; r < LANES; r++)
            if (l + r >= begin && l + r < end) sum += products[r];
    }
    return sum;
}

static ALWAYS_INLINE NAME(lane) NAME(sums_of)(const NAME(folding) *f, int dot, int column, int last) {
    double held[LANES] __attribute__((aligned(8 * LANES))) = {0.0};
    if (f->side_by_side && column + LANES - 1 <= last) return (NAME(lane))OF_COLUMN(NAME(sum_at)(f, dot, column));
    for (int k = column; k <= last && k < column + LANES; k++) held[k - column] = *NAME(sum_at)(f, dot, k);
    return LANE_OF(held);
}

static ALWAYS_INLINE void NAME(keep_sums)(const NAME(folding) *f, int dot, int column, int last, NAME(lane) sums) {
    if (f->side_by_side && column + LANES - 1 <= last) {
        OF_COLUMN(NAME(sum_at)(f, dot, column)) = sums;
        return;
    }
    for (int k = column; k <= last && k < column + LANES; k++) *NAME(sum_at)(f, dot, k) = sums[k - column];
}

static void NAME(fold_positions)(const machine *m, const span s, const NAME(folding) *f, int begin, int end) {
    const double *values = row_zero(m->values, m->lanes_from, STRIDE);
    const double *grads = row_zero(m->grads, m->grads_from, STRIDE);
    const instruction *first = f->which->at;
    const int height = first->aux, last = first->n - 1;
    for (int column = 0; column <= last; column += LANES) {
        int at = 0;
        for (; at + FEW <= height; at += FEW) FOLD_POSITIONS(FEW)
        for (; at < height; at++) FOLD_POSITIONS(1)
    }
    for (int at = 0; first->z != NO_SLOT && at < height; at += LANES) { /* biases: a vector of dots */
        NAME(lane) sums = SPLAT(0.0);
        for (int c = at; c < height && c < at + LANES; c++) {
            const double *sum = NAME(sum_at)(f, c, first->n);
            if (sum != NULL) sums[c - at] = *sum;
        }
        for (int l = begin - begin % LANES; l < end; l += LANES) {
            NAME(lane) totals[LANES];
            ALL(c, LANES) totals[c] = SPLAT(0.0);
            for (const instruction *i = first; i < first + f->which->positions; i++)
                ALL(c, LANES) totals[c] += LANE_OF(GRAD_AT(i->out + (at + c < height ? at + c : at)) + l);
            sums = NAME(add_rows)(sums, totals, l, begin, end);
        }
        for (int c = at; c < height && c < at + LANES; c++) {
            double *sum = NAME(sum_at)(f, c, first->n);
            if (sum != NULL) *sum = sums[c - at];
        }
    }
}
#endif

/* Add the gradients of the weights and biases of a layer, of the rows from `begin` to `end`, to their sums in `block`: row
 * after row, each the sum over the positions from the newest. */
static void NAME(fold_layer)(
    const machine *m, const span s, const layer *which, const destination *to, int begin, int end, int masked
) {
    const instruction *first = which->at, *end_of_positions = first + which->positions;
    const int *places = to->places;
    double *block = to->at;
    const double *values = row_zero(m->values, m->lanes_from, STRIDE);
    const double *grads = row_zero(m->grads, m->grads_from, STRIDE);
#if LANES > 1
    if (!masked && end - begin > 1) {
        const NAME(folding) f = {first, which, places, block, is_side_by_side(which, to)};
        if (which->positions == 1) NAME(fold_panels)(m, s, &f, begin, end);
        else NAME(fold_positions)(m, s, &f, begin, end);
        return;
    }
#endif
    for (int j = 0; j < first->aux; j++) {
        const int *place = places + which->params[j];
        for (int l = begin; l < end; l++) {
            double total = 0.0;
            for (const instruction *i = first; i < end_of_positions; i++) total += GRAD_AT(i->out + j)[l];
            if (which->biases[j] >= 0) block[places[which->biases[j]]] += total;
        }
        for (int k = 0; k < first->n; k++) {
            double sum = block[place[k]];
            for (int l = begin; l < end; l++) {
                double total = 0.0;
                for (const instruction *i = first; i < end_of_positions; i++) {
                    const double y = VALUE_AT(m->lists[i->y + k])[l], upstream = GRAD_AT(i->out + j)[l];
                    total += masked ? f_multiply_no_nan(y, upstream) : y * upstream;
                }
                sum += total;
            }
            block[place[k]] = sum;
        }
    }
}

#if LANES > 1
/* -- one row of the batch: vectors of dots, or of columns. The last of them begins where it ends with the last column, and
 * leaves alone what is done. -- */

#define DOTS_AT_ONCE (LANES == 2 ? 4 : 2)
/* Where there is less than a vector, or zeros must be looked at, numbers are taken one by one. */
#define TOO_SMALL(i) ((i)->n < LANES || 2 * (i)->aux <= LANES)

/* The dots `at` and after: as many as there are in `vectors`, and no more than there are. */
#define ROW_FORWARD(vectors)                                                                                           \
    {                                                                                                                  \
        double held[(vectors) * LANES] __attribute__((aligned(8 * LANES)));                                            \
        const double *weights[(vectors) * LANES];                                                                      \
        NAME(lane) total[vectors], bias[vectors];                                                                      \
        for (int c = 0; c < (vectors) * LANES; c++) {                                                                  \
            const int dot = at + c < last ? at + c : last;                                                             \
            weights[c] = m->scalars + xs[(Py_ssize_t)dot * n];                                                         \
            held[c] = biases == NULL ? -0.0 : m->scalars[biases[dot]]; /* to which a number is added as it is */       \
        }                                                                                                              \
        ALL(v, vectors) bias[v] = LANE_OF(held + v * LANES);                                                           \
        ALL(v, vectors) total[v] = SPLAT(-0.0);                                                                        \
        if (i->flags & BIAS_FIRST) ALL(v, vectors) total[v] = bias[v];                                                 \
        for (int k = 0; k < n; k += LANES) {                                                                           \
            const int from = k + LANES <= n ? k : n - LANES, *y = ys + from;                                           \
            NAME(lane) columns[vectors][LANES];                                                                        \
            ALL(v, vectors) ALL(c, LANES) columns[v][c] = OF_COLUMN(weights[v * LANES + c] + from);                    \
            ALL(v, vectors) NAME(transpose)(columns[v]);                                                               \
            if (from == k) {                                                                                           \
                ALL(c, LANES) ALL(v, vectors) total[v] += columns[v][c] * values[y[c]];                                \
            } else {                                                                                                   \
                ALL(c, LANES) if (from + c >= k) ALL(v, vectors) total[v] += columns[v][c] * values[y[c]];             \
            }                                                                                                          \
        }                                                                                                              \
        if (!(i->flags & BIAS_FIRST)) ALL(v, vectors) total[v] += bias[v];                                             \
        ALL(v, vectors) LANE_OF(held + v * LANES) = total[v];                                                          \
        for (int c = 0; c < (vectors) * LANES && at + c <= last; c++) values[i->out + at + c] = held[c];               \
    }

static void NAME(row_forward)(const machine *m, const span s, const instruction *i, double *values) {
    const int *xs = m->lists + i->x, *ys = m->lists + i->y, *biases = i->z != NO_SLOT ? m->lists + i->z : NULL;
    const int n = i->n, last = i->aux - 1;
    int at = 0;
    if (TOO_SMALL(i)) {
        layer_forward_scalar(m, s, i, values);
        return;
    }
    for (; at + LANES <= last; at += DOTS_AT_ONCE * LANES) ROW_FORWARD(DOTS_AT_ONCE)
    if (at <= last) ROW_FORWARD(1)
}

/* The gradients of `vectors` of columns from `from` on, which the dots contribute to from the last; those before `k` are
 * done. */
#define ROW_BACKWARD(vectors)                                                                                          \
    {                                                                                                                  \
        const int from = k + (vectors) * LANES <= n ? k : n - (vectors) * LANES;                                       \
        double held[(vectors) * LANES] __attribute__((aligned(8 * LANES)));                                            \
        NAME(lane) total[vectors];                                                                                     \
        for (int c = 0; c < (vectors) * LANES; c++) held[c] = i->flags & ASSIGNS ? 0.0 : grads[ys[from + c]];          \
        ALL(v, vectors) total[v] = LANE_OF(held + v * LANES);                                                          \
        for (int j = i->aux - 1; j >= 0; j--) {                                                                        \
            const double *weights = m->scalars + xs[(Py_ssize_t)j * n] + from, upstream = grads[i->out + j];           \
            ALL(v, vectors) total[v] += OF_COLUMN(weights + v * LANES) * upstream;                                     \
        }                                                                                                              \
        ALL(v, vectors) LANE_OF(held + v * LANES) = total[v];                                                          \
        for (int c = k - from; c < (vectors) * LANES; c++) grads[ys[from + c]] = held[c];                              \
        k = from + (vectors) * LANES;                                                                                  \
    }

static void NAME(row_backward)(const machine *m, const span s, const instruction *i, double *grads, int masked) {
    const int *xs = m->lists + i->x, *ys = m->lists + i->y;
    const int n = i->n;
    int k = 0;
    if (masked || TOO_SMALL(i)) {
        layer_backward_scalar(m, s, i, grads, masked);
        return;
    }
    while (k + 4 * LANES <= n) ROW_BACKWARD(4)
    while (k + 2 * LANES <= n) ROW_BACKWARD(2)
    while (k < n) ROW_BACKWARD(1)
}

/* The sums of the weights of the dots `at` and after, column by column as above. */
#define ROW_FOLD(height)                                                                                               \
    for (int k = 0; k < n; k += LANES) {                                                                               \
        const int from = k + LANES <= n ? k : n - LANES;                                                               \
        NAME(lane) total[height];                                                                                      \
        ALL(c, height) total[c] = SPLAT(0.0);                                                                          \
        for (int q = 0; q < which->positions; q++) {                                                                   \
            const NAME(lane) y = OF_COLUMN(listed + (Py_ssize_t)q * n + from);                                         \
            const double *upstream = grads + first[q].out + at;                                                        \
            ALL(c, height) total[c] += y * upstream[c];                                                                \
        }                                                                                                              \
        for (int c = 0; c < (height); c++) {                                                                           \
            const int *place = to->places + which->params[at + c] + from;                                              \
            if (side_by_side && from == k) OF_COLUMN(to->at + place[0]) += total[c];                                   \
            else                                                                                                       \
                for (int w = k - from; w < LANES; w++) to->at[place[w]] += total[c][w];                                \
        }                                                                                                              \
    }

static void NAME(row_fold)(
    const machine *m, const span s, const layer *which, const destination *to, int begin, int end, int masked
) {
    const instruction *first = which->at;
    const double *values = row_zero(m->values, m->lanes_from, 1), *grads = row_zero(m->grads, m->grads_from, 1);
    const int n = first->n, height = first->aux, side_by_side = is_side_by_side(which, to);
    double *listed = m->scratch;
    int at = 0;
    if (masked || n < LANES) {
        fold_layer_scalar(m, s, which, to, begin, end, masked);
        return;
    }
    for (int q = 0; q < which->positions; q++)
        for (int k = 0; k < n; k++) listed[(Py_ssize_t)q * n + k] = values[m->lists[first[q].y + k]];
    for (; at + 4 <= height; at += 4) ROW_FOLD(4)
    for (; at < height; at++) ROW_FOLD(1)
    for (int j = 0; j < height; j++) {
        double total = 0.0;
        if (which->biases[j] < 0) continue;
        for (int q = 0; q < which->positions; q++) total += grads[first[q].out + j];
        to->at[to->places[which->biases[j]]] += total;
    }
}
#undef ROW_FOLD
#undef TOO_SMALL
#undef DOTS_AT_ONCE
#undef ROW_FORWARD
#undef ROW_BACKWARD
#else
#define row_forward_scalar layer_forward_scalar
#define row_backward_scalar layer_backward_scalar
#define row_fold_scalar fold_layer_scalar
#endif

#undef ALL
#undef TALL
#undef FEW
#undef FORWARD_TILE
#undef BACKWARD_TILE
#undef ALONG_ROWS
#undef FORWARD
#undef BACKWARD
#undef WEIGHTS_OF
#undef TILES
#undef FOLD_TILE
#undef FOLD_PANEL
#undef FOLD_BIASES
#undef FOLD_POSITIONS

/* Layers, which are dots over one list: lanes.h includes this for each width. Every product goes through tiles that keep
 * their sums in registers: so many dots (or numbers of the list) by so many vectors, both known to the compiler.
 */
#if LANES == 8 /* there are 32 registers then */
#define TALL 8
#else
#define TALL 4
#endif
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
#endif

/* Add the gradients of the weights and biases of a layer, of the rows from `begin` to `end`, to their sums in `block`: row
 * after row. */
static void NAME(fold_layer)(
    const machine *m, const span s, const layer *which, const int *places, int in_order, double *block, int begin, int end,
    int masked
) {
    const instruction *i = which->at;
    const double *values = row_zero(m->values, m->lanes_from, STRIDE);
    const double *grads = row_zero(m->grads, m->grads_from, STRIDE);
    const int *ys = m->lists + i->y;
#if LANES > 1
    if (!masked && end - begin > 1) {
        NAME(folding) f = {i, which, places, block, 1};
        for (int j = 0; !in_order && j < i->aux; j++)
            for (int k = 1; k < i->n; k++)
                f.side_by_side &= places[which->params[j] + k] == places[which->params[j]] + k;
        NAME(fold_panels)(m, s, &f, begin, end);
        return;
    }
#endif
    for (int j = 0; j < i->aux; j++) {
        const double *upstream = GRAD_AT(i->out + j);
        const int *place = places + which->params[j];
        if (which->biases[j] >= 0)
            for (int l = begin; l < end; l++) block[places[which->biases[j]]] += upstream[l];
        for (int k = 0; k < i->n; k++) {
            const double *y = VALUE_AT(ys[k]);
            double sum = block[place[k]];
            for (int l = begin; l < end; l++)
                sum += masked ? f_multiply_no_nan(y[l], upstream[l]) : y[l] * upstream[l];
            block[place[k]] = sum;
        }
    }
}

#undef ALL
#undef TALL
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

/* A training step of MLP(2, HIDDEN, HIDDEN, 1) on ROWS rows, written by hand: the limit for what a tape may reach.

relu, mean squared error, SGD. The neurons of a layer lie side by side in vectors; all three products of a layer (its
outputs, the gradients of its inputs, those of its weights) go through one loop that keeps its sums in registers. */

#include <string.h>

#ifndef HIDDEN
#define HIDDEN 16
#endif
#define ROWS 100
#define INPUTS 3            /* two, and a 1 for the bias */
#if defined __AVX512F__
#define WIDTH 8             /* numbers in a vector */
#elif defined __AVX__
#define WIDTH 4
#else
#define WIDTH 2
#endif
#define COLUMNS (2 * WIDTH) /* of a tile; divides HIDDEN */
#define HEIGHT 4            /* rows of a tile; divides ROWS and HIDDEN */

typedef double lanes __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));
typedef double matrix[][HIDDEN];

static double samples[ROWS][INPUTS], targets[ROWS];
static double first[INPUTS][HIDDEN];                             /* by input, then neuron; the biases last */
static double second[HIDDEN][HIDDEN], turned[HIDDEN][HIDDEN];    /* by neuron, then input; the same turned */
static double second_bias[HIDDEN], third[HIDDEN], third_bias;
static double below[ROWS][HIDDEN], above[ROWS][HIDDEN];          /* what the two hidden layers give */
static double by_below[ROWS][HIDDEN], by_above[ROWS][HIDDEN];    /* gradients by their sums */
static double by_first[INPUTS][HIDDEN], by_second[HIDDEN][HIDDEN];

/* out[i][j] = start[j] + sum of a[i * row + d * along] * b[d][j] over d < depth, for one tile */
static inline __attribute__((always_inline)) void tile(int height, int depth, const double *a, int row, int along,
                                                       const double *b, const double *start, double *out) {
    lanes sums[HEIGHT][2];
    for (int i = 0; i < height; i++)
        for (int k = 0; k < 2; k++) sums[i][k] = start ? *(const lanes *)(start + k * WIDTH) : (lanes){0};
    for (int d = 0; d < depth; d++)
        for (int i = 0; i < height; i++)
            for (int k = 0; k < 2; k++) sums[i][k] += a[i * row + d * along] * *(const lanes *)(b + d * HIDDEN + k * WIDTH);
    for (int i = 0; i < height; i++)
        for (int k = 0; k < 2; k++) *(lanes *)(out + i * HIDDEN + k * WIDTH) = sums[i][k];
}

static inline __attribute__((always_inline)) void product(int rows, int depth, const double *a, int row, int along,
                                                          const matrix b, const double *start, matrix out) {
    for (int j = 0; j < HIDDEN; j += COLUMNS)
        for (int i = 0; i < rows; i += HEIGHT)
            tile(rows < HEIGHT ? rows : HEIGHT, depth, a + i * row, row, along, b[0] + j, start ? start + j : 0, &out[i][j]);
}

static void relu(matrix x) {
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < HIDDEN; j++) x[r][j] = x[r][j] > 0 ? x[r][j] : 0;
}

static inline double across(lanes x) {
    double sum = x[0];
    for (int k = 1; k < WIDTH; k++) sum += x[k];
    return sum;
}

/* Sets the numbers of each neuron, its weights and then its bias; rows of two inputs and a target. */
void prepare(const double *numbers, const double *rows) {
    for (int j = 0; j < HIDDEN; j++)
        for (int i = 0; i < INPUTS; i++) first[i][j] = *numbers++;
    for (int j = 0; j < HIDDEN; j++) {
        for (int i = 0; i < HIDDEN; i++) second[j][i] = turned[i][j] = *numbers++;
        second_bias[j] = *numbers++;
    }
    for (int j = 0; j < HIDDEN; j++) third[j] = *numbers++;
    third_bias = *numbers;
    for (int r = 0; r < ROWS; r++) {
        samples[r][0] = *rows++;
        samples[r][1] = *rows++;
        samples[r][2] = 1.0;
        targets[r] = *rows++;
    }
}

static double step(double rate) {
    double loss = 0, by_third_bias = 0, by_third[HIDDEN] = {0}, by_second_bias[HIDDEN] = {0};

    product(ROWS, INPUTS, samples[0], INPUTS, 1, first, 0, below);
    relu(below);
    product(ROWS, HIDDEN, below[0], HIDDEN, 1, turned, second_bias, above);
    relu(above);

    for (int r = 0; r < ROWS; r++) {
        lanes sum = {0};
        for (int j = 0; j < HIDDEN; j += WIDTH) sum += *(lanes *)&above[r][j] * *(lanes *)&third[j];
        double miss = across(sum) + third_bias - targets[r], by_output = 2 * miss / ROWS;
        loss += miss * miss / ROWS;
        by_third_bias += by_output;
        for (int j = 0; j < HIDDEN; j++) {
            by_third[j] += by_output * above[r][j];
            by_above[r][j] = above[r][j] > 0 ? by_output * third[j] : 0;
            by_second_bias[j] += by_above[r][j];
        }
    }
    product(ROWS, HIDDEN, by_above[0], HIDDEN, 1, second, 0, by_below);
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < HIDDEN; j++) by_below[r][j] = below[r][j] > 0 ? by_below[r][j] : 0;
    product(HIDDEN, ROWS, by_above[0], 1, HIDDEN, below, 0, by_second);
    product(INPUTS, ROWS, samples[0], 1, INPUTS, by_below, 0, by_first);

    for (int i = 0; i < INPUTS; i++)
        for (int j = 0; j < HIDDEN; j++) first[i][j] -= rate * by_first[i][j];
    for (int j = 0; j < HIDDEN; j++)
        for (int i = 0; i < HIDDEN; i++) second[j][i] -= rate * by_second[j][i];
    for (int j = 0; j < HIDDEN; j++) {
        for (int i = 0; i < HIDDEN; i++) turned[i][j] = second[j][i];
        second_bias[j] -= rate * by_second_bias[j];
        third[j] -= rate * by_third[j];
    }
    third_bias -= rate * by_third_bias;
    return loss;
}

/* The loss of the last of some steps. */
double train(int steps, double rate) {
    double loss = 0;
    for (int i = 0; i < steps; i++) loss = step(rate);
    return loss;
}

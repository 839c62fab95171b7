/* What the kernels call and libm does not have, and the kernels, which tools/kernels.py makes of the table of primitives.
 */
#ifndef GLASSGRAD_ARITHMETIC_H
#define GLASSGRAD_ARITHMETIC_H

#include <Python.h>
#include <math.h>

/* -fno-builtin makes each of these a call; their results are fixed to the bit, so the processor's instruction may do. */
#if defined(__GNUC__) || defined(__clang__)
#define exact_ceil __builtin_ceil
#define exact_fabs __builtin_fabs
#define exact_floor __builtin_floor
#define exact_rint __builtin_rint
#define exact_sqrt __builtin_sqrt
#else
#define exact_ceil ceil
#define exact_fabs fabs
#define exact_floor floor
#define exact_rint rint
#define exact_sqrt sqrt
#endif

static inline double modulo(double x, double y) { /* as Python's float %: the sign of y */
    double mod;
    if (y == 0.0) return NAN;
    mod = fmod(x, y);
    if (mod != 0.0) {
        if ((y < 0) != (mod < 0)) mod += y;
    } else {
        mod = copysign(0.0, y);
    }
    return mod;
}

static inline double f_exp_difference(double x, double y) { /* autograd.primitives.ieee.exp_difference */
    double difference, power, rounded_off;
    if (x == y) return 1.0;
    difference = x - y;
    power = exp(difference);
    if (!(fabs(difference) < 750.0)) return power;
    rounded_off = fabs(x) < fabs(y) ? x - (difference + y) : (x - difference) - y;
    return power + power * rounded_off;
}

/* -- functions of lists: autograd/primitives/lists.py has the same ---------------------------------------------------- */

static inline Py_ssize_t argmax(Py_ssize_t n, const double *xs) {
    Py_ssize_t top = 0;
    for (Py_ssize_t i = 1; i < n; i++)
        if (xs[i] > xs[top]) top = i;
    return top;
}

static inline double f_multiply_no_nan(double x, double y); /* the row, in kernels.h */

static inline void products_before(Py_ssize_t n, const double *xs, double *products) {
    products[0] = 1.0;
    for (Py_ssize_t i = 1; i < n; i++) products[i] = f_multiply_no_nan(products[i - 1], xs[i - 1]);
}

static inline void products_behind(Py_ssize_t n, const double *xs, double *products) {
    products[n - 1] = 1.0;
    for (Py_ssize_t i = n - 2; i >= 0; i--) products[i] = f_multiply_no_nan(products[i + 1], xs[i + 1]);
}

static inline int is_index(double x, Py_ssize_t count) {
    return x >= 0.0 && x < (double)count && x == (double)(Py_ssize_t)x;
}

#include <kernels.h> /* build/include has it */

#endif

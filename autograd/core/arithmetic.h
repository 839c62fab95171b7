/* The numbers: what the kernels call that libm does not have, the kernels, and the primitives of any number of operands.
 */
#ifndef GLASSGRAD_ARITHMETIC_H
#define GLASSGRAD_ARITHMETIC_H

#include <Python.h>
#include <math.h>

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

#include "kernels.h"

/* -- primitives of any number of operands: the blocks of autograd/primitives/table.py ------------------------------------------ */

static Py_ssize_t largest(Py_ssize_t n, const double *x) {
    Py_ssize_t top = 0;
    for (Py_ssize_t i = 1; i < n; i++)
        if (x[i] > x[top]) top = i;
    return top;
}

static double sum_but(Py_ssize_t n, const double *x, Py_ssize_t left_out) {
    double total = 0.0;
    int started = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (i == left_out) continue;
        total = started ? total + x[i] : x[i];
        started = 1;
    }
    return total;
}

static double left_fold(Py_ssize_t n, const double *x) {
    double total = x[0];
    for (Py_ssize_t i = 1; i < n; i++) total += x[i];
    return total;
}

static double dot(Py_ssize_t n, const double *x, const double *y) {
    double total = x[0] * y[0];
    for (Py_ssize_t i = 1; i < n; i++) total += x[i] * y[i];
    return total;
}

/* The local derivatives double as the place where the exps are worked out. */
static double cross_entropy(Py_ssize_t n, const double *x, Py_ssize_t index, double *d) {
    Py_ssize_t top = largest(n, x);
    double out, total, others;
    for (Py_ssize_t i = 0; i < n; i++) d[i] = f_exp_difference(x[i], x[top]);
    others = sum_but(n, d, top);
    out = index < 0 ? x[top] + log1p(others) : log1p(others) + (x[top] - x[index]);
    if (out != out || (index < 0 && x[top] == -INFINITY)) {
        for (Py_ssize_t i = 0; i < n; i++) d[i] = out != out ? NAN : 0.0;
        return out;
    }
    total = 1.0 + others;
    others = index < 0 ? 0.0 : sum_but(n, d, index);
    for (Py_ssize_t i = 0; i < n; i++) d[i] = d[i] / total;
    if (index >= 0) d[index] = -(others / total);
    return out;
}

static double evaluate_many(int code, Py_ssize_t n, const double *x, double *d) {
    double out;
    switch (code) {
    case CODE_SUM:
        for (Py_ssize_t i = 0; i < n; i++) d[i] = 1.0;
        return left_fold(n, x);
    case CODE_MEAN:
        for (Py_ssize_t i = 0; i < n; i++) d[i] = 1.0 / (double)n;
        return left_fold(n, x) / (double)n;
    case CODE_DOT:
        for (Py_ssize_t i = 0; i < n / 2; i++) {
            d[i] = x[n / 2 + i];
            d[n / 2 + i] = x[i];
        }
        return dot(n / 2, x, x + n / 2);
    case CODE_PROD: { /* the product of all before an operand times that of all behind it */
        double behind = 1.0;
        d[0] = 1.0;
        for (Py_ssize_t i = 1; i < n; i++) d[i] = d[i - 1] * x[i - 1];
        out = d[n - 1] * x[n - 1];
        for (Py_ssize_t i = n - 1; i >= 0; i--) {
            d[i] = d[i] * behind;
            behind = behind * x[i];
        }
        return out;
    }
    case CODE_TAKE:
        for (Py_ssize_t i = 0; i < n; i++) d[i] = i == (Py_ssize_t)x[n - 1] && i < n - 1 ? 1.0 : 0.0;
        return x[(Py_ssize_t)x[n - 1]];
    case CODE_LOGSUMEXP:
        return cross_entropy(n, x, -1, d);
    case CODE_SOFTMAX_CROSS_ENTROPY:
        d[n - 1] = 0.0;
        return cross_entropy(n - 1, x, (Py_ssize_t)x[n - 1], d);
    }
    if (n == 3) return evaluate3(code, x[0], x[1], x[2], &d[0], &d[1], &d[2]);
    if (n == 2) return evaluate2(code, x[0], x[1], &d[0], &d[1]);
    return evaluate1(code, x[0], &d[0]);
}

#endif

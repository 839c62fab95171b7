/* Written by tools/kernels.py from autograd/primitives/table.py when the core is built. Do not edit. */
#define CODE_ADD 1
#define CODE_SUBTRACT 2
#define CODE_MULTIPLY 3
#define CODE_DIVIDE 4
#define CODE_MODULO 5
#define CODE_POWER 6
#define CODE_POWER_CONSTANT 7
#define CODE_NEGATE 8
#define CODE_ABS 9
#define CODE_IDENTITY 10
#define CODE_MULTIPLY_NO_NAN 11
#define CODE_EXP 12
#define CODE_EXP_DIFFERENCE 13
#define CODE_EXP2 14
#define CODE_EXPM1 15
#define CODE_LOG 16
#define CODE_LOG2 17
#define CODE_LOG10 18
#define CODE_LOG1P 19
#define CODE_SQRT 20
#define CODE_CBRT 21
#define CODE_HYPOT 22
#define CODE_SIN 23
#define CODE_COS 24
#define CODE_TAN 25
#define CODE_ASIN 26
#define CODE_ACOS 27
#define CODE_ATAN 28
#define CODE_ATAN2 29
#define CODE_SINH 30
#define CODE_COSH 31
#define CODE_TANH 32
#define CODE_SECH2 33
#define CODE_ASINH 34
#define CODE_ACOSH 35
#define CODE_ATANH 36
#define CODE_GAUSSIAN 37
#define CODE_ERF 38
#define CODE_ERFC 39
#define CODE_NORMAL_PDF 40
#define CODE_NORMAL_CDF 41
#define CODE_FLOOR 42
#define CODE_CEIL 43
#define CODE_ROUND 44
#define CODE_SIGN 45
#define CODE_MAXIMUM 46
#define CODE_MINIMUM 47
#define CODE_CLIP 48
#define CODE_WHERE 49
#define CODE_LESS 50
#define CODE_LESS_OR_EQUAL 51
#define CODE_EQUAL 52
#define CODE_NOT_EQUAL 53
#define CODE_DETACH 54
#define CODE_SIGMOID 55
#define CODE_SIGMOID_SLOPE 56
#define CODE_LOGSIGMOID 57
#define CODE_SOFTPLUS 58
#define CODE_RELU 59
#define CODE_LEAKY_RELU 60
#define CODE_ELU 61
#define CODE_GELU 62
#define CODE_SILU 63
#define CODE_SUM 64
#define CODE_MEAN 65
#define CODE_DOT 66
#define CODE_PROD 67
#define CODE_TAKE 68
#define CODE_LOGSUMEXP 69
#define CODE_SOFTMAX_CROSS_ENTROPY 70
#define TABLE_SIZE 71
#define TABLE_DIGEST 1403445352

static inline double f_add(double, double);
static inline double f_subtract(double, double);
static inline double f_multiply(double, double);
static inline double f_divide(double, double);
static inline double f_modulo(double, double);
static inline double f_power(double, double);
static inline double f_power_constant(double, double);
static inline double f_negate(double);
static inline double f_abs(double);
static inline double f_identity(double);
static inline double f_multiply_no_nan(double, double);
static inline double f_exp(double);
static inline double f_exp_difference(double, double);
static inline double f_exp2(double);
static inline double f_expm1(double);
static inline double f_log(double);
static inline double f_log2(double);
static inline double f_log10(double);
static inline double f_log1p(double);
static inline double f_sqrt(double);
static inline double f_cbrt(double);
static inline double f_hypot(double, double);
static inline double f_sin(double);
static inline double f_cos(double);
static inline double f_tan(double);
static inline double f_asin(double);
static inline double f_acos(double);
static inline double f_atan(double);
static inline double f_atan2(double, double);
static inline double f_sinh(double);
static inline double f_cosh(double);
static inline double f_tanh(double);
static inline double f_sech2(double);
static inline double f_asinh(double);
static inline double f_acosh(double);
static inline double f_atanh(double);
static inline double f_gaussian(double);
static inline double f_erf(double);
static inline double f_erfc(double);
static inline double f_normal_pdf(double);
static inline double f_normal_cdf(double);
static inline double f_floor(double);
static inline double f_ceil(double);
static inline double f_round(double);
static inline double f_sign(double);
static inline double f_maximum(double, double);
static inline double f_minimum(double, double);
static inline double f_clip(double, double, double);
static inline double f_where(double, double, double);
static inline double f_less(double, double);
static inline double f_less_or_equal(double, double);
static inline double f_equal(double, double);
static inline double f_not_equal(double, double);
static inline double f_detach(double);
static inline double f_sigmoid(double);
static inline double f_sigmoid_slope(double);
static inline double f_logsigmoid(double);
static inline double f_softplus(double);
static inline double f_relu(double);
static inline double f_leaky_relu(double);
static inline double f_elu(double);
static inline double f_gelu(double);
static inline double f_silu(double);

static inline double f_add(double x, double y) {
    return (x + y);
}
static inline double d0_add(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 1.0;
}
static inline double d1_add(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 1.0;
}

static inline double f_subtract(double x, double y) {
    return (x - y);
}
static inline double d0_subtract(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 1.0;
}
static inline double d1_subtract(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return (-1.0);
}

static inline double f_multiply(double x, double y) {
    return (x * y);
}
static inline double d0_multiply(double x, double y, double out) {
    (void)x;
    (void)out;
    return y;
}
static inline double d1_multiply(double x, double y, double out) {
    (void)y;
    (void)out;
    return x;
}

static inline double f_divide(double x, double y) {
    return (x / y);
}
static inline double d0_divide(double x, double y, double out) {
    (void)x;
    (void)out;
    return (1.0 / y);
}
static inline double d1_divide(double x, double y, double out) {
    (void)x;
    return ((-out) / y);
}

static inline double f_modulo(double x, double y) {
    return modulo(x, y);
}
static inline double d0_modulo(double x, double y, double out) {
    (void)x;
    (void)y;
    if ((out == out)) {
        return 1.0;
    } else {
        return NAN;
    }
}
static inline double d1_modulo(double x, double y, double out) {
    return (-rint(((x - out) / y)));
}

static inline double f_power(double x, double y) {
    if (((x == x) && (y == y))) {
        return pow(x, y);
    } else {
        return NAN;
    }
}
static inline double d0_power(double x, double y, double out) {
    if ((x == x)) {
        if (((((y - 1.0) + 1.0) == y) || (x == 0.0) || (fabs(x) == INFINITY))) {
            return f_multiply_no_nan(y, pow(x, (y - 1.0)));
        } else {
            return ((y * out) / x);
        }
    } else {
        return NAN;
    }
}
static inline double d1_power(double x, double y, double out) {
    if (((x > 0.0) && (out == out))) {
        return f_multiply_no_nan(out, log(x));
    } else {
        if ((x == 0.0)) {
            if ((y >= 0.0)) {
                return 0.0;
            } else {
                if ((y < 0.0)) {
                    return (-INFINITY);
                } else {
                    return NAN;
                }
            }
        } else {
            return NAN;
        }
    }
}

static inline double f_power_constant(double x, double y) {
    if ((y == 2.0)) {
        return (x * x);
    } else {
        if (((x == x) && (y == y))) {
            return pow(x, y);
        } else {
            return NAN;
        }
    }
}
static inline double d0_power_constant(double x, double y, double out) {
    if ((y == 2.0)) {
        return (2.0 * x);
    } else {
        if ((x == x)) {
            if (((((y - 1.0) + 1.0) == y) || (x == 0.0) || (fabs(x) == INFINITY))) {
                return f_multiply_no_nan(y, pow(x, (y - 1.0)));
            } else {
                return ((y * out) / x);
            }
        } else {
            return NAN;
        }
    }
}
static inline double d1_power_constant(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 0.0;
}

static inline double f_negate(double x) {
    return (-x);
}
static inline double d0_negate(double x, double out) {
    (void)x;
    (void)out;
    return (-1.0);
}

static inline double f_abs(double x) {
    if ((x > 0.0)) {
        return x;
    } else {
        if ((x < 0.0)) {
            return (-x);
        } else {
            return (x + 0.0);
        }
    }
}
static inline double d0_abs(double x, double out) {
    (void)out;
    if ((x > 0.0)) {
        return 1.0;
    } else {
        if ((x < 0.0)) {
            return (-1.0);
        } else {
            if ((x == 0.0)) {
                return 0.0;
            } else {
                return NAN;
            }
        }
    }
}

static inline double f_identity(double x) {
    return x;
}
static inline double d0_identity(double x, double out) {
    (void)x;
    (void)out;
    return 1.0;
}

static inline double f_multiply_no_nan(double x, double y) {
    if (((x != 0.0) && (y != 0.0))) {
        return (x * y);
    } else {
        return 0.0;
    }
}
static inline double d0_multiply_no_nan(double x, double y, double out) {
    (void)x;
    (void)out;
    return y;
}
static inline double d1_multiply_no_nan(double x, double y, double out) {
    (void)y;
    (void)out;
    return x;
}

static inline double f_exp(double x) {
    return exp(x);
}
static inline double d0_exp(double x, double out) {
    (void)x;
    return out;
}

static inline double d0_exp_difference(double x, double y, double out) {
    (void)x;
    (void)y;
    return out;
}
static inline double d1_exp_difference(double x, double y, double out) {
    (void)x;
    (void)y;
    return (-out);
}

static inline double f_exp2(double x) {
    return exp2(x);
}
static inline double d0_exp2(double x, double out) {
    (void)x;
    return (out * 0.6931471805599453);
}

static inline double f_expm1(double x) {
    return expm1(x);
}
static inline double d0_expm1(double x, double out) {
    (void)out;
    return exp(x);
}

static inline double f_log(double x) {
    return log(x);
}
static inline double d0_log(double x, double out) {
    (void)out;
    if ((x >= 0.0)) {
        return (1.0 / (x + 0.0));
    } else {
        return NAN;
    }
}

static inline double f_log2(double x) {
    return log2(x);
}
static inline double d0_log2(double x, double out) {
    (void)out;
    if ((x >= 0.0)) {
        return (1.0 / ((x + 0.0) * 0.6931471805599453));
    } else {
        return NAN;
    }
}

static inline double f_log10(double x) {
    return log10(x);
}
static inline double d0_log10(double x, double out) {
    (void)out;
    if ((x >= 0.0)) {
        return (1.0 / ((x + 0.0) * 2.302585092994046));
    } else {
        return NAN;
    }
}

static inline double f_log1p(double x) {
    return log1p(x);
}
static inline double d0_log1p(double x, double out) {
    (void)out;
    if ((x >= (-1.0))) {
        return (1.0 / (1.0 + x));
    } else {
        return NAN;
    }
}

static inline double f_sqrt(double x) {
    return sqrt((x + 0.0));
}
static inline double d0_sqrt(double x, double out) {
    (void)x;
    return (0.5 / out);
}

static inline double f_cbrt(double x) {
    return cbrt(x);
}
static inline double d0_cbrt(double x, double out) {
    if (((x != 0.0) && (fabs(x) < INFINITY))) {
        return ((out / x) / 3.0);
    } else {
        return (1.0 / ((3.0 * out) * out));
    }
}

static inline double f_hypot(double x, double y) {
    if (((x == x) && (y == y))) {
        return hypot(x, y);
    } else {
        return NAN;
    }
}
static inline double d0_hypot(double x, double y, double out) {
    if ((out != 0.0)) {
        if ((out < INFINITY)) {
            return (x / out);
        } else {
            return ((0.5 * x) / hypot((0.5 * x), (0.5 * y)));
        }
    } else {
        return 0.0;
    }
}
static inline double d1_hypot(double x, double y, double out) {
    if ((out != 0.0)) {
        if ((out < INFINITY)) {
            return (y / out);
        } else {
            return ((0.5 * y) / hypot((0.5 * x), (0.5 * y)));
        }
    } else {
        return 0.0;
    }
}

static inline double f_sin(double x) {
    return sin(x);
}
static inline double d0_sin(double x, double out) {
    (void)out;
    return cos(x);
}

static inline double f_cos(double x) {
    return cos(x);
}
static inline double d0_cos(double x, double out) {
    (void)out;
    return (-sin(x));
}

static inline double f_tan(double x) {
    return tan(x);
}
static inline double d0_tan(double x, double out) {
    (void)x;
    return (1.0 + (out * out));
}

static inline double f_asin(double x) {
    return asin(x);
}
static inline double d0_asin(double x, double out) {
    (void)out;
    return (1.0 / sqrt(((1.0 - x) * (1.0 + x))));
}

static inline double f_acos(double x) {
    return acos(x);
}
static inline double d0_acos(double x, double out) {
    (void)out;
    return ((-1.0) / sqrt(((1.0 - x) * (1.0 + x))));
}

static inline double f_atan(double x) {
    return atan(x);
}
static inline double d0_atan(double x, double out) {
    (void)out;
    if ((fabs(x) < 100000000.0)) {
        return (1.0 / (1.0 + (x * x)));
    } else {
        return ((1.0 / x) / x);
    }
}

static inline double f_atan2(double x, double y) {
    return atan2(x, y);
}
static inline double d0_atan2(double x, double y, double out) {
    (void)out;
    double h = hypot(x, y);
    if ((h != 0.0)) {
        return ((y / h) / h);
    } else {
        return 0.0;
    }
}
static inline double d1_atan2(double x, double y, double out) {
    (void)out;
    double h = hypot(x, y);
    if ((h != 0.0)) {
        return (((-x) / h) / h);
    } else {
        return 0.0;
    }
}

static inline double f_sinh(double x) {
    return sinh(x);
}
static inline double d0_sinh(double x, double out) {
    (void)out;
    return cosh(x);
}

static inline double f_cosh(double x) {
    return cosh(x);
}
static inline double d0_cosh(double x, double out) {
    (void)out;
    return sinh(x);
}

static inline double f_tanh(double x) {
    return tanh(x);
}
static inline double d0_tanh(double x, double out) {
    (void)out;
    return f_sech2(x);
}

static inline double f_sech2(double x) {
    double e = exp(((-2.0) * fabs(x)));
    return ((4.0 * e) / ((1.0 + e) * (1.0 + e)));
}
static inline double d0_sech2(double x, double out) {
    return (((-2.0) * tanh(x)) * out);
}

static inline double f_asinh(double x) {
    return asinh(x);
}
static inline double d0_asinh(double x, double out) {
    (void)out;
    return (1.0 / hypot(1.0, x));
}

static inline double f_acosh(double x) {
    return acosh(x);
}
static inline double d0_acosh(double x, double out) {
    (void)out;
    return (1.0 / (sqrt((x - 1.0)) * sqrt((x + 1.0))));
}

static inline double f_atanh(double x) {
    return atanh(x);
}
static inline double d0_atanh(double x, double out) {
    (void)out;
    if ((fabs(x) <= 1.0)) {
        return (1.0 / ((1.0 - x) * (1.0 + x)));
    } else {
        return NAN;
    }
}

static inline double f_gaussian(double x) {
    double h = (floor((1048576.0 * x)) / 1048576.0);
    if ((fabs(h) < 28.0)) {
        return (exp(((-h) * h)) * exp(((h - x) * (h + x))));
    } else {
        if ((x == x)) {
            return 0.0;
        } else {
            return NAN;
        }
    }
}
static inline double d0_gaussian(double x, double out) {
    return ((-2.0) * f_multiply_no_nan(x, out));
}

static inline double f_erf(double x) {
    return erf(x);
}
static inline double d0_erf(double x, double out) {
    (void)out;
    return (1.1283791670955126 * f_gaussian(x));
}

static inline double f_erfc(double x) {
    return erfc(x);
}
static inline double d0_erfc(double x, double out) {
    (void)out;
    return ((-1.1283791670955126) * f_gaussian(x));
}

static inline double f_normal_pdf(double x) {
    double h = (floor((1048576.0 * x)) / 1048576.0);
    if ((fabs(h) < 39.0)) {
        return ((0.3989422804014327 * exp((((-h) * h) / 2.0))) * exp((((h - x) * (h + x)) / 2.0)));
    } else {
        if ((x == x)) {
            return 0.0;
        } else {
            return NAN;
        }
    }
}
static inline double d0_normal_pdf(double x, double out) {
    return (-f_multiply_no_nan(x, out));
}

static inline double f_normal_cdf(double x) {
    if ((fabs(x) < 39.0)) {
        double z = ((-0.7071067811865476) * x);
        double h = (floor((1048576.0 * x)) / 1048576.0);
        return (0.5 * (erfc(z) + ((((z + (0.7071067690849304 * h)) + ((1.210161710447897e-08 * h) + (0.7071067811865476 * (x - h)))) * 1.1283791670955126) * f_gaussian(z))));
    } else {
        if ((x > 0.0)) {
            return 1.0;
        } else {
            if ((x < 0.0)) {
                return 0.0;
            } else {
                return NAN;
            }
        }
    }
}
static inline double d0_normal_cdf(double x, double out) {
    (void)out;
    return f_normal_pdf(x);
}

static inline double f_floor(double x) {
    return floor(x);
}
static inline double d0_floor(double x, double out) {
    (void)out;
    if ((x == x)) {
        return 0.0;
    } else {
        return NAN;
    }
}

static inline double f_ceil(double x) {
    return ceil(x);
}
static inline double d0_ceil(double x, double out) {
    (void)out;
    if ((x == x)) {
        return 0.0;
    } else {
        return NAN;
    }
}

static inline double f_round(double x) {
    return rint(x);
}
static inline double d0_round(double x, double out) {
    (void)out;
    if ((x == x)) {
        return 0.0;
    } else {
        return NAN;
    }
}

static inline double f_sign(double x) {
    if ((x > 0.0)) {
        return 1.0;
    } else {
        if ((x < 0.0)) {
            return (-1.0);
        } else {
            if ((x == 0.0)) {
                return 0.0;
            } else {
                return NAN;
            }
        }
    }
}
static inline double d0_sign(double x, double out) {
    (void)out;
    if ((x == x)) {
        return 0.0;
    } else {
        return NAN;
    }
}

static inline double f_maximum(double x, double y) {
    if ((x >= y)) {
        return x;
    } else {
        if ((y > x)) {
            return y;
        } else {
            return NAN;
        }
    }
}
static inline double d0_maximum(double x, double y, double out) {
    (void)out;
    if ((x > y)) {
        return 1.0;
    } else {
        if ((x == y)) {
            return 0.5;
        } else {
            if ((x < y)) {
                return 0.0;
            } else {
                return NAN;
            }
        }
    }
}
static inline double d1_maximum(double x, double y, double out) {
    (void)out;
    if ((y > x)) {
        return 1.0;
    } else {
        if ((x == y)) {
            return 0.5;
        } else {
            if ((y < x)) {
                return 0.0;
            } else {
                return NAN;
            }
        }
    }
}

static inline double f_minimum(double x, double y) {
    if ((x <= y)) {
        return x;
    } else {
        if ((y < x)) {
            return y;
        } else {
            return NAN;
        }
    }
}
static inline double d0_minimum(double x, double y, double out) {
    (void)out;
    if ((x < y)) {
        return 1.0;
    } else {
        if ((x == y)) {
            return 0.5;
        } else {
            if ((x > y)) {
                return 0.0;
            } else {
                return NAN;
            }
        }
    }
}
static inline double d1_minimum(double x, double y, double out) {
    (void)out;
    if ((y < x)) {
        return 1.0;
    } else {
        if ((x == y)) {
            return 0.5;
        } else {
            if ((y > x)) {
                return 0.0;
            } else {
                return NAN;
            }
        }
    }
}

static inline double f_clip(double x, double y, double z) {
    if (((y == y) && (z == z))) {
        if (((x > z) || (y > z))) {
            return z;
        } else {
            if ((x < y)) {
                return y;
            } else {
                return x;
            }
        }
    } else {
        return NAN;
    }
}
static inline double d0_clip(double x, double y, double z, double out) {
    (void)out;
    if (((y < x) && (x < z))) {
        return 1.0;
    } else {
        if (((x == x) && (y == y) && (z == z))) {
            return 0.0;
        } else {
            return NAN;
        }
    }
}
static inline double d1_clip(double x, double y, double z, double out) {
    (void)out;
    if (((x < y) && (y <= z))) {
        return 1.0;
    } else {
        if (((x == x) && (y == y) && (z == z))) {
            return 0.0;
        } else {
            return NAN;
        }
    }
}
static inline double d2_clip(double x, double y, double z, double out) {
    (void)out;
    if (((x > z) || (y > z))) {
        return 1.0;
    } else {
        if (((x == x) && (y == y) && (z == z))) {
            return 0.0;
        } else {
            return NAN;
        }
    }
}

static inline double f_where(double x, double y, double z) {
    if ((x != 0.0)) {
        return y;
    } else {
        return z;
    }
}
static inline double d0_where(double x, double y, double z, double out) {
    (void)x;
    (void)y;
    (void)z;
    (void)out;
    return 0.0;
}
static inline double d1_where(double x, double y, double z, double out) {
    (void)y;
    (void)z;
    (void)out;
    if ((x != 0.0)) {
        return 1.0;
    } else {
        return 0.0;
    }
}
static inline double d2_where(double x, double y, double z, double out) {
    (void)y;
    (void)z;
    (void)out;
    if ((x != 0.0)) {
        return 0.0;
    } else {
        return 1.0;
    }
}

static inline double f_less(double x, double y) {
    if ((x < y)) {
        return 1.0;
    } else {
        return 0.0;
    }
}
static inline double d0_less(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 0.0;
}
static inline double d1_less(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 0.0;
}

static inline double f_less_or_equal(double x, double y) {
    if ((x <= y)) {
        return 1.0;
    } else {
        return 0.0;
    }
}
static inline double d0_less_or_equal(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 0.0;
}
static inline double d1_less_or_equal(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 0.0;
}

static inline double f_equal(double x, double y) {
    if ((x == y)) {
        return 1.0;
    } else {
        return 0.0;
    }
}
static inline double d0_equal(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 0.0;
}
static inline double d1_equal(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 0.0;
}

static inline double f_not_equal(double x, double y) {
    if ((x != y)) {
        return 1.0;
    } else {
        return 0.0;
    }
}
static inline double d0_not_equal(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 0.0;
}
static inline double d1_not_equal(double x, double y, double out) {
    (void)x;
    (void)y;
    (void)out;
    return 0.0;
}

static inline double f_detach(double x) {
    return x;
}
static inline double d0_detach(double x, double out) {
    (void)x;
    (void)out;
    return 0.0;
}

static inline double f_sigmoid(double x) {
    if ((x >= 0.0)) {
        return (1.0 / (1.0 + exp((-x))));
    } else {
        double e = exp(x);
        return (e / (1.0 + e));
    }
}
static inline double d0_sigmoid(double x, double out) {
    (void)out;
    return f_sigmoid_slope(x);
}

static inline double f_sigmoid_slope(double x) {
    double e = exp((-fabs(x)));
    return (e / ((1.0 + e) * (1.0 + e)));
}
static inline double d0_sigmoid_slope(double x, double out) {
    return ((-out) * tanh((x / 2.0)));
}

static inline double f_logsigmoid(double x) {
    if ((x >= 0.0)) {
        return (-log1p(exp((-x))));
    } else {
        return (x - log1p(exp(x)));
    }
}
static inline double d0_logsigmoid(double x, double out) {
    (void)out;
    return f_sigmoid((-x));
}

static inline double f_softplus(double x) {
    if ((x > 0.0)) {
        return (x + log1p(exp((-x))));
    } else {
        return log1p(exp(x));
    }
}
static inline double d0_softplus(double x, double out) {
    (void)out;
    return f_sigmoid(x);
}

static inline double f_relu(double x) {
    if ((x > 0.0)) {
        return x;
    } else {
        if ((x <= 0.0)) {
            return 0.0;
        } else {
            return NAN;
        }
    }
}
static inline double d0_relu(double x, double out) {
    (void)out;
    if ((x > 0.0)) {
        return 1.0;
    } else {
        if ((x <= 0.0)) {
            return 0.0;
        } else {
            return NAN;
        }
    }
}

static inline double f_leaky_relu(double x) {
    if ((x > 0.0)) {
        return x;
    } else {
        return (0.01 * x);
    }
}
static inline double d0_leaky_relu(double x, double out) {
    (void)out;
    if ((x > 0.0)) {
        return 1.0;
    } else {
        if ((x <= 0.0)) {
            return 0.01;
        } else {
            return NAN;
        }
    }
}

static inline double f_elu(double x) {
    if ((x > 0.0)) {
        return x;
    } else {
        return expm1(x);
    }
}
static inline double d0_elu(double x, double out) {
    (void)out;
    if ((x > 0.0)) {
        return 1.0;
    } else {
        return exp(x);
    }
}

static inline double f_gelu(double x) {
    return f_multiply_no_nan(x, f_normal_cdf(x));
}
static inline double d0_gelu(double x, double out) {
    (void)out;
    return (f_normal_cdf(x) + f_multiply_no_nan(x, f_normal_pdf(x)));
}

static inline double f_silu(double x) {
    return f_multiply_no_nan(x, f_sigmoid(x));
}
static inline double d0_silu(double x, double out) {
    (void)out;
    return f_multiply_no_nan(f_sigmoid(x), (1.0 + f_multiply_no_nan(x, f_sigmoid((-x)))));
}

static double list_sum(Py_ssize_t count, const double *restrict at, double *restrict d, double *restrict room) {
    const Py_ssize_t n = count / 1;
    const double *const xs = at + 0 * n;
    double out_0;
    { const Py_ssize_t i = 0; out_0 = xs[i]; }
    for (Py_ssize_t i = 1; i < n; i++) out_0 = out_0 + xs[i];
    const double out = out_0;
    for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = 1.0;
    (void)room;
    return out;
}

static double list_mean(Py_ssize_t count, const double *restrict at, double *restrict d, double *restrict room) {
    const Py_ssize_t n = count / 1;
    const double *const xs = at + 0 * n;
    double out_0;
    { const Py_ssize_t i = 0; out_0 = xs[i]; }
    for (Py_ssize_t i = 1; i < n; i++) out_0 = out_0 + xs[i];
    const double out = (out_0 / (double)n);
    for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = (1.0 / (double)n);
    (void)room;
    return out;
}

static double list_dot(Py_ssize_t count, const double *restrict at, double *restrict d, double *restrict room) {
    const Py_ssize_t n = count / 2;
    const double *const xs = at + 0 * n;
    const double *const ys = at + 1 * n;
    double out_0;
    { const Py_ssize_t i = 0; out_0 = (xs[i] * ys[i]); }
    for (Py_ssize_t i = 1; i < n; i++) out_0 = out_0 + (xs[i] * ys[i]);
    const double out = out_0;
    for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = ys[i];
    for (Py_ssize_t i = 0; i < n; i++) d[1 * n + i] = xs[i];
    (void)room;
    return out;
}

static double list_prod(Py_ssize_t count, const double *restrict at, double *restrict d, double *restrict room) {
    const Py_ssize_t n = count / 1;
    const double *const xs = at + 0 * n;
    double *const before = room + 0 * n;
    products_before(n, xs, before);
    double *const behind = room + 1 * n;
    products_behind(n, xs, behind);
    double out_0;
    { const Py_ssize_t i = 0; out_0 = xs[i]; }
    for (Py_ssize_t i = 1; i < n; i++) out_0 = out_0 * xs[i];
    const double out = out_0;
    for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = (before[i] * behind[i]);
    return out;
}

static double list_take(Py_ssize_t count, const double *restrict at, double *restrict d, double *restrict room) {
    const Py_ssize_t n = (count - 1) / 1;
    const double *const xs = at + 0 * n;
    const Py_ssize_t index = (Py_ssize_t)at[count - 1];
    const double out = xs[index];
    for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = ((i == index) ? 1.0 : 0.0);
    d[count - 1] = 0.0;
    (void)room;
    return out;
}

static double list_logsumexp(Py_ssize_t count, const double *restrict at, double *restrict d, double *restrict room) {
    const Py_ssize_t n = count / 1;
    const double *const xs = at + 0 * n;
    const Py_ssize_t top = argmax(n, xs);
    double *const e = room + 0 * n;
    for (Py_ssize_t i = 0; i < n; i++) e[i] = f_exp_difference(xs[i], xs[top]);
    double others_0 = 0.0;
    int others_0_started = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!(i != top)) continue;
        others_0 = others_0_started ? others_0 + e[i] : e[i];
        others_0_started = 1;
    }
    const double others = others_0;
    const double total = (1.0 + others);
    const double out = (xs[top] + log1p(others));
    if ((out != out)) {
        for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = NAN;
    } else {
        if ((xs[top] == (-INFINITY))) {
            for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = 0.0;
        } else {
            for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = (e[i] / total);
        }
    }
    return out;
}

static double list_softmax_cross_entropy(Py_ssize_t count, const double *restrict at, double *restrict d, double *restrict room) {
    const Py_ssize_t n = (count - 1) / 1;
    const double *const logits = at + 0 * n;
    const Py_ssize_t index = (Py_ssize_t)at[count - 1];
    const Py_ssize_t top = argmax(n, logits);
    double *const e = room + 0 * n;
    for (Py_ssize_t i = 0; i < n; i++) e[i] = f_exp_difference(logits[i], logits[top]);
    double others_0 = 0.0;
    int others_0_started = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!(i != top)) continue;
        others_0 = others_0_started ? others_0 + e[i] : e[i];
        others_0_started = 1;
    }
    const double others = others_0;
    const double total = (1.0 + others);
    double missed_0 = 0.0;
    int missed_0_started = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!(i != index)) continue;
        missed_0 = missed_0_started ? missed_0 + e[i] : e[i];
        missed_0_started = 1;
    }
    const double missed = missed_0;
    const double out = (log1p(others) + (logits[top] - logits[index]));
    if ((out != out)) {
        for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = NAN;
    } else {
        for (Py_ssize_t i = 0; i < n; i++) d[0 * n + i] = ((i == index) ? (-(missed / total)) : (e[i] / total));
    }
    d[count - 1] = 0.0;
    return out;
}

static double evaluate1(int code, double x, double *dx) {
    double out;
    switch (code) {
    case 8: out = f_negate(x); *dx = d0_negate(x, out); return out;
    case 9: out = f_abs(x); *dx = d0_abs(x, out); return out;
    case 10: out = f_identity(x); *dx = d0_identity(x, out); return out;
    case 12: out = f_exp(x); *dx = d0_exp(x, out); return out;
    case 14: out = f_exp2(x); *dx = d0_exp2(x, out); return out;
    case 15: out = f_expm1(x); *dx = d0_expm1(x, out); return out;
    case 16: out = f_log(x); *dx = d0_log(x, out); return out;
    case 17: out = f_log2(x); *dx = d0_log2(x, out); return out;
    case 18: out = f_log10(x); *dx = d0_log10(x, out); return out;
    case 19: out = f_log1p(x); *dx = d0_log1p(x, out); return out;
    case 20: out = f_sqrt(x); *dx = d0_sqrt(x, out); return out;
    case 21: out = f_cbrt(x); *dx = d0_cbrt(x, out); return out;
    case 23: out = f_sin(x); *dx = d0_sin(x, out); return out;
    case 24: out = f_cos(x); *dx = d0_cos(x, out); return out;
    case 25: out = f_tan(x); *dx = d0_tan(x, out); return out;
    case 26: out = f_asin(x); *dx = d0_asin(x, out); return out;
    case 27: out = f_acos(x); *dx = d0_acos(x, out); return out;
    case 28: out = f_atan(x); *dx = d0_atan(x, out); return out;
    case 30: out = f_sinh(x); *dx = d0_sinh(x, out); return out;
    case 31: out = f_cosh(x); *dx = d0_cosh(x, out); return out;
    case 32: out = f_tanh(x); *dx = d0_tanh(x, out); return out;
    case 33: out = f_sech2(x); *dx = d0_sech2(x, out); return out;
    case 34: out = f_asinh(x); *dx = d0_asinh(x, out); return out;
    case 35: out = f_acosh(x); *dx = d0_acosh(x, out); return out;
    case 36: out = f_atanh(x); *dx = d0_atanh(x, out); return out;
    case 37: out = f_gaussian(x); *dx = d0_gaussian(x, out); return out;
    case 38: out = f_erf(x); *dx = d0_erf(x, out); return out;
    case 39: out = f_erfc(x); *dx = d0_erfc(x, out); return out;
    case 40: out = f_normal_pdf(x); *dx = d0_normal_pdf(x, out); return out;
    case 41: out = f_normal_cdf(x); *dx = d0_normal_cdf(x, out); return out;
    case 42: out = f_floor(x); *dx = d0_floor(x, out); return out;
    case 43: out = f_ceil(x); *dx = d0_ceil(x, out); return out;
    case 44: out = f_round(x); *dx = d0_round(x, out); return out;
    case 45: out = f_sign(x); *dx = d0_sign(x, out); return out;
    case 54: out = f_detach(x); *dx = d0_detach(x, out); return out;
    case 55: out = f_sigmoid(x); *dx = d0_sigmoid(x, out); return out;
    case 56: out = f_sigmoid_slope(x); *dx = d0_sigmoid_slope(x, out); return out;
    case 57: out = f_logsigmoid(x); *dx = d0_logsigmoid(x, out); return out;
    case 58: out = f_softplus(x); *dx = d0_softplus(x, out); return out;
    case 59: out = f_relu(x); *dx = d0_relu(x, out); return out;
    case 60: out = f_leaky_relu(x); *dx = d0_leaky_relu(x, out); return out;
    case 61: out = f_elu(x); *dx = d0_elu(x, out); return out;
    case 62: out = f_gelu(x); *dx = d0_gelu(x, out); return out;
    case 63: out = f_silu(x); *dx = d0_silu(x, out); return out;
    }
    return NAN;
}

static double evaluate2(int code, double x, double y, double *dx, double *dy) {
    double out;
    switch (code) {
    case 1: out = f_add(x, y); *dx = d0_add(x, y, out); *dy = d1_add(x, y, out); return out;
    case 2: out = f_subtract(x, y); *dx = d0_subtract(x, y, out); *dy = d1_subtract(x, y, out); return out;
    case 3: out = f_multiply(x, y); *dx = d0_multiply(x, y, out); *dy = d1_multiply(x, y, out); return out;
    case 4: out = f_divide(x, y); *dx = d0_divide(x, y, out); *dy = d1_divide(x, y, out); return out;
    case 5: out = f_modulo(x, y); *dx = d0_modulo(x, y, out); *dy = d1_modulo(x, y, out); return out;
    case 6: out = f_power(x, y); *dx = d0_power(x, y, out); *dy = d1_power(x, y, out); return out;
    case 7: out = f_power_constant(x, y); *dx = d0_power_constant(x, y, out); *dy = d1_power_constant(x, y, out); return out;
    case 11: out = f_multiply_no_nan(x, y); *dx = d0_multiply_no_nan(x, y, out); *dy = d1_multiply_no_nan(x, y, out); return out;
    case 13: out = f_exp_difference(x, y); *dx = d0_exp_difference(x, y, out); *dy = d1_exp_difference(x, y, out); return out;
    case 22: out = f_hypot(x, y); *dx = d0_hypot(x, y, out); *dy = d1_hypot(x, y, out); return out;
    case 29: out = f_atan2(x, y); *dx = d0_atan2(x, y, out); *dy = d1_atan2(x, y, out); return out;
    case 46: out = f_maximum(x, y); *dx = d0_maximum(x, y, out); *dy = d1_maximum(x, y, out); return out;
    case 47: out = f_minimum(x, y); *dx = d0_minimum(x, y, out); *dy = d1_minimum(x, y, out); return out;
    case 50: out = f_less(x, y); *dx = d0_less(x, y, out); *dy = d1_less(x, y, out); return out;
    case 51: out = f_less_or_equal(x, y); *dx = d0_less_or_equal(x, y, out); *dy = d1_less_or_equal(x, y, out); return out;
    case 52: out = f_equal(x, y); *dx = d0_equal(x, y, out); *dy = d1_equal(x, y, out); return out;
    case 53: out = f_not_equal(x, y); *dx = d0_not_equal(x, y, out); *dy = d1_not_equal(x, y, out); return out;
    }
    return NAN;
}

static double evaluate3(int code, double x, double y, double z, double *dx, double *dy, double *dz) {
    double out;
    switch (code) {
    case 48: out = f_clip(x, y, z); *dx = d0_clip(x, y, z, out); *dy = d1_clip(x, y, z, out); *dz = d2_clip(x, y, z, out); return out;
    case 49: out = f_where(x, y, z); *dx = d0_where(x, y, z, out); *dy = d1_where(x, y, z, out); *dz = d2_where(x, y, z, out); return out;
    }
    return NAN;
}

/* The room that a primitive of n operands wants, over n: for them, local derivatives, lists in between. */
#define ROOM 4

/* By code: how many operands, or else in how many lists they stand, and whether an index is behind these. */
static const struct {
    signed char arity, lists, index;
} shapes[71] = {{0, 0, 0}, {2, 0, 0}, {2, 0, 0}, {2, 0, 0}, {2, 0, 0}, {2, 0, 0}, {2, 0, 0}, {2, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {2, 0, 0}, {1, 0, 0}, {2, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {2, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {2, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {2, 0, 0}, {2, 0, 0}, {3, 0, 0}, {3, 0, 0}, {2, 0, 0}, {2, 0, 0}, {2, 0, 0}, {2, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 1, 0}, {0, 2, 0}, {0, 1, 0}, {0, 1, 1}, {0, 1, 0}, {0, 1, 1}};

static inline int takes_index(int code) { return code < 71 && shapes[code].index; }

static inline int takes(int code, Py_ssize_t n, const double *x) { /* whether a primitive takes these operands */
    Py_ssize_t elements = n - shapes[code].index;
    if (shapes[code].arity) return n == shapes[code].arity;
    return elements > 0 && elements % shapes[code].lists == 0 &&
           (!shapes[code].index || is_index(x[n - 1], elements / shapes[code].lists));
}

/* Any primitive of n operands that it `takes`: the value, and the local derivatives into d. */
static double evaluate_many(int code, Py_ssize_t n, const double *x, double *d, double *room) {
    switch (code) {
    case 64: return list_sum(n, x, d, room);
    case 65: return list_mean(n, x, d, room);
    case 66: return list_dot(n, x, d, room);
    case 67: return list_prod(n, x, d, room);
    case 68: return list_take(n, x, d, room);
    case 69: return list_logsumexp(n, x, d, room);
    case 70: return list_softmax_cross_entropy(n, x, d, room);
    }
    if (n == 3) return evaluate3(code, x[0], x[1], x[2], &d[0], &d[1], &d[2]);
    if (n == 2) return evaluate2(code, x[0], x[1], &d[0], &d[1]);
    return evaluate1(code, x[0], &d[0]);
}

#define LIST_ROWS(ROW) \
    ROW(prod, 67) \
    ROW(logsumexp, 69) \
    ROW(softmax_cross_entropy, 70)
#define LANE_ROWS1(ROW) \
    ROW(negate, 8) \
    ROW(abs, 9) \
    ROW(identity, 10) \
    ROW(sign, 45) \
    ROW(detach, 54) \
    ROW(relu, 59) \
    ROW(leaky_relu, 60)
#define CALL_ROWS1(ROW) \
    ROW(exp, 12) \
    ROW(exp2, 14) \
    ROW(expm1, 15) \
    ROW(log, 16) \
    ROW(log2, 17) \
    ROW(log10, 18) \
    ROW(log1p, 19) \
    ROW(sqrt, 20) \
    ROW(cbrt, 21) \
    ROW(sin, 23) \
    ROW(cos, 24) \
    ROW(tan, 25) \
    ROW(asin, 26) \
    ROW(acos, 27) \
    ROW(atan, 28) \
    ROW(sinh, 30) \
    ROW(cosh, 31) \
    ROW(tanh, 32) \
    ROW(sech2, 33) \
    ROW(asinh, 34) \
    ROW(acosh, 35) \
    ROW(atanh, 36) \
    ROW(gaussian, 37) \
    ROW(erf, 38) \
    ROW(erfc, 39) \
    ROW(normal_pdf, 40) \
    ROW(normal_cdf, 41) \
    ROW(floor, 42) \
    ROW(ceil, 43) \
    ROW(round, 44) \
    ROW(sigmoid, 55) \
    ROW(sigmoid_slope, 56) \
    ROW(logsigmoid, 57) \
    ROW(softplus, 58) \
    ROW(elu, 61) \
    ROW(gelu, 62) \
    ROW(silu, 63)
#define LANE_ROWS2(ROW) \
    ROW(add, 1) \
    ROW(subtract, 2) \
    ROW(multiply, 3) \
    ROW(divide, 4) \
    ROW(multiply_no_nan, 11) \
    ROW(maximum, 46) \
    ROW(minimum, 47) \
    ROW(less, 50) \
    ROW(less_or_equal, 51) \
    ROW(equal, 52) \
    ROW(not_equal, 53)
#define CALL_ROWS2(ROW) \
    ROW(modulo, 5) \
    ROW(power, 6) \
    ROW(power_constant, 7) \
    ROW(exp_difference, 13) \
    ROW(hypot, 22) \
    ROW(atan2, 29)
#define LANE_ROWS3(ROW) \
    ROW(clip, 48) \
    ROW(where, 49)
#define CALL_ROWS3(ROW)

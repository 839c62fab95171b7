/* Written by tools/kernels.py from autograd/tape/compiled/program.py at each build. Do not edit. */
typedef struct {
    int op, flags, out, x, y, z, n, aux;
} instruction;
#define NO_SLOT (-2147483647 - 1)
#define NEED_X 1
#define NEED_Y 2
#define NEED_Z 4
#define PARAMS_ONLY 3
#define XS_FIRST 64
#define BIAS_FIRST 128
#define OP_DOT 71
#define OP_DOT_SCALARS 72
#define OP_DOT_ALL_SCALARS 73
#define OP_TAKE_SCALARS 74
#define OP_GUARD 75
#define OP_CALL 76
#define OP_DOTS 77
#define BLOCK 64

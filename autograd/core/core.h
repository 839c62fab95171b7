/* The C side of autograd/value.py. The .c files beside this are compiled into its module alone, so that their state (the
 * slabs of nodes, the mode of a thread) exists once; modules that cimport Value include this header and no state.
 */
#ifndef GLASSGRAD_CORE_H
#define GLASSGRAD_CORE_H

#include "node.h"

#ifdef __GNUC__
#pragma GCC visibility push(hidden) /* called inside one module: directly, not through a table of symbols */
#endif

/* operands.c */
enum { ALL_OPERANDS, PARENTS, LOCAL_GRADS };
extern const int core_table_size; /* codes below it are those of rows of the table */
extern const long core_table_digest; /* of the table that the kernels were made from */
double core_evaluate1(int code, double x, double *dx);
double core_evaluate2(int code, double x, double y, double *dx, double *dy);
int core_evaluate(PyObject *self, PyObject *operands, int in_block);
int core_restore(PyObject *self, PyObject *operands, PyObject *local_grads, int in_block);
PyObject *core_operands(PyObject *self, int what);

/* backward.c */
int core_backward(PyObject *self, double gradient);
PyObject *core_reached(PyObject *self);

/* node.c */
extern int core_next_is_computed; /* set before a node is made that is not a leaf: the two kinds lie apart */
int core_install(PyObject *type, const char *signature);

/* mode.c */
extern _Thread_local PyObject *core_thread_mode; /* counted; NULL stands for None */
static inline PyObject *core_mode(void) { return core_thread_mode; } /* borrowed */
void core_set_mode(PyObject *mode);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif

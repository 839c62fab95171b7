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
PyObject *core_node(int code); /* without its number, value and operands */
int core_install(PyObject *type, const char *signature);

/* mode.c */
extern int core_modes_set; /* modes that a context may hold, and blocks that set one for a moment; 0: all is as default */
PyObject *core_known_mode(void); /* borrowed: the mode of this context or None; NULL where the thread must ask for it */
void core_know_mode(PyObject *mode);
void core_forget_modes(void); /* in all threads */
void core_mode_changed(void); /* the mode of this context */
unsigned long long core_context_version(void); /* grows with each change of this thread's context or of its mode */

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif

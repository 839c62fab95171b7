/* A node: the struct that Cython makes of the class Value. `core_install` checks that this mirror fits it. */
#ifndef GLASSGRAD_NODE_H
#define GLASSGRAD_NODE_H

#include <Python.h>

typedef struct node node;

typedef struct {
    node *value; /* counted; NULL where the operand is a number */
    double local; /* the local derivative, or the number */
} operand;

typedef struct {
    Py_ssize_t count;
    operand at[1];
} block;

struct node { /* lies at a multiple of 32 bytes; what a pass does to an operand is in 32 to 64: one line of the cache */
    PyObject_HEAD
    double data;
    PyObject *label;
    long long number;
    double grad;
    int code;
    short count; /* of operands in x and y; 0 for a leaf and where they are in a block */
    signed char marked; /* during a walk */
    signed char reached; /* by a backward pass, ever */
    node *x, *y; /* None where there is no such operand, or where it is a number */
    union {
        double dx; /* the local derivative by x, or the number that stands for x; of a leaf, how it was made */
        block *many; /* the operands of a node of more than two */
    };
    double dy;
    PyObject *module;
};

#define IS_VALUE(operand) ((PyObject *)(operand) != Py_None)
#define IS_COMPUTED(node) ((node)->code != 0)
#define IS_MANY(node) ((node)->code != 0 && (node)->count == 0)

static inline Py_ssize_t core_count(PyObject *self) {
    node *v = (node *)self;
    return IS_MANY(v) ? v->many->count : v->count;
}

static inline PyObject *core_operand_node(PyObject *self, Py_ssize_t i) { /* None where the operand is a number */
    node *v = (node *)self;
    node *value = IS_MANY(v) ? v->many->at[i].value : i == 0 ? v->x : v->y;
    return Py_NewRef(value == NULL ? Py_None : (PyObject *)value);
}

static inline double core_operand_number(PyObject *self, Py_ssize_t i) {
    node *v = (node *)self;
    return IS_MANY(v) ? v->many->at[i].local : i == 0 ? v->dx : v->dy;
}

#endif

/* The floor of an engine that is called from Python: a class whose operators and methods do nothing but return. What a
 * script takes with it is the script's own.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

typedef struct {
    PyObject_HEAD
    double data, grad;
} number;

static PyTypeObject number_type;

/* The operand that is of this class; there is one. */
static PyObject *same(PyObject *x, PyObject *y) { return Py_NewRef(Py_TYPE(x) == &number_type ? x : y); }
static PyObject *same_of_three(PyObject *x, PyObject *y, PyObject *Py_UNUSED(modulo)) { return same(x, y); }
static PyObject *itself(PyObject *x) { return Py_NewRef(x); }
static PyObject *method(PyObject *x, PyObject *Py_UNUSED(ignored)) { return Py_NewRef(x); }
static PyObject *backward(PyObject *Py_UNUSED(x), PyObject *Py_UNUSED(ignored)) { return Py_NewRef(Py_None); }

static PyObject *new_number(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(keywords)) {
    number *found = (number *)type->tp_alloc(type, 0);
    if (found != NULL && !PyArg_ParseTuple(args, "d", &found->data)) Py_CLEAR(found);
    return (PyObject *)found;
}

static PyMethodDef methods[] = {
    {"exp", method, METH_NOARGS, NULL},
    {"log", method, METH_NOARGS, NULL},
    {"relu", method, METH_NOARGS, NULL},
    {"backward", backward, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyMemberDef members[] = {
    {"data", T_DOUBLE, offsetof(number, data), 0, NULL},
    {"grad", T_DOUBLE, offsetof(number, grad), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyNumberMethods operators = {
    .nb_add = same, .nb_subtract = same, .nb_multiply = same, .nb_true_divide = same, .nb_power = same_of_three,
    .nb_negative = itself,
};
static PyTypeObject number_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "floor.Value", .tp_basicsize = sizeof(number), .tp_new = new_number,
    .tp_as_number = &operators, .tp_methods = methods, .tp_members = members, .tp_flags = Py_TPFLAGS_DEFAULT,
};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "floor", .m_size = -1};

PyMODINIT_FUNC PyInit_floor(void) {
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddType(made, &number_type) < 0) Py_CLEAR(made);
    return made;
}

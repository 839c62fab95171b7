# The C types of autograd/value.py. The order of Value's fields is mirrored by `node` in autograd/core/node.h.
cimport cython
from cpython.object cimport PyObject


cdef class Value


cdef extern from "autograd/core/core.h":
    const int TABLE_SIZE "core_table_size"
    const long TABLE_DIGEST "core_table_digest"
    double evaluate1 "core_evaluate1"(int code, double x, double *dx) noexcept
    double evaluate2 "core_evaluate2"(int code, double x, double y, double *dx, double *dy) noexcept
    enum: ALL_OPERANDS, PARENTS, LOCAL_GRADS
    int core_evaluate(object node, list operands, int in_block) except -1
    int core_restore(object node, tuple operands, tuple local_grads, int in_block) except -1
    object core_operands(object node, int what)
    Value core_node(int code)
    int core_install(object kind, const char *signature) except -1
    int core_backward(object root, double gradient) except -1
    object core_reached(object root)
    Py_ssize_t core_count(object node) noexcept
    object core_operand_node(object node, Py_ssize_t i)
    double core_operand_number(object node, Py_ssize_t i) noexcept
    int core_modes_set
    PyObject *core_known_mode() noexcept
    void core_know_mode(object mode) noexcept
    void core_forget_modes() noexcept
    void core_mode_changed() noexcept
    unsigned long long core_context_version() noexcept


@cython.final
cdef class Layer:
    cdef readonly object recording, scope, watch, recorder
    cdef bint closed


@cython.final
cdef class Mode:
    cdef readonly tuple layers
    cdef readonly bint recording
    cdef readonly object scope, watch
    cdef object _recorder
    cdef dict _inside
    cdef bint _counted
    cpdef Mode with_layer(self, Layer layer)
    @cython.locals(layer=Layer)
    cpdef object without_layer(self, Layer closed)
    @cython.locals(layer=Layer)
    cpdef bint has(self, Layer one)
    @cython.locals(inner=Mode)
    cpdef Mode inside(self, scope)
    @cython.locals(layer=Layer)
    cdef bint _is_stale(self)
    cdef object _open_recorder(self)


@cython.auto_pickle(False)
cdef class Value:
    cdef double _data
    cdef object _label
    cdef long long _number
    cdef double _grad
    cdef int _code
    cdef short _count
    cdef signed char _marked, _reached
    cdef Value _x, _y
    cdef double _dx, _dy
    cdef object _module


cdef long long _made
cdef double _BY_DETACH, _UNDER_NO_GRAD, _UNDER_NO_GRAD_AND_WARNED
# <generated codes by `make generate`: do not edit>
cdef int _ADD
cdef int _SUBTRACT
cdef int _MULTIPLY
cdef int _DIVIDE
cdef int _MODULO
cdef int _POWER
cdef int _POWER_CONSTANT
cdef int _NEGATE
cdef int _ABS
cdef int _EXP
cdef int _EXP2
cdef int _EXPM1
cdef int _LOG
cdef int _LOG2
cdef int _LOG10
cdef int _LOG1P
cdef int _SQRT
cdef int _CBRT
cdef int _SIN
cdef int _COS
cdef int _TAN
cdef int _ASIN
cdef int _ACOS
cdef int _ATAN
cdef int _SINH
cdef int _COSH
cdef int _TANH
cdef int _ASINH
cdef int _ACOSH
cdef int _ATANH
cdef int _ERF
cdef int _ERFC
cdef int _FLOOR
cdef int _CEIL
cdef int _ROUND
cdef int _SIGN
cdef int _SIGMOID
cdef int _LOGSIGMOID
cdef int _SOFTPLUS
cdef int _RELU
cdef int _LEAKY_RELU
cdef int _ELU
cdef int _GELU
cdef int _SILU
# </generated>

@cython.locals(node=Value)
cdef Value _new(int code)

cpdef tuple reached_by(Value root)
cpdef Py_ssize_t operand_count(Value node)
cpdef Value operand_node(Value node, Py_ssize_t i)
cpdef double operand_number(Value node, Py_ssize_t i)

cpdef object creation_number(Value node)
@cython.locals(other=Value)
cdef object _compare(object relation, Value x, object y)
@cython.locals(mode=Mode)
cdef object _recorder()
cdef _read(Value node)
@cython.locals(node=Value)
cpdef object number_of(object operand)
@cython.locals(mode=Mode, leaf=Value)
cdef object _finish(Value node)

cpdef object cut_by(Value node)
cdef _warn_of_no_graph(Value leaf)

@cython.locals(mode=Mode, known="PyObject *")
cpdef object current_mode()
@cython.locals(held=Mode)
cpdef set_mode(object mode)
@cython.locals(mode=Mode)
cpdef open_layer(Layer layer)
@cython.locals(done=bint)
cpdef close_layer(Layer layer)
@cython.locals(mode=Mode)
cdef bint _take_out(Layer layer) except -1
@cython.locals(version=object)
cpdef object set_briefly(object mode)
cpdef restore_mode(Mode inner, object outer, unsigned long long version)

@cython.locals(node=Value)
cpdef object unary(int code, Value x)

@cython.locals(node=Value, left=Value, right=Value, a=double, b=double)
cpdef object binary(int code, object x, object y)

@cython.locals(node=Value, in_block=bint)
cpdef object many(object primitive, list operands)

@cython.locals(operands=list, i=Py_ssize_t)
cpdef list operands_of(str function, object xs)
cpdef object apply_to_list(object primitive, list operands)

cpdef place_in_model(Value parameter, object module, object path)
cpdef take_name(Value copy, Value node)
cpdef tuple contents(Value node)
@cython.locals(node=Value)
cpdef object restore(
    object primitive, object data, object grad, bint reached, tuple local_grads, object label, object module, tuple operands
)

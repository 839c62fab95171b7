# The C types of autograd/tape/compiled/scratch.py.
cimport cython
from libc.string cimport memset

cdef extern from *:
    """
    #if defined(__SANITIZE_ADDRESS__)
    #define MOST_ROOM 0 /* a sanitizer must see where each array ends */
    #else
    #define MOST_ROOM (1 << 24)
    #endif
    """
    const Py_ssize_t MOST_ROOM  # bytes

cdef Py_ssize_t PATIENCE, _FIRST_ROOM
cdef Scratch _kept
cdef Py_ssize_t _next_room


cdef class Scratch:
    cdef int[::1] as_ints
    cdef long long[::1] as_longs
    cdef readonly Py_ssize_t room  # bytes
    cdef Py_ssize_t used, asked  # bytes of the piece so far, and of all arrays
    cdef Py_ssize_t small  # the number of lowerings so far that asked for less than half of it
    @cython.locals(found="int[::1]", byte=int)
    cpdef int[::1] ints(self, Py_ssize_t count, int number)
    @cython.locals(found="int[::1]", begin=Py_ssize_t)
    cpdef int[::1] any_ints(self, Py_ssize_t count)
    @cython.locals(found="long long[::1]", byte=int, begin=Py_ssize_t)
    cpdef long long[::1] longs(self, Py_ssize_t count, int number)
    @cython.locals(room=Py_ssize_t)
    cdef Py_ssize_t cut(self, Py_ssize_t size) except -1
    cdef replace(self, Py_ssize_t room)


cpdef Scratch lent()
cpdef give_back(Scratch scratch)
cpdef copied(int[::1] numbers, Py_ssize_t count)

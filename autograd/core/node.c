/* The memory of nodes: the slabs that they lie in, and how a graph is freed. */
#include "core.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH_TO_WRITE(address) __builtin_prefetch(address, 1)
#else
#define PREFETCH_TO_WRITE(address) ((void)(address))
#endif
#define AHEAD 8 /* nodes */

static PyTypeObject *value_type; /* set by `core_install`, and with it: */
static node blank; /* what a new node begins as */

/* -- memory: slabs of nodes -----------------------------------------------------------------------------------------
 * A training step makes and frees the same tens of thousands of nodes again and again. A general allocator gives their
 * memory back to the system in between, and each page of it costs a fault when it comes again: half the cost of a node.
 * A slab is 2 MiB, aligned, so that a node finds its slab by its address and the system can back it with one huge page.
 * Leaves, many of which live long, lie in slabs of their own: those of computed nodes become empty, and are filled in the
 * order of making again, which is how backward walks. So empty slabs are filled before those with holes.
 * Empty slabs are kept up to a limit; the rest go back to the system. The limit is SLABS_KEPT, so that one large graph
 * leaves no trace. Each slab that was given back and is wanted again raises it by one, up to SLABS_KEPT_AT_MOST: a loop
 * over large graphs soon gives back nothing. What no graph has wanted for SECONDS_KEPT lowers it again. All under the
 * interpreter lock.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(_WIN32)
#define USE_SLABS 0 /* a sanitizer must see each node come and go */
static inline node *new_node(void) { return (node *)value_type->tp_alloc(value_type, 0); }
#else
#define USE_SLABS 1
#include <sys/mman.h>
#include <time.h>

#define SLAB_SIZE ((size_t)1 << 21)
#define SLABS_KEPT 32 /* 64 MiB */
#define SLABS_KEPT_AT_MOST 512 /* 1 GiB */
#define SECONDS_KEPT 2

typedef struct slab {
    struct slab *next, *previous; /* in the ring of slabs that have room; `next` also in the stack of empty ones */
    struct slab *ring;
    node *freed; /* nodes given back, chained by `number` */
    char *fresh, *end; /* what was never given out */
    Py_ssize_t live;
} slab;

static slab leaf_ring = {&leaf_ring, &leaf_ring, NULL, NULL, NULL, NULL, 1};
static slab computed_ring = {&computed_ring, &computed_ring, NULL, NULL, NULL, NULL, 1};

static struct {
    slab *stack;
    Py_ssize_t count, limit, given_back;
    Py_ssize_t unused; /* the lowest count since `since` */
    time_t since;
    unsigned emptied; /* how often a slab became empty that nodes were taken from all the same */
} empty = {NULL, 0, SLABS_KEPT, 0, 0, 0, 0};

static void join_behind(slab *before, slab *s) {
    s->next = before->next;
    s->previous = before;
    s->next->previous = before->next = s;
}

static void leave_ring(slab *s) {
    s->next->previous = s->previous;
    s->previous->next = s->next;
    s->next = NULL; /* in no ring */
}

static void clear_slab(slab *s) { /* nothing of it was given out */
    s->freed = NULL;
    s->fresh = (char *)s + ((sizeof(slab) + 31) & ~(size_t)31);
}

static slab *take_empty(void) {
    slab *s = empty.stack;
    empty.stack = s->next;
    if (--empty.count < empty.unused) empty.unused = empty.count;
    return s;
}

static void give_back(void) { /* what is beyond the limit, which falls by what was not used lately */
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) == 0 && now.tv_sec - empty.since > SECONDS_KEPT) {
        empty.limit -= empty.unused;
        if (empty.limit < SLABS_KEPT) empty.limit = SLABS_KEPT;
        empty.given_back = 0;
        empty.since = now.tv_sec;
        empty.unused = empty.count;
    }
    for (; empty.count > empty.limit; empty.given_back++) free(take_empty());
}

static slab *open_slab(slab *ring) { /* an empty one, which is now the first of the ring */
    slab *s;
    if (empty.count > 0) {
        s = take_empty();
    } else {
        s = aligned_alloc(SLAB_SIZE, SLAB_SIZE);
        if (s == NULL) return NULL;
#ifdef MADV_HUGEPAGE
        madvise(s, SLAB_SIZE, MADV_HUGEPAGE);
#endif
        s->end = (char *)s + SLAB_SIZE;
        s->live = 0;
        if (empty.given_back > 0 && empty.limit < SLABS_KEPT_AT_MOST) {
            empty.given_back--;
            empty.limit++;
        }
    }
    s->ring = ring;
    clear_slab(s);
    join_behind(ring, s);
    return s;
}

static void close_slab(slab *s) { /* all its nodes were given back */
    if (s == s->ring->next) { /* nodes are taken from it */
        clear_slab(s);
        if (++empty.emptied % 1024 == 0) give_back();
        return;
    }
    leave_ring(s);
    s->next = empty.stack;
    empty.stack = s;
    empty.count++;
    give_back();
}

static inline node *slab_node(slab *ring) { /* with any contents; NULL without memory, and no error is set */
    slab *s = ring->next;
    node *v;
    if (s == ring && (s = open_slab(ring)) == NULL) return NULL;
    s->live++;
    if (s->freed != NULL) {
        v = s->freed;
        s->freed = (node *)(intptr_t)v->number;
        PREFETCH_TO_WRITE(s->freed);
    } else {
        v = (node *)s->fresh;
        s->fresh += sizeof(node);
        PREFETCH_TO_WRITE(s->fresh + AHEAD * sizeof(node));
    }
    if (s->freed == NULL && s->fresh + sizeof(node) > s->end) {
        leave_ring(s);
        if (empty.count > 0) open_slab(ring);
    }
    return v;
}

static PyObject *slab_alloc(PyTypeObject *type, Py_ssize_t items) {
    node *v = slab_node(&leaf_ring);
    (void)items;
    if (v == NULL) return PyErr_NoMemory();
    memset(v, 0, sizeof(node));
    return PyObject_Init((PyObject *)v, type);
}

static void slab_free(void *memory) {
    node *v = memory;
    slab *s = (slab *)((uintptr_t)v & ~(uintptr_t)(SLAB_SIZE - 1));
    v->number = (long long)(intptr_t)s->freed;
    s->freed = v;
    if (s->next == NULL) join_behind(s->ring->previous, s);
    if (--s->live == 0) close_slab(s);
}

static inline node *new_node(void) { return slab_node(&computed_ring); }
#endif

PyObject *core_node(int code) { /* what `Value.__new__` makes, in half the time, and among the computed nodes */
    node *v = new_node();
    if (v == NULL) return PyErr_NoMemory();
    *v = blank;
    v->code = code;
    for (int i = 0; i < 4; i++) Py_INCREF(Py_None); /* label, x, y, module */
#ifdef Py_REF_DEBUG
    PyObject_Init((PyObject *)v, value_type);
#endif
    return (PyObject *)v;
}

/* -- freeing: an explicit chain in place of nested destructors, which a deep graph would overflow the stack with -- */

static node *released(node *v, node *dead) { /* gives up one reference; a node that dies joins the chain */
    if (!IS_VALUE(v) || Py_REFCNT(v) > 1) {
        Py_DECREF((PyObject *)v);
        return dead;
    }
    v->number = (long long)(intptr_t)dead;
    return v;
}

static void core_dealloc(PyObject *self) {
    node *dead = (node *)self;
    dead->number = 0;
    while (dead != NULL) {
        node *v = dead;
        block *many = IS_MANY(v) ? v->many : NULL;
        dead = (node *)(intptr_t)v->number;
        PREFETCH_TO_WRITE(v - AHEAD);
        dead = released(v->x, dead);
        dead = released(v->y, dead);
        if (many != NULL) {
            for (Py_ssize_t i = 0; i < many->count; i++)
                if (many->at[i].value != NULL) dead = released(many->at[i].value, dead);
            PyMem_Free(many);
        }
        Py_DECREF(v->label);
        Py_DECREF(v->module);
        Py_TYPE(v)->tp_free((PyObject *)v);
    }
}

/* As any object's, but where there is no such attribute the error says what to do. Only an error costs anything. */
static int core_setattro(PyObject *self, PyObject *name, PyObject *value) {
    PyObject *kind, *error, *trace;
    int is_known;
    if (PyObject_GenericSetAttr(self, name, value) == 0) return 0;
    if (value == NULL || !PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
    PyErr_Fetch(&kind, &error, &trace);
    is_known = PyObject_HasAttr((PyObject *)Py_TYPE(self), name);
    PyErr_Restore(kind, error, trace);
    if (!is_known)
        PyErr_Format(
            PyExc_AttributeError,
            "'Value' object has no attribute %R, and no room for attributes of your own: keep them in a dict by id, "
            "such as memory = {id(p): 0.0 for p in parameters}",
            name
        );
    return -1;
}

/* Give the type Value its memory and its error for unknown attributes, and its docstring a first line that `inspect` reads the signature from. */
int core_install(PyObject *value, const char *signature) {
    PyTypeObject *type = (PyTypeObject *)value;
    const char *after = "\n--\n\n";
    char *doc;
    if (type->tp_basicsize != (Py_ssize_t)sizeof(node)) {
        PyErr_SetString(PyExc_SystemError, "autograd/core/node.h does not mirror Value; build the core again");
        return -1;
    }
    doc = PyMem_Malloc(strlen(signature) + strlen(after) + strlen(type->tp_doc) + 1); /* kept as long as the type */
    if (doc == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    strcpy(doc, signature);
    strcat(doc, after);
    type->tp_doc = strcat(doc, type->tp_doc);
    type->tp_dealloc = core_dealloc;
    type->tp_setattro = core_setattro;
#if USE_SLABS
    type->tp_alloc = slab_alloc;
    type->tp_free = slab_free;
#endif
    value_type = type;
    PyObject_Init((PyObject *)&blank, type);
    blank.label = blank.module = Py_None;
    blank.x = blank.y = (node *)Py_None;
    return 0;
}

/* The backward pass. What the readable Python of autograd/value.py does, held to it by tests, bit for bit.
 */
#include "core.h"
#include "walk.h"

/* -- in one sweep ---------------------------------------------------------------------------------------------------
 * The place of a node is the root's creation number minus its own. A node is newer than its operands, so places are swept
 * from 0 on: when the turn of a node comes, all that use it have had theirs, and its gradient is complete. A node that is
 * met for the first time is cleared, marked, and waits for its turn in a ring, whose size is the longest way from a node
 * to an operand, not the whole graph's. This is the order of the walk (walk.h) and gives its bits, but touches each node
 * once. Where the numbers of a graph lie far apart, most places are empty, and the walk is taken instead.
 */
typedef struct {
    node *leaf;
    double before; /* its gradient before the pass, which the pass is added to */
} met_leaf;

typedef struct {
    node **ring; /* by the lower bits of the place */
    long long room, newest; /* the size of the ring, a power of two; the number of the root */
    long long turn, last; /* the place whose turn it is; the highest place that was met */
    long long met, empty; /* computed nodes so far; places so far without one */
    met_leaf *leaves;
    Py_ssize_t leaf_count, leaf_room;
} sweep;

enum { FAILED = -1, DONE, SPARSE };

#define FIRST_ROOM 1024
#define ROOM_KEPT (1 << 16) /* half a megabyte */
#define ROOM_ALLOWED(met) (8 * (met) + (1 << 23)) /* 64 MiB of addresses: of a ring, only what is used is memory */
#define EMPTY_ALLOWED(met) (8 * (met) + 1024) /* a place costs a tenth of what the walk takes for a node */

static node **kept_ring; /* of a pass before, all NULL; under the interpreter lock */
static long long kept_room;

static int enlarge(sweep *s, long long place) {
    long long room = s->room ? s->room : FIRST_ROOM / 2, way = place - s->turn;
    node **ring;
    if (way >= ROOM_ALLOWED(s->met)) return SPARSE;
    while (room <= way) room *= 2;
    ring = PyMem_Calloc((size_t)room, sizeof(node *));
    if (ring == NULL) return FAILED;
    for (long long i = s->turn + 1; i <= s->last; i++) ring[i & (room - 1)] = s->ring[i & (s->room - 1)];
    PyMem_Free(s->ring);
    s->ring = ring;
    s->room = room;
    return DONE;
}

static int enlarge_leaves(sweep *s) {
    Py_ssize_t room = s->leaf_room ? 2 * s->leaf_room : 256;
    met_leaf *leaves = PyMem_Realloc(s->leaves, (size_t)room * sizeof(met_leaf));
    if (leaves == NULL) return FAILED;
    s->leaves = leaves;
    s->leaf_room = room;
    return DONE;
}

static inline int meet(sweep *s, node *v) {
    int status;
    if (v->marked) return DONE;
    if (IS_COMPUTED(v)) {
        long long place = s->newest - v->number;
        if (place - s->turn >= s->room && (status = enlarge(s, place)) != DONE) return status;
        if (place > s->last) s->last = place;
        s->ring[place & (s->room - 1)] = v;
        s->met++;
    } else {
        if (s->leaf_count == s->leaf_room && (status = enlarge_leaves(s)) != DONE) return status;
        s->leaves[s->leaf_count].before = v->grad;
        s->leaves[s->leaf_count++].leaf = v;
    }
    v->grad = 0.0;
    v->marked = v->reached = 1;
    return DONE;
}

static inline int take_turn(sweep *s, node *v) {
    double upstream = v->grad;
    int status;
    if (IS_MANY(v)) {
        for (Py_ssize_t j = 0; j < v->many->count; j++) {
            node *parent = v->many->at[j].value;
            if (parent == NULL) continue;
            if ((status = meet(s, parent)) != DONE) return status;
            if (upstream != 0.0) contribute(parent, v->many->at[j].local, upstream, 0);
        }
        return DONE;
    }
    if (IS_VALUE(v->x)) {
        if ((status = meet(s, v->x)) != DONE) return status;
        if (upstream != 0.0) contribute(v->x, v->dx, upstream, 0);
    }
    if (IS_VALUE(v->y)) {
        if ((status = meet(s, v->y)) != DONE) return status;
        if (upstream != 0.0) contribute(v->y, v->dy, upstream, 0);
    }
    return DONE;
}

/* Undo what a sweep that stopped has done: no mark is left, the ring is empty, leaves have the gradients of before. Those
 * of the computed nodes that it met mean nothing, until the next pass, which clears them. */
static void undo(sweep *s) {
    for (long long i = s->turn; i <= s->last; i++) {
        node **at = &s->ring[i & (s->room - 1)];
        if (*at != NULL) (*at)->marked = 0;
        *at = NULL;
    }
    for (Py_ssize_t i = 0; i < s->leaf_count; i++) {
        s->leaves[i].leaf->marked = 0;
        s->leaves[i].leaf->grad = s->leaves[i].before;
    }
}

static int backward_in_one_sweep(node *root, double gradient) {
    sweep s = {kept_ring, kept_room, root->number, 0, -1, 0, 0, NULL, 0, 0};
    int status;
    kept_ring = NULL;
    kept_room = 0;
    status = meet(&s, root);
    if (status == DONE) root->grad = gradient;
    for (; s.turn <= s.last && status == DONE; s.turn++) {
        node **at = &s.ring[s.turn & (s.room - 1)], *v = *at;
        if (v == NULL) {
            if (++s.empty > EMPTY_ALLOWED(s.met)) status = SPARSE;
            continue;
        }
        *at = NULL;
        v->marked = 0;
        status = take_turn(&s, v);
    }
    if (status == DONE) {
        for (Py_ssize_t i = 0; i < s.leaf_count; i++) {
            s.leaves[i].leaf->marked = 0;
            s.leaves[i].leaf->grad += s.leaves[i].before;
        }
    } else {
        undo(&s);
    }
    PyMem_Free(s.leaves);
    if (s.room <= ROOM_KEPT) {
        kept_ring = s.ring;
        kept_room = s.room;
    } else {
        PyMem_Free(s.ring);
    }
    if (status == FAILED) PyErr_NoMemory();
    return status;
}

/* -- by the walk ---------------------------------------------------------------------------------------------------- */

static int backward_by_walk(node *root, double gradient) {
    reached found;
    nodes *list = &found.computed, *leaves = &found.leaves;
    double *before;
    if (reach(&root, 1, 0, &found) < 0) return -1;
    before = PyMem_Malloc((size_t)(leaves->count + 1) * sizeof(double));
    if (before == NULL) {
        free_reached(&found);
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < leaves->count; i++) {
        before[i] = leaves->at[i]->grad;
        leaves->at[i]->grad = 0.0;
        leaves->at[i]->reached = 1;
    }
    for (Py_ssize_t i = 0; i < list->count; i++) {
        list->at[i]->grad = 0.0;
        list->at[i]->reached = 1;
    }
    root->grad = gradient;
    pass_back(list, 0);
    for (Py_ssize_t i = 0; i < leaves->count; i++) leaves->at[i]->grad += before[i];
    PyMem_Free(before);
    free_reached(&found);
    return 0;
}

int core_backward(PyObject *self, double gradient) {
    int status = backward_in_one_sweep((node *)self, gradient);
    return status == SPARSE ? backward_by_walk((node *)self, gradient) : status;
}

PyObject *core_reached(PyObject *self) { /* a pair of lists: the computed nodes, newest first, and the leaves */
    reached found;
    node *root = (node *)self;
    PyObject *computed, *leaves, *pair = NULL;
    if (reach(&root, 1, 0, &found) < 0) return NULL;
    computed = as_list(&found.computed);
    leaves = as_list(&found.leaves);
    if (computed != NULL && leaves != NULL) pair = PyTuple_Pack(2, computed, leaves);
    Py_XDECREF(computed);
    Py_XDECREF(leaves);
    free_reached(&found);
    return pair;
}

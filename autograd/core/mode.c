/* What a thread knows of the mode of its context. The mode itself is in a context variable, of autograd/value.py. */
#include "core.h"

int core_modes_set;

/* Valid while the thread is in the same context: its `context_ver` counts how often it went from one to another. */
static _Thread_local struct {
    PyObject *mode; /* borrowed: while this is valid, the context holds it, or the block that set it briefly */
    uint64_t thread, version;
    unsigned long long forgotten, changes;
} known;

static unsigned long long forgotten = 1; /* so that a new thread knows nothing */

unsigned long long core_context_version(void) { return PyThreadState_Get()->context_ver + known.changes; }

void core_mode_changed(void) { known.changes++; }

PyObject *core_known_mode(void) {
    PyThreadState *thread = PyThreadState_Get();
    return known.version == thread->context_ver && known.thread == thread->id && known.forgotten == forgotten ? known.mode : NULL;
}

void core_know_mode(PyObject *mode) {
    PyThreadState *thread = PyThreadState_Get();
    known.mode = mode;
    known.thread = thread->id;
    known.version = thread->context_ver;
    known.forgotten = forgotten;
}

void core_forget_modes(void) { forgotten++; }

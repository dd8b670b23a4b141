/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPIs. After ETRACK, Linux interrupts every processor that may run the process, so that whoever is
 * inside leaves once and enters in the new epoch. Here a signal does it.
 *
 * A thread may be half way in when the signal comes: counted as inside, its registers not loaded
 * yet. Its handler then does nothing, and the signal is sent again until the old epoch has drained.
 */
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/run.h"

static void kick(struct thread *t, void *arg)
{
    struct enclave *e = arg;

    if (t->cpu.enclave_mode && t->enclave == e && t->cpu.epoch < e->file->state.epoch)
        syscall(SYS_tgkill, getpid(), t->tid, SIGNAL_KICK);
}

void run_kick_all(struct enclave *e)
{
    while (cpu_tracking_incomplete(&e->epc)) {
        thread_each(kick, e);
        enclave_unlock(e); /* whoever is in a handler needs it to get on */
        sched_yield();
        enclave_lock(e);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPIs. After ETRACK, Linux interrupts every processor that may run a process of the enclave, so
 * that whoever is inside leaves once and enters in the new epoch. Here a signal does it, to the
 * threads of other processes as well; their handler brings their page table in line.
 *
 * A thread may be half way in when the signal comes, busy with the entry. Its handler then does
 * nothing but remember it, and the thread sends it to itself once the entry is complete: so a kick
 * that was sent is never lost, which stopped.c counts on.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "driver/share.h"
#include "run/run.h"

enum kick run_kick(void *thread)
{
    struct thread *t = thread;

    if (__atomic_exchange_n(&t->kicked, true, __ATOMIC_ACQ_REL) || signals_kick(t->tid))
        return KICK_SENT;
    __atomic_store_n(&t->kicked, false, __ATOMIC_RELEASE);
    return KICK_REFUSED;
}

enum kick run_kick_other(int pid, int tid, uint64_t mark)
{
    siginfo_t info;

    if (!mark)
        return KICK_REFUSED;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGNAL_KICK;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_ptr = (void *)(uintptr_t)mark;
    if (syscall(SYS_rt_tgsigqueueinfo, pid, tid, SIGNAL_KICK, &info) == 0)
        return KICK_SENT;
    return errno == ESRCH ? KICK_DEAD : KICK_REFUSED;
}

/*
 * The value in a kick by which this process tells it from the program's own signals of that number:
 * read off one that the thread sends to itself. The program's that stand before it in the queue go
 * behind it, all of them, which keeps their order. If the queue is full, a kick of the old kind
 * comes, which tells nothing: other processes then cannot interrupt the threads of this one, and
 * wait for them to leave.
 */
uint64_t run_kick_mark(void)
{
    static uint64_t mark;
    static const struct timespec at_once;
    const int tid = (int)syscall(SYS_gettid);
    sigset_t set;
    siginfo_t info;

    if (mark)
        return mark;
    sigemptyset(&set);
    sigaddset(&set, SIGNAL_KICK);
    signals_kick(tid);
    while (sigtimedwait(&set, &info, &at_once) == SIGNAL_KICK) {
        if (signals_is_kick(SIGNAL_KICK, &info)) {
            mark = (uint64_t)(uintptr_t)info.si_ptr;
            return mark;
        }
        syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, SIGNAL_KICK, &info);
    }
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    sigtimedwait(&set, &info, &at_once); /* the old kind */
    return 0;
}

#define NAP_LEAST 20000l /* ns */
#define NAP_MOST  5000000l

/* Rounds after which to see whether somebody is stopped: of naps; of mere yielding. */
#define LOOK_NAPS   3u
#define LOOK_YIELDS 1024u

void run_kick_all(struct enclave *e)
{
    struct timespec nap = {.tv_nsec = NAP_LEAST};

    for (unsigned naps = 0, yields = 0; cpu_tracking_incomplete(&e->epc);) {
        const bool others = inside_interrupt(e, naps >= LOOK_NAPS || yields >= LOOK_YIELDS);

        enclave_unlock(e); /* whoever is in a handler needs it to get on */
        if (others) {      /* who cannot tell us that one signal is enough */
            naps++;
            nanosleep(&nap, NULL);
            nap.tv_nsec = nap.tv_nsec < NAP_MOST ? 2 * nap.tv_nsec : nap.tv_nsec;
        } else {
            yields = yields < LOOK_YIELDS ? yields + 1 : 0;
            sched_yield();
        }
        enclave_lock(e);
    }
}

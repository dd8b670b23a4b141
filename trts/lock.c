/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

/*
 * The counter is read by phase one of an exception on this same thread, so the compiler's order is
 * all that matters; the fences give that.
 */
void critical_enter(void)
{
    thread_self()->critical++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void critical_leave(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread_self()->critical--;
}

void lock_take(struct lock *lock)
{
    critical_enter();
    while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}

void lock_drop(struct lock *lock)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
    critical_leave();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program break. The process's own belongs to the loader's libc.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "preload/hosted.h"
#include "preload/preload.h"

#define PAGE    UINT64_C(4096)
#define RESERVE (UINT64_C(64) << 30) /* address space, no memory */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t low, high, now; /* the break is in [low, high] */

static uint64_t page_up(uint64_t at)
{
    return (at + PAGE - 1) & -PAGE;
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

void hosted_brk_reserve(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
    for (uint64_t size = RESERVE; size >= RESERVE >> 10 && !low; size /= 2) {
        void *at =
            raw_mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (at != MAP_FAILED) {
            low = now = (uint64_t)(uintptr_t)at;
            high = low + size;
        }
    }
}

/* Fresh pages, or none: what was there is gone in either case. */
static bool replace(uint64_t from, uint64_t to, int prot, int flags)
{
    return raw_mmap((void *)(uintptr_t)from, to - from, prot,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0) != MAP_FAILED;
}

static void move(uint64_t end)
{
    const uint64_t from = page_up(now), to = page_up(end);

    if (end < low || end > high)
        return;
    if (to > from && !replace(from, to, PROT_READ | PROT_WRITE, 0))
        return;
    if (to < from && !replace(to, from, PROT_NONE, MAP_NORESERVE))
        return;
    now = end;
}

long hosted_brk(uint64_t end)
{
    long r;

    pthread_mutex_lock(&lock);
    move(end);
    r = (long)now;
    pthread_mutex_unlock(&lock);
    return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#define SLOTS   3
#define THREADS 8
#define ROUNDS  20000

static const uint64_t tcs[SLOTS] = {0x1000, 0x5000, 0x9000};
static struct pool pool;

static void set_up(void)
{
    cr_assert_eq(pool_make(&pool, tcs, SLOTS), 0);
}

static void tear_down(void)
{
    pool_done(&pool);
}

TestSuite(pool, .init = set_up, .fini = tear_down);

Test(pool, every_slot_is_given_once_then_none)
{
    struct slot *s[SLOTS];

    for (int i = 0; i < SLOTS; i++) {
        s[i] = pool_get(&pool);
        cr_assert_eq(s[i]->tcs, tcs[i]);
        for (int j = 0; j < i; j++)
            cr_assert_neq(s[i]->area, s[j]->area);
    }
    cr_assert_null(pool_get(&pool));
    for (int i = 0; i < SLOTS; i++)
        pool_put(&pool, s[i]);
}

Test(pool, the_slot_given_back_last_is_given_first)
{
    struct slot *a = pool_get(&pool), *b = pool_get(&pool);

    pool_put(&pool, b);
    pool_put(&pool, a);
    cr_assert_eq(pool_get(&pool), a);
    pool_put(&pool, a);
}

Test(pool, areas_are_apart_and_writable_to_the_last_byte)
{
    struct slot *a = pool_get(&pool), *b = pool_get(&pool);

    a->area[POOL_AREA_SIZE - 1] = 1;
    b->area[0] = 2;
    cr_assert_eq(a->area[POOL_AREA_SIZE - 1], 1);
    pool_put(&pool, a);
    pool_put(&pool, b);
}

static _Atomic(int) holders[SLOTS];
static _Atomic(int) clashes, refusals, grants;

static void *use_slots(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct slot *s = pool_get(&pool);

        if (!s) {
            refusals++;
            continue;
        }
        grants++;
        if (atomic_fetch_add(&holders[s - pool.slots], 1) != 0)
            clashes++;
        atomic_fetch_sub(&holders[s - pool.slots], 1);
        pool_put(&pool, s);
    }
    return NULL;
}

Test(pool, no_two_threads_ever_hold_the_same_slot)
{
    pthread_t thread[THREADS];

    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, use_slots, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    cr_assert_eq(clashes, 0);
    cr_assert_eq(grants + refusals, THREADS * ROUNDS);
    cr_assert_eq(pool.busy, 0);
}

static _Atomic(bool) is_back;

static void *give_back_later(void *arg)
{
    usleep(50000);
    is_back = true;
    pool_put(&pool, arg);
    return NULL;
}

Test(pool, waiting_for_idle_ends_when_the_last_slot_is_back)
{
    struct slot *s = pool_get(&pool);
    pthread_t thread;

    pthread_create(&thread, NULL, give_back_later, s);
    pool_wait_idle(&pool);
    cr_assert(is_back);
    pthread_join(thread, NULL);
}

Test(pool, more_slots_than_memory_is_an_error)
{
    struct pool huge;

    cr_assert_eq(pool_make(&huge, tcs, SIZE_MAX / 8), -ENOMEM);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <errno.h>
#include <stdlib.h>

#include "arch/arch.h"

int pool_make(struct pool *ret_pool, const uint64_t *tcs, size_t count)
{
    struct slot *slots;
    uint8_t *areas;

    if (count > SIZE_MAX / POOL_AREA_SIZE)
        return -ENOMEM;
    slots = calloc(count, sizeof *slots);
    areas = aligned_alloc(SGX_PAGE_SIZE, count * POOL_AREA_SIZE);
    if (!slots || !areas) {
        free(slots);
        free(areas);
        return -ENOMEM;
    }
    *ret_pool = (struct pool){.slots = slots, .areas = areas, .count = count};
    pthread_mutex_init(&ret_pool->lock, NULL);
    pthread_cond_init(&ret_pool->idle, NULL);
    for (size_t i = count; i-- > 0;) {
        slots[i] = (struct slot){tcs[i], areas + i * POOL_AREA_SIZE, ret_pool->free};
        ret_pool->free = &slots[i];
    }
    return 0;
}

void pool_done(struct pool *pool)
{
    pthread_cond_destroy(&pool->idle);
    pthread_mutex_destroy(&pool->lock);
    free(pool->areas);
    free(pool->slots);
}

struct slot *pool_get(struct pool *pool)
{
    struct slot *slot;

    pthread_mutex_lock(&pool->lock);
    slot = pool->free;
    if (slot) {
        pool->free = slot->next_free;
        slot->next_free = NULL;
        pool->busy++;
    }
    pthread_mutex_unlock(&pool->lock);
    return slot;
}

void pool_put(struct pool *pool, struct slot *slot)
{
    pthread_mutex_lock(&pool->lock);
    slot->next_free = pool->free;
    pool->free = slot;
    if (--pool->busy == 0)
        pthread_cond_broadcast(&pool->idle);
    pthread_mutex_unlock(&pool->lock);
}

void pool_wait_idle(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

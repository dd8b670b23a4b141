/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - the enclave's thread slots, and which of them are free
 */
#ifndef URTS_POOL_H
#define URTS_POOL_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* Untrusted memory where the enclave builds the arguments of its ocalls. */
#define POOL_AREA_SIZE ((size_t)64 << 10)

struct slot {
    uint64_t tcs;           /* its address; constant */
    uint8_t *area;          /* POOL_AREA_SIZE bytes, borrowed from the pool; constant */
    struct slot *next_free; /* under the pool's lock; NULL unless on the free list */
};

struct pool {
    struct slot *slots; /* owned; constant after pool_make() */
    uint8_t *areas;     /* owned: the slots' areas, one after the other */
    size_t count;

    pthread_mutex_t lock; /* guards what follows, and the slots' next_free */
    pthread_cond_t idle;  /* signalled when busy becomes 0 */
    struct slot *free;    /* the last one given back comes first: its caches are warm */
    size_t busy;
};

/* tcs holds count addresses, and is copied. 0 or -ENOMEM. Release with pool_done(). */
int pool_make(struct pool *ret_pool, const uint64_t *tcs, size_t count);
void pool_done(struct pool *pool);

/* A slot that no other thread has until it is put back, or NULL: all are busy. */
struct slot *pool_get(struct pool *pool);
void pool_put(struct pool *pool, struct slot *slot);

/* Return when no slot is busy. */
void pool_wait_idle(struct pool *pool);

#endif

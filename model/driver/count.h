/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count.h - the counters of aperture/model.h: one increment for the enclave, one for the thread
 *
 * Both stand in the enclave's file, so they outlive threads and processes. A thread finds its row
 * by its tid, without a lock and without a search unless two tids meet: an increment costs two
 * atomic additions, from any context in which the host's FS base is in force.
 */
#ifndef MODEL_DRIVER_COUNT_H
#define MODEL_DRIVER_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/epcfile.h"

struct enclave;

/* The calling thread's, or 0: not asked the kernel yet. */
extern __thread int32_t count_own_tid;

/* The row of the calling thread when the quick look has failed. */
struct sgx2_counters *count_find_own(struct epc_file *file);

/* The row of any thread; the shared last one if there is none left. */
struct sgx2_counters *count_row(struct epc_file *file, int32_t tid);

static inline struct sgx2_counters *count_own(struct epc_file *file)
{
    const int32_t tid = count_own_tid;
    const uint32_t row = (uint32_t)tid % EPC_THREADS;

    if (__builtin_expect(tid && __atomic_load_n(&file->thread_tids[row], __ATOMIC_RELAXED) == tid,
                         1))
        return &file->thread_counters[row];
    return count_find_own(file);
}

#define COUNT_IN(row, e, field, n)                                                                 \
    do {                                                                                           \
        __atomic_fetch_add(&(row)->field, (n), __ATOMIC_RELAXED);                                  \
        __atomic_fetch_add(&(e)->file->counters.field, (n), __ATOMIC_RELAXED);                     \
    } while (0)

/* Once, or n times, for the enclave and the calling thread. */
#define COUNT(e, field)      COUNT_IN(count_own((e)->file), e, field, 1)
#define COUNT_N(e, field, n) COUNT_IN(count_own((e)->file), e, field, n)

/* For the enclave and another thread. */
#define COUNT_FOR(e, tid, field) COUNT_IN(count_row((e)->file, tid), e, field, 1)

/* In a forked child: its only thread has another tid. */
void count_after_fork(void);

/* Is this one of the ioctls below? Some carry the caller's size of a structure, so none is a case.
 */
bool count_is_request(unsigned long request);

/*
 * SGX2_MODEL_COUNTERS, _THREAD_COUNTERS, _NEXT_THREAD and _ABI of aperture/model.h. -ENOTTY for a
 * size that is no whole number of counters, -ESRCH for a thread without a row.
 */
int count_ioctl(const struct enclave *e, unsigned long request, void *argument);

/*
 * The rows in use, in the order of the table: the tid of the first one after tid, or the first if
 * tid is 0. 0: no more. SGX2_THREADS_REST is the last, if anything was counted there.
 */
int32_t count_next(const struct epc_file *file, int32_t tid);

/* The row of a thread that has one, or NULL. */
const struct sgx2_counters *count_look(const struct epc_file *file, int32_t tid);

#endif

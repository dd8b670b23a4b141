/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters.h - read, name, subtract and print the counters of the software SGX2
 *
 * They are in libaperture_model, for programs that are linked with the model, and by themselves in
 * libaperture_counters, for programs that run under ap-run. Functions that return int return 0 or
 * more, or a negative errno. None keeps state; any thread may call.
 */
#ifndef APERTURE_COUNTERS_H
#define APERTURE_COUNTERS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "aperture/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * sgx2_counters_read() - the counters of an enclave
 * @fd:  a descriptor of it
 * @ret: written on success only
 *
 * Goes to the model that the program is linked with, or else to the one that it runs under.
 *
 * 0
 * -ENOTTY  fd is no enclave of a model: an ordinary file, or a real device
 * -EBADF   fd is not open
 */
int sgx2_counters_read(int fd, struct sgx2_counters *ret);

/*
 * sgx2_counters_read_thread() - what one thread did to an enclave
 * @tid: a thread of any process, 0 for the caller, or SGX2_THREADS_REST
 *
 * 0, -ENOTTY and -EBADF as above; -ESRCH: the thread has done nothing to it.
 */
int sgx2_counters_read_thread(int fd, int tid, struct sgx2_counters *ret);

/*
 * sgx2_counters_threads() - who did something to an enclave
 * @tids: room for that many; more are counted, not written. May be NULL if room is 0
 *
 * How many threads have counters, SGX2_THREADS_REST among them if it has any; or -ENOTTY, -EBADF.
 */
int sgx2_counters_threads(int fd, int *tids, size_t room);

/* What happened between two readings. epc_pages and epc_pages_max, which may fall, are now's. */
struct sgx2_counters sgx2_counters_since(const struct sgx2_counters *now,
                                         const struct sgx2_counters *then);

/* Add to sum; epc_pages and epc_pages_max too. */
void sgx2_counters_add(struct sgx2_counters *sum, const struct sgx2_counters *more);

/*
 * One counter as a row of a table. `name` is stable: traces, reports and cost files call it so. It
 * is the leaf's ("EACCEPT"; "ENCLU_9" for one that the manual does not have) or the field's.
 */
struct sgx2_counter {
    const char *name;
    const char *meaning; /* for people; NULL for leaves, whose name says it */
    size_t offset;       /* in struct sgx2_counters */
};

/* The index-th in the order of printing, or NULL: there are no more. */
const struct sgx2_counter *sgx2_counter_at(size_t index);

/* By name, or NULL. */
const struct sgx2_counter *sgx2_counter_named(const char *name);

uint64_t sgx2_counter_value(const struct sgx2_counters *counters,
                            const struct sgx2_counter *counter);

/*
 * sgx2_counters_print() - a table: a row for each counter that is not 0 everywhere
 * @columns: so many sets of counters, side by side
 * @titles:  what to write above each
 */
void sgx2_counters_print(FILE *to, const struct sgx2_counters *columns, const char *const *titles,
                         size_t count);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reclaim.h - an EPC that is too small: pages leave it and come back (Linux: main.c and encl.c of
 * arch/x86/kernel/cpu/sgx)
 *
 * APERTURE_EPC_SIZE limits the pages that an enclave may have in the EPC: the SECS, its own pages
 * and the version arrays, one of which is there for every 512 of the others. Who needs a page when
 * all are taken evicts some, with the leaves and in the order of Linux:
 *
 *     page-table entries of all processes, EBLOCK       each page of a batch
 *     EWB -> NOT_TRACKED, ETRACK, EWB                   the first page of a batch; and if a thread
 *     -> NOT_TRACKED, IPIs, EWB                         was inside: it leaves, and enters anew
 *     EWB                                               each of the others
 *
 * A batch of n pages therefore costs n EBLOCK, n + 1 EWB (n + 2 with threads inside), an ETRACK and
 * an IPI for each thread inside. A page comes back with one ELDU, and a page fault of whoever
 * touches it; an ioctl brings it back without one. Once the last page has left an initialised
 * enclave, its SECS goes too, with an EWB, and comes back first.
 *
 * Which pages: those that are longest in the EPC, except that one which somebody faulted in since
 * it was last looked at gets another round. Linux looks at the accessed bit of the page table,
 * which a process cannot see of itself. Version arrays stay. A batch looks at 16 pages as on Linux,
 * and at no more than a quarter of the EPC.
 *
 * When: Linux has a thread that keeps 32 to 64 pages free. Here whoever finds the EPC full does the
 * work, so that counts depend on nothing but what the program does. An allocation that waits for
 * that thread on Linux, a fault that is retried, waits here. So does an ioctl that finds its page
 * half evicted, where Linux may say EAGAIN.
 *
 * All functions want the lock. Those that may evict may give it up for a while, so that threads
 * inside can leave: then they return -EAGAIN, and whoever called looks again at all it knew. They
 * must not be called by a thread that is in enclave mode.
 *
 * A batch belongs to the enclave, not to the thread that began it: whoever needs it done goes on
 * with it, so a thread that dies holds nobody up.
 */
#ifndef MODEL_DRIVER_RECLAIM_H
#define MODEL_DRIVER_RECLAIM_H

#include "driver/enclave.h"

/* ---------------------------------------------------------------- reclaim.c: leaving the EPC */

/*
 * Room for `pages` more pages in the EPC. 0: there is, and the lock was held throughout. -EAGAIN:
 * some were evicted, look again. -ENOMEM: there is not, and nothing is left that could be evicted.
 */
int reclaim_room(struct enclave *e, uint64_t pages);

/*
 * The page has a record and a frame from now on; is about to lose the record, and with it what the
 * backing store has; has a frame again.
 */
void reclaim_page_added(struct enclave *e, uint64_t page);
void reclaim_page_gone(struct enclave *e, uint64_t page);
void reclaim_page_back(struct enclave *e, uint64_t page);

/* Somebody faults the page in. */
static inline void reclaim_page_touched(struct enclave *e, uint64_t page)
{
    e->records[page].young = 1;
}

/*
 * Evict one page now, whatever its age: 0, also if it is out already. -EINVAL: no page there. The
 * lock may have been given up.
 */
int reclaim_evict(struct enclave *e, uint64_t page);

/* ETRACK, counted and traced. */
struct outcome reclaim_etrack(struct enclave *e);

/* ---------------------------------------------------------------- reload.c: coming back */

/*
 * Bring a page that has a record back. 0: it is in the EPC, and the lock was held throughout.
 * -EAGAIN: look again. -ENOMEM: no room. -EFAULT: the processor refused what stands in the backing
 * store, which is lost by that, as on Linux; the page stays out, and so for ever.
 */
int reclaim_load(struct enclave *e, uint64_t page);

/* The same of a page that is out, once there is room and a SECS. */
int reclaim_return(struct enclave *e, uint64_t page);

/* The same until it is there or cannot be: 0, also if the page is gone meanwhile; or an error. */
int reclaim_load_wait(struct enclave *e, uint64_t page);

/*
 * All that adding a page takes: a free EPC page, a slot for its version, the SECS in the EPC.
 * Results as of reclaim_load().
 */
int reclaim_prepare(struct enclave *e);

/*
 * The same until all is there, or -ENOMEM or -EFAULT; the page that stands there already, if one
 * does, is in the EPC as well. The lock may have been given up.
 */
int reclaim_prepare_wait(struct enclave *e, uint64_t page);

/* ---------------------------------------------------------------- version.c: version arrays */

/* Must there be another version array before one more page is added? */
bool version_due(const struct enclave *e);

/* EPA the next one. The caller has made room. */
void version_grow(struct enclave *e);

/* Take them all out again: ECREATE failed. */
void version_drop(struct enclave *e);

/* A free slot, and its EPC address. There is one for each page. */
uint32_t version_take(struct enclave *e);
void version_free(struct enclave *e, uint32_t slot);
uint64_t version_address(const struct enclave *e, uint32_t slot);

/* ---------------------------------------------------------------- backing.c: outside the EPC */

/* The index of the SECS among the images, which is behind all pages. */
static inline uint64_t backing_secs(const struct enclave *e)
{
    return e->file->size >> SGX_PAGE_SHIFT;
}

/* Where the page of this index stands while it is out, and what EWB said of it. */
void *backing_page(const struct enclave *e, uint64_t index);
struct sgx_pcmd *backing_pcmd(const struct enclave *e, uint64_t index);

/* It is of no use any more. */
void backing_discard(struct enclave *e, uint64_t index);

/*
 * A hostile kernel: keep a copy of what stands in the backing store for an evicted page, and put
 * the copy that was kept of page `of` there again, for the next ELDU of `page` to find. -EINVAL: no
 * page, not evicted, or nothing was kept. There is one copy for each page, until the next is kept.
 */
int reclaim_keep(struct enclave *e, uint64_t page);
int reclaim_replay(struct enclave *e, uint64_t page, uint64_t of);

#endif

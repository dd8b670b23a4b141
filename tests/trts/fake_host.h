/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_host.h - a host and a processor for the memory manager: which pages there are to accept
 *
 * The leaves check what the real ones check of a page: it was added, it is pending, and the flags
 * are what the test expects. Their calls are counted.
 */
#ifndef TESTS_TRTS_FAKE_HOST_H
#define TESTS_TRTS_FAKE_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_host {
    bool adds;         /* TOUCH adds what it is asked for */
    uint64_t withheld; /* but not the page at this offset; 0: none */
    uint64_t wrong;    /* the page at this offset does not match; 0: none */

    unsigned touches;
    uint64_t touch_offset, touch_size;  /* of the last one */
    unsigned accepts;                   /* leaves that succeeded */
    unsigned failures;                  /* leaves that did not */
    uint64_t flags;                     /* of the last leaf */
    bool critical_in_ocall;             /* an ocall was made in a critical section */
    void (*on_touch)(void);             /* runs in the ocall */
    void (*on_accept)(uint64_t offset); /* runs before the leaf */
};
extern struct fake_host fake_host;

/* fake_reset(), and an obedient host. */
void fake_host_reset(void);

/* Takes a page away and adds a fresh one in its place. */
void fake_host_replace(uint64_t offset);

#endif

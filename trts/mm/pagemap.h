/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pagemap.h - what the runtime knows of every dynamic page: 2 bits each
 *
 * This, and nothing that the host says, decides whether a page is accepted. A page is accepted only
 * by the thread that moved it out of FREE or RESERVED, and once HELD never again: a host that takes
 * it away and adds a fresh one in its place finds nobody who accepts it.
 *
 *     data    FREE --claim--> RESERVED --EACCEPT--> HELD       (failure: back to FREE)
 *     publish FREE --reserve--> RESERVED --claim--> HELD, then EACCEPTCOPY  (failure: to RESERVED)
 *
 * Indices are below region_pagemap_capacity(): region_ok() has seen to that. Every function takes
 * the one lock, briefly; none makes an exit.
 */
#ifndef TRTS_MM_PAGEMAP_H
#define TRTS_MM_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

enum page_state {
    PAGE_FREE = 0,
    PAGE_RESERVED = 1, /* addresses are taken, or a thread is just accepting the page */
    PAGE_HELD = 2,     /* ours; whatever faults here now is no request */
    PAGE_RETIRED = 3,
};

/* All pages FREE. Once, by init: the page map is loaded, but it is not believed. */
void pagemap_clear(void);

enum page_state pagemap_get(uint64_t index);

/*
 * Moves all of [first, first + count) from one state to another; false, and nothing moved, if any
 * of them is not in the former.
 */
bool pagemap_move(uint64_t first, uint64_t count, enum page_state from, enum page_state to);

/*
 * Takes the first run of count FREE pages within [first, first + limit): they become RESERVED.
 * False, and nothing taken, if there is none.
 */
bool pagemap_take(uint64_t first, uint64_t limit, uint64_t count, uint64_t *ret_index);

#endif

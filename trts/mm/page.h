/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - the leaves that an enclave changes its own pages with
 *
 * flags are SGX_SECINFO_*; page addresses are page aligned and inside. The result is the leaf's
 * RAX: 0, an error code of arch/leaf.h, or LEAF_FAULT (fixup.h) if the processor raised #PF or #GP:
 * above all because the host has not added the page. Nothing was changed unless it is 0.
 */
#ifndef TRTS_MM_PAGE_H
#define TRTS_MM_PAGE_H

#include <stdint.h>

#define PAGE_CHECKED __attribute__((warn_unused_result))

PAGE_CHECKED int page_eaccept(uint64_t flags, uintptr_t page);

/* The page gets source's content and the permissions of flags, whatever EAUG gave it. */
PAGE_CHECKED int page_eacceptcopy(uint64_t flags, uintptr_t page, const void *source);

/*
 * Adds permissions. The leaf has no result; if the page is not ours, it faults, and no fixup hides
 * that.
 */
void page_emodpe(uint64_t flags, uintptr_t page);

#endif

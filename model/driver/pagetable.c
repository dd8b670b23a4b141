/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page table of this process, as far as ELRANGE goes, and the host protections that mirror it.
 *
 * An entry exists from the page's first fault, as on Linux, so faults are counted where hardware
 * has them. What the host's own page table allows is the entry's permission less what the EPCM
 * withholds; a page without an entry has no access at all. Whatever the host then refuses arrives
 * as a signal, and the walk here says which of the two tables refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "driver/enclave.h"

/* R, W and X of the EPCM, and PROT_*, are the same bits. */
_Static_assert(PROT_READ == 1 && PROT_WRITE == 2 && PROT_EXEC == 4, "bits of protections");

/* An x86 page table cannot refuse reads of a present page: any permission implies reading. */
static int prot_readable(int prot)
{
    return prot ? prot | PROT_READ : 0;
}

static int native_prot(const struct enclave *e, const struct pte *pte)
{
    if (!pte->present)
        return PROT_NONE;
    return prot_readable(pte->prot) & cpu_epcm_effective(&e->epc.epcm[pte->frame]);
}

static void host_protect(struct enclave *e, uint64_t first, uint64_t end, int prot)
{
    void *at = (void *)(uintptr_t)page_address(e, first);

    COUNT(e, host_mprotects);
    if (mprotect(at, (end - first) << SGX_PAGE_SHIFT, prot) < 0) {
        /* Only when vm.max_map_count is exhausted. Going on would grant or deny wrongly. */
        perror("aperture: the model cannot mirror a page permission (vm.max_map_count?)");
        abort();
    }
}

/* Make the host's mapping of a page show frame. */
static void host_show(struct enclave *e, uint64_t page, uint32_t frame)
{
    off_t at = (off_t)(e->file->frames_at + ((uint64_t)frame << SGX_PAGE_SHIFT));

    if (mmap((void *)(uintptr_t)page_address(e, page), SGX_PAGE_SIZE, PROT_NONE,
             MAP_SHARED | MAP_FIXED, e->fd, at) == MAP_FAILED) {
        perror("aperture: the model cannot map an EPC page");
        abort();
    }
    e->ptes[page].native = PROT_NONE;
    e->ptes[page].alien = frame != 1 + page;
}

int pagetable_attach(struct enclave *e, uint64_t start, uint64_t end)
{
    const uint64_t first = enclave_page(e, start), pages = (end - start) >> SGX_PAGE_SHIFT;
    off_t at = (off_t)(e->file->frames_at + ((1 + first) << SGX_PAGE_SHIFT));

    for (uint64_t page = first < e->pte_low ? e->pte_low : first;
         page < first + pages && page < e->pte_high; page++)
        e->ptes[page] = (struct pte){0};
    if (mmap((void *)(uintptr_t)start, end - start, PROT_NONE,
             MAP_SHARED | MAP_FIXED | MAP_NORESERVE, e->fd, at) == MAP_FAILED)
        return -errno;
    return 0;
}

bool pagetable_sync(struct enclave *e, uint64_t page)
{
    struct pte *pte = &e->ptes[page];
    int prot = native_prot(e, pte);

    if (prot == pte->native)
        return false;
    host_protect(e, page, page + 1, prot);
    pte->native = (uint8_t)prot;
    return true;
}

void pagetable_insert(struct enclave *e, uint64_t page, uint32_t frame, int prot)
{
    struct pte *pte = &e->ptes[page];

    if (pte->alien || frame != 1 + page)
        host_show(e, page, frame);
    pte->frame = frame;
    pte->present = true;
    pte->prot = (uint8_t)prot;
    if (page < e->pte_low)
        e->pte_low = page;
    if (page >= e->pte_high)
        e->pte_high = page + 1;
    pagetable_sync(e, page);
}

/* Bring a range in line, one host call for each run of pages whose protection becomes the same. */
static void sync_range(struct enclave *e, uint64_t first, uint64_t end)
{
    while (first < end) {
        int prot = native_prot(e, &e->ptes[first]);
        bool changes = false;
        uint64_t next = first;

        for (; next < end && native_prot(e, &e->ptes[next]) == prot; next++) {
            changes |= e->ptes[next].native != prot;
            e->ptes[next].native = (uint8_t)prot;
        }
        if (changes)
            host_protect(e, first, next, prot);
        first = next;
    }
}

static void clip(const struct enclave *e, uint64_t *first, uint64_t *end)
{
    if (*first < e->pte_low)
        *first = e->pte_low;
    if (*end > e->pte_high)
        *end = e->pte_high;
}

void pagetable_resync(struct enclave *e, uint64_t first, uint64_t end)
{
    clip(e, &first, &end);
    for (uint64_t page = first; page < end; page++) {
        const struct record *record = &e->records[page];
        struct pte *pte = &e->ptes[page];

        if (pte->present &&
            (!record->present || record->frame != pte->frame || (pte->prot & ~record->max_prot)))
            pte->present = false;
    }
    if (first < end)
        sync_range(e, first, end);
}

void pagetable_zap(struct enclave *e, uint64_t first, uint64_t end)
{
    clip(e, &first, &end);
    for (uint64_t page = first; page < end; page++)
        e->ptes[page].present = false;
    sync_range(e, first, end);
}

void pagetable_protect(struct enclave *e, uint64_t first, uint64_t end, int prot)
{
    clip(e, &first, &end);
    for (uint64_t page = first; page < end; page++)
        if (e->ptes[page].present)
            e->ptes[page].prot = (uint8_t)prot;
    sync_range(e, first, end);
}

bool pagetable_walk(const struct enclave *e, uint64_t address, enum access access,
                    uint32_t *ret_frame, uint32_t *ret_pfec)
{
    static const uint32_t kind[] = {
        [ACCESS_READ] = 0, [ACCESS_WRITE] = SGX_PFEC_W, [ACCESS_FETCH] = SGX_PFEC_I};
    static const int need[] = {
        [ACCESS_READ] = PROT_READ, [ACCESS_WRITE] = PROT_WRITE, [ACCESS_FETCH] = PROT_EXEC};
    const struct pte *pte = &e->ptes[enclave_page(e, address)];

    *ret_pfec = SGX_PFEC_U | kind[access];
    /* PROT_NONE makes Linux clear the present bit. */
    if (!pte->present || pte->prot == PROT_NONE)
        return false;
    *ret_pfec |= SGX_PFEC_P;
    if (!(prot_readable(pte->prot) & need[access]))
        return false;
    *ret_frame = pte->frame;
    return true;
}

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
#include "driver/hide.h"
#include "unconfirmed.h"

/* R, W and X of the EPCM, and PROT_*, are the same bits. */
_Static_assert(PROT_READ == 1 && PROT_WRITE == 2 && PROT_EXEC == 4, "bits of protections");

/* An x86 page table cannot refuse reads of a present page: any permission implies reading. */
static int prot_readable(int prot)
{
    return prot ? prot | PROT_READ : 0;
}

static int native_prot(const struct enclave *e, const struct pte *pte)
{
    const struct epcm *epcm = &e->epc.epcm[pte->frame];

    /* A hostile kernel may make an entry point to a frame that is another page's. */
    if (!pte->present || epcm->enclave_address != page_address(e, (uint64_t)(pte - e->ptes)) ||
        hide_closed(e))
        return PROT_NONE;
    return prot_readable(pte->prot) & cpu_epcm_effective(epcm);
}

/*
 * Take all access away, which makes one mapping of the host's out of many. The mirror may always
 * allow less than entry and EPCM do: whoever then touches a page brings it in line by a trap.
 */
static void host_withdraw(struct enclave *e)
{
    for (size_t i = 0; i < e->vma_count; i++) {
        uint64_t start = e->vmas[i].start, end = e->vmas[i].end;

        if (start < page_address(e, e->pte_low))
            start = page_address(e, e->pte_low);
        if (end > page_address(e, e->pte_high))
            end = page_address(e, e->pte_high);
        if (start >= end || mprotect((void *)(uintptr_t)start, end - start, PROT_NONE) < 0)
            continue;
        for (uint64_t page = enclave_page(e, start); page <= enclave_page(e, end - 1); page++)
            e->ptes[page].native = PROT_NONE;
    }
    COUNT(e, host_mprotects);
}

static void host_protect(struct enclave *e, uint64_t first, uint64_t end, int prot)
{
    void *at = (void *)(uintptr_t)page_address(e, first);
    const size_t size = (end - first) << SGX_PAGE_SHIFT;
    int r = hide_protect(at, size, prot);

    COUNT(e, host_mprotects);
    if (r < 0 && errno == ENOMEM) {
        host_withdraw(e);
        r = hide_protect(at, size, prot);
    }
    if (r < 0) {
        /* The mappings of others exhaust vm.max_map_count. Going on would grant or deny wrongly. */
        perror("aperture: the model cannot mirror a page permission (vm.max_map_count?)");
        abort();
    }
    for (uint64_t page = first; page < end; page++)
        e->ptes[page].native = (uint8_t)prot;
}

/* Make the host's mapping of a page show frame. */
static void host_show(struct enclave *e, uint64_t page, uint32_t frame)
{
    const off_t at = (off_t)(e->file->frames_at + ((uint64_t)frame << SGX_PAGE_SHIFT));
    void *to = (void *)(uintptr_t)page_address(e, page);
    void *shown = mmap(to, SGX_PAGE_SIZE, PROT_NONE, MAP_SHARED | MAP_FIXED, e->fd, at);

    if (shown == MAP_FAILED && errno == ENOMEM) {
        host_withdraw(e);
        shown = mmap(to, SGX_PAGE_SIZE, PROT_NONE, MAP_SHARED | MAP_FIXED, e->fd, at);
    }
    if (shown == MAP_FAILED) {
        perror("aperture: the model cannot map an EPC page");
        abort();
    }
    user_no_dump(to, SGX_PAGE_SIZE);
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
    user_no_dump((void *)(uintptr_t)start, end - start);
    return 0;
}

bool pagetable_sync(struct enclave *e, uint64_t page)
{
    struct pte *pte = &e->ptes[page];
    int prot = native_prot(e, pte);

    if (prot == pte->native)
        return false;
    host_protect(e, page, page + 1, prot);
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

/* One call may change pages that have prot already, but not reach over what is not mapped. */
static bool in_run(const struct enclave *e, uint64_t page, int prot)
{
    const struct pte *pte = &e->ptes[page];

    return native_prot(e, pte) == prot && (pte->native != prot || pte->present);
}

/* Bring a range in line, one host call for each run of pages whose protection becomes the same. */
static void sync_range(struct enclave *e, uint64_t first, uint64_t end)
{
    while (first < end) {
        int prot = native_prot(e, &e->ptes[first]);
        bool changes = false;
        uint64_t next = first;

        for (; next < end && in_run(e, next, prot); next++)
            changes |= e->ptes[next].native != prot;
        if (changes)
            host_protect(e, first, next, prot);
        first = next > first ? next : first + 1;
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

        if (pte->present && (!record->present || record->where != RECORD_IN ||
                             record->frame != pte->frame || (pte->prot & ~record->max_prot)))
            pte->present = false;
    }
    if (first < end)
        sync_range(e, first, end);
}

void pagetable_sync_all(struct enclave *e)
{
    uint64_t first = 0, end = UINT64_MAX;

    clip(e, &first, &end);
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

UNCONFIRMED(FETCH_PFEC);

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

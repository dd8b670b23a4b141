/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger's access to a debug enclave, as ptrace(2) has it on Linux: sgx_vma_access().
 */
#include <errno.h>

#include "driver/reclaim.h"
#include "driver/share.h"
#include "trace.h"

/* An evicted page comes back first: sgx_encl_reserve_page(). The lock may be given up for that. */
static int find(struct enclave *e, const struct sgx2_debug_word *word, uint64_t *ret_epc)
{
    const struct record *record;
    uint64_t page;

    if (!e->file->created || word->offset % sizeof word->value || word->offset >= e->file->size)
        return -EINVAL;
    page = word->offset >> SGX_PAGE_SHIFT;
    record = &e->records[page];
    if (!(e->file->attributes & SGX_ATTR_DEBUG) || reclaim_load_wait(e, page) < 0 ||
        !record->present)
        return -EFAULT;
    *ret_epc = epc_address(&e->epc, record->frame) + word->offset % SGX_PAGE_SIZE;
    return 0;
}

static int result_of(struct outcome outcome, struct sgx2_debug_word *word)
{
    word->code = outcome.kind == LEAF_DONE ? outcome.code : 0;
    return outcome.kind == LEAF_DONE && outcome.code == SGX_OK ? 0 : -EIO;
}

int ioctl_debug(struct enclave *e, bool writes, void *argument)
{
    const uint32_t leaf = writes ? SGX_EDBGWR : SGX_EDBGRD;
    struct sgx2_debug_word word;
    struct outcome outcome;
    uint64_t epc;
    int r;

    if (user_read(&word, (uint64_t)(uintptr_t)argument, sizeof word) < 0)
        return -EFAULT;
    r = find(e, &word, &epc);
    if (r < 0)
        return r;
    outcome = writes ? cpu_edbgwr(&e->epc, word.value, epc) : cpu_edbgrd(&e->epc, epc, &word.value);
    COUNT(e, encls[leaf]);
    TRACE("ENCLS", "%-12s +%#llx -> %s", trace_encls(leaf), (unsigned long long)word.offset,
          trace_outcome(outcome).buf);
    r = result_of(outcome, &word);
    if (user_write((uint64_t)(uintptr_t)argument, &word, sizeof word) < 0)
        return -EFAULT;
    return r;
}

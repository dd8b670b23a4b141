/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SGX2 ioctls: RESTRICT_PERMISSIONS, MODIFY_TYPES, REMOVE_PAGES
 * (arch/x86/kernel/cpu/sgx/ioctl.c).
 *
 * Restrict and modify issue ETRACK after each page and then force every thread out of the enclave,
 * so that a thread which enters later finds its EACCEPT tracked.
 */
#include <asm/sgx.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "driver/share.h"
#include "trace.h"

static struct outcome encls(struct enclave *e, uint32_t leaf, uint64_t secinfo_flags, uint64_t page)
{
    struct sgx_secinfo secinfo = {.flags = secinfo_flags};
    uint64_t rbx = (uint64_t)(uintptr_t)&secinfo;
    uint64_t rcx = epc_address(&e->epc, e->records[page].frame);
    struct outcome outcome;

    if (leaf == SGX_EMODPR)
        outcome = cpu_emodpr(&e->epc, rbx, rcx);
    else if (leaf == SGX_EMODT)
        outcome = cpu_emodt(&e->epc, rbx, rcx);
    else
        outcome = cpu_eremove(&e->epc, rcx);
    COUNT(e, encls[leaf]);
    TRACE("ENCLS", "%-12s +%#llx %s -> %s", trace_encls(leaf),
          (unsigned long long)(page << SGX_PAGE_SHIFT),
          leaf == SGX_EREMOVE  ? ""
          : leaf == SGX_EMODPR ? trace_secinfo(secinfo_flags | SGX_SECINFO_REG).buf
                               : trace_secinfo(secinfo_flags).buf,
          trace_outcome(outcome).buf);
    return outcome;
}

/* ETRACK, then an IPI to everybody inside. */
static void track(struct enclave *e)
{
    struct outcome outcome = cpu_etrack(&e->epc, epc_address(&e->epc, EPC_SECS_FRAME));

    COUNT(e, encls[SGX_ETRACK]);
    TRACE("ENCLS", "ETRACK       -> %s", trace_outcome(outcome).buf);
    run_kick_all(e);
}

/* The common tail of a leaf that returned: what the ioctl reports for this page. */
static int leaf_errno(struct outcome outcome, __u64 *result)
{
    if (outcome.kind == LEAF_DONE && outcome.code == SGX_OK)
        return 0;
    if (outcome.kind == LEAF_DONE)
        *result = outcome.code;
    return -EFAULT;
}

static bool hostile_skip(struct enclave *e)
{
    if (!e->file->hostile_skips)
        return false;
    e->file->hostile_skips--;
    return true;
}

static int restrict_page(struct enclave *e, uint64_t page, uint64_t perm, __u64 *result)
{
    const struct record *record = &e->records[page];
    int r;

    if (!record->present)
        return -EFAULT;
    if (record->type != SGX_PT_REG)
        return -EINVAL;
    r = leaf_errno(encls(e, SGX_EMODPR, perm, page), result);
    if (r < 0)
        return r;
    pagetable_sync(e, page);
    share_page_changed(e, page);
    track(e);
    return 0;
}

int ioctl_restrict(struct enclave *e, void *argument)
{
    struct sgx_enclave_restrict_permissions arg;
    int r = 0;

    if (!e->file->initialized)
        return -EINVAL;
    if (user_read(&arg, (uint64_t)(uintptr_t)argument, sizeof arg) < 0)
        return -EFAULT;
    if (!range_ok(e, arg.offset, arg.length) || (arg.permissions & ~SGX_SECINFO_RWX) ||
        ((arg.permissions & SGX_SECINFO_W) && !(arg.permissions & SGX_SECINFO_R)) || arg.result ||
        arg.count)
        return -EINVAL;
    if (hostile_skip(e))
        arg.count = arg.length;
    while (arg.count < arg.length) {
        r = restrict_page(e, (arg.offset + arg.count) >> SGX_PAGE_SHIFT, arg.permissions,
                          &arg.result);
        if (r < 0)
            break;
        arg.count += SGX_PAGE_SIZE;
    }
    TRACE("ioctl", "RESTRICT     +%#llx %llu pages to %s -> %d", (unsigned long long)arg.offset,
          (unsigned long long)(arg.length / SGX_PAGE_SIZE),
          trace_secinfo(arg.permissions | SGX_SECINFO_REG).buf, r);
    if (user_write((uint64_t)(uintptr_t)argument, &arg, sizeof arg) < 0)
        return -EFAULT;
    return r;
}

static int modify_page(struct enclave *e, uint64_t page, uint8_t type, __u64 *result)
{
    struct record *record = &e->records[page];
    const uint8_t max_prot = record->max_prot;
    int r;

    if (!record->present)
        return -EFAULT;
    if (!(record->type == SGX_PT_REG || (record->type == SGX_PT_TCS && type == SGX_PT_TRIM)))
        return -EINVAL;
    if (type == SGX_PT_TCS) {
        if ((max_prot & (PROT_READ | PROT_WRITE)) != (PROT_READ | PROT_WRITE))
            return -EPERM;
        record->max_prot = PROT_READ | PROT_WRITE;
        pagetable_zap(e, page, page + 1);
    }
    r = leaf_errno(encls(e, SGX_EMODT, SGX_SECINFO_PT(type), page), result);
    if (r < 0) {
        record->max_prot = max_prot;
        return r;
    }
    pagetable_sync(e, page);
    share_page_changed(e, page);
    track(e);
    record->type = type;
    return 0;
}

int ioctl_modify_types(struct enclave *e, void *argument)
{
    struct sgx_enclave_modify_types arg;
    int r = 0;

    if (!e->file->initialized)
        return -EINVAL;
    if (user_read(&arg, (uint64_t)(uintptr_t)argument, sizeof arg) < 0)
        return -EFAULT;
    if (!range_ok(e, arg.offset, arg.length) ||
        (arg.page_type != SGX_PT_TCS && arg.page_type != SGX_PT_TRIM) || arg.result || arg.count)
        return -EINVAL;
    if (hostile_skip(e))
        arg.count = arg.length;
    while (arg.count < arg.length) {
        r = modify_page(e, (arg.offset + arg.count) >> SGX_PAGE_SHIFT, (uint8_t)arg.page_type,
                        &arg.result);
        if (r < 0)
            break;
        arg.count += SGX_PAGE_SIZE;
    }
    TRACE("ioctl", "MODIFY_TYPES +%#llx %llu pages to %s -> %d", (unsigned long long)arg.offset,
          (unsigned long long)(arg.length / SGX_PAGE_SIZE),
          trace_secinfo(SGX_SECINFO_PT(arg.page_type)).buf, r);
    if (user_write((uint64_t)(uintptr_t)argument, &arg, sizeof arg) < 0)
        return -EFAULT;
    return r;
}

/*
 * EMODPR tells whether the enclave accepted the removal: it faults on an accepted TRIM page and
 * answers SGX_PAGE_NOT_MODIFIABLE on one that is not.
 */
static int remove_page(struct enclave *e, uint64_t page)
{
    struct record *record = &e->records[page];

    if (!record->present)
        return -EFAULT;
    if (record->type != SGX_PT_TRIM)
        return -EPERM;
    if (encls(e, SGX_EMODPR, SGX_SECINFO_R, page).kind != LEAF_PF)
        return -EPERM;
    pagetable_zap(e, page, page + 1);
    encls(e, SGX_EREMOVE, 0, page);
    epcfile_discard(e, record->frame);
    epcfile_uncount_page(e);
    memset(record, 0, sizeof *record);
    share_page_changed(e, page);
    return 0;
}

int ioctl_remove(struct enclave *e, void *argument)
{
    struct sgx_enclave_remove_pages arg;
    int r = 0;

    if (!e->file->initialized)
        return -EINVAL;
    if (user_read(&arg, (uint64_t)(uintptr_t)argument, sizeof arg) < 0)
        return -EFAULT;
    if (!range_ok(e, arg.offset, arg.length) || arg.count)
        return -EINVAL;
    while (arg.count < arg.length) {
        r = remove_page(e, (arg.offset + arg.count) >> SGX_PAGE_SHIFT);
        if (r < 0)
            break;
        arg.count += SGX_PAGE_SIZE;
    }
    TRACE("ioctl", "REMOVE_PAGES +%#llx %llu pages -> %d", (unsigned long long)arg.offset,
          (unsigned long long)(arg.length / SGX_PAGE_SIZE), r);
    if (user_write((uint64_t)(uintptr_t)argument, &arg, sizeof arg) < 0)
        return -EFAULT;
    return r;
}

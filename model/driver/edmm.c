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

#include "driver/hostile.h"
#include "driver/reclaim.h"
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
    if (leaf == SGX_EREMOVE)
        TRACE_EVENT(e, TRACE_ENCLS, trace_encls(leaf), trace_offset(page << SGX_PAGE_SHIFT),
                    trace_leaf_result(outcome));
    else
        TRACE_EVENT(e, TRACE_ENCLS, trace_encls(leaf), trace_offset(page << SGX_PAGE_SHIFT),
                    trace_flags(secinfo_flags | (leaf == SGX_EMODPR ? SGX_SECINFO_REG : 0)),
                    trace_leaf_result(outcome));
    return outcome;
}

/* ETRACK, then an IPI to everybody inside. */
static void track(struct enclave *e)
{
    /* Refused while the reclaim of another thread waits for its own IPIs. */
    while (reclaim_etrack(e).code == SGX_PREV_TRK_INCMPL)
        run_kick_all(e);
    run_kick_all(e);
}

/* sgx_encl_load_page(): the page is there and in the EPC, and stays so while the lock is held. */
static int load_page(struct enclave *e, uint64_t page)
{
    if (reclaim_load_wait(e, page) < 0 || !e->records[page].present)
        return -EFAULT;
    return 0;
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

static int restrict_page(struct enclave *e, uint64_t page, uint64_t perm, __u64 *result)
{
    const struct record *record = &e->records[page];
    int r;

    r = load_page(e, page);
    if (r < 0)
        return r;
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
    while (arg.count < arg.length) {
        const uint64_t page = (arg.offset + arg.count) >> SGX_PAGE_SHIFT;

        if (!hostile_skip(e, RULE_RESTRICT, page))
            r = restrict_page(e, page, hostile_permission(e, page, arg.permissions), &arg.result);
        if (r < 0)
            break;
        arg.count += SGX_PAGE_SIZE;
    }
    if (user_write((uint64_t)(uintptr_t)argument, &arg, sizeof arg) < 0)
        return -EFAULT;
    return r;
}

static int modify_page(struct enclave *e, uint64_t page, uint8_t type, __u64 *result)
{
    struct record *record = &e->records[page];
    uint8_t max_prot;
    int r;

    r = load_page(e, page);
    if (r < 0)
        return r;
    if (!(record->type == SGX_PT_REG || (record->type == SGX_PT_TCS && type == SGX_PT_TRIM)))
        return -EINVAL;
    max_prot = record->max_prot;
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
    record->type = type; /* now: the process may be killed while the lock is not held */
    track(e);
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
    while (arg.count < arg.length) {
        const uint64_t page = (arg.offset + arg.count) >> SGX_PAGE_SHIFT;

        if (!hostile_skip(e, RULE_MODIFY, page))
            r = modify_page(e, page, hostile_type(e, page, (uint8_t)arg.page_type), &arg.result);
        if (r < 0)
            break;
        arg.count += SGX_PAGE_SIZE;
    }
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
    int r;

    r = load_page(e, page);
    if (r < 0)
        return r;
    if (record->type != SGX_PT_TRIM)
        return -EPERM;
    if (encls(e, SGX_EMODPR, SGX_SECINFO_RWX, page).kind != LEAF_PF)
        return -EPERM;
    pagetable_zap(e, page, page + 1);
    encls(e, SGX_EREMOVE, 0, page);
    epcfile_discard(e, record->frame);
    epcfile_uncount_page(e);
    reclaim_page_gone(e, page);
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
        const uint64_t page = (arg.offset + arg.count) >> SGX_PAGE_SHIFT;

        if (!hostile_skip(e, RULE_REMOVE, page))
            r = remove_page(e, page);
        if (r < 0)
            break;
        arg.count += SGX_PAGE_SIZE;
    }
    if (user_write((uint64_t)(uintptr_t)argument, &arg, sizeof arg) < 0)
        return -EFAULT;
    return r;
}

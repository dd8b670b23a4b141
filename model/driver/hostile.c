/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's part of a hostile kernel: see hostile.h.
 */
#include "driver/hostile.h"

#include <asm/sgx.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "driver/reclaim.h"
#include "driver/share.h"
#include "trace.h"

#define WHAT(x) (UINT64_C(1) << (x))

#define WHAT_BEFORE                                                                                \
    (WHAT(RULE_WAIT) | WHAT(RULE_AUGMENT) | WHAT(RULE_DROP) | WHAT(RULE_REPLACE) |                 \
     WHAT(RULE_SWAP) | WHAT(RULE_EVICT) | WHAT(RULE_KEEP) | WHAT(RULE_REPLAY))

struct rule *hostile_next(struct enclave *e, struct rule *previous, enum rule_operation operation,
                          uint64_t whats, uint64_t offset, uint64_t size)
{
    struct rule *rule = rules_next(&e->file->rules, previous, operation, whats, offset,
                                   size ? offset + size - 1 : offset);

    if (rule)
        TRACE("hostile", "line %u: %s +%#llx: %s", rule->line, rules_operation_name(operation),
              (unsigned long long)offset, rules_what_name(rule->what));
    return rule;
}

/* ------------------------------------------------------------------ before any operation */

/* The lock must be free meanwhile: whoever is kept waiting is one thread, not all. */
static void wait_for(struct enclave *e, uint64_t milliseconds)
{
    struct timespec left = {.tv_sec = (time_t)(milliseconds / 1000),
                            .tv_nsec = (long)(milliseconds % 1000) * 1000000};

    enclave_unlock(e);
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
    enclave_lock(e);
}

static void show(struct enclave *e, uint64_t page)
{
    const struct vma *vma = vma_find(e, page_address(e, page));

    pagetable_zap(e, page, page + 1);
    if (vma)
        pagetable_insert(e, page, e->records[page].frame, vma->prot);
    share_page_changed(e, page);
}

static bool in_epc(const struct enclave *e, uint64_t page)
{
    return e->records[page].present && e->records[page].where == RECORD_IN;
}

/* Each page at the other's place: page-table entries, and the records that make them. */
static int swap(struct enclave *e, uint64_t a, uint64_t b)
{
    const uint64_t pages = e->file->size >> SGX_PAGE_SHIFT;
    uint32_t frame;

    a >>= SGX_PAGE_SHIFT;
    b >>= SGX_PAGE_SHIFT;
    if (a >= pages || b >= pages || reclaim_load_wait(e, a) < 0 || reclaim_load_wait(e, b) < 0 ||
        !in_epc(e, a) || !in_epc(e, b))
        return -EINVAL;
    frame = e->records[a].frame;
    e->records[a].frame = e->records[b].frame;
    e->records[b].frame = frame;
    show(e, a);
    show(e, b);
    return 0;
}

/* Out it goes, and a copy is kept of what the backing store has then, or put there. */
static int evict(struct enclave *e, const struct rule *rule)
{
    struct sgx2_hostile act = {.act = SGX2_HOSTILE_EVICT, .offset = rule->a, .value = rule->a};
    int r = hostile_act(e, &act);

    if (r < 0 || rule->what == RULE_EVICT)
        return r;
    act.act = rule->what == RULE_KEEP ? SGX2_HOSTILE_KEEP : SGX2_HOSTILE_REPLAY;
    return hostile_act(e, &act);
}

static void before(struct enclave *e, const struct rule *rule)
{
    struct sgx2_hostile act = {.offset = rule->a};
    int r;

    switch ((enum rule_what)rule->what) {
    case RULE_WAIT:
        wait_for(e, rule->a);
        return;
    case RULE_SWAP:
        r = e->file->created ? swap(e, rule->a, rule->b) : -EINVAL;
        break;
    case RULE_AUGMENT:
        act.act = SGX2_HOSTILE_EAUG;
        r = hostile_act(e, &act);
        break;
    case RULE_DROP:
        act.act = SGX2_HOSTILE_REMOVE;
        r = hostile_act(e, &act);
        break;
    case RULE_REPLACE:
        act.act = SGX2_HOSTILE_REPLACE;
        r = hostile_act(e, &act);
        break;
    case RULE_EVICT:
    case RULE_KEEP:
    case RULE_REPLAY:
        r = evict(e, rule);
        break;
    default:
        r = -EINVAL;
        break;
    }
    if (r < 0) /* there is no such page, or the processor does not let it happen now */
        TRACE("hostile", "line %u: %s", rule->line, strerror(-r));
}

void hostile_before(struct enclave *e, enum rule_operation operation, uint64_t offset,
                    uint64_t size)
{
    const uint64_t version = e->file->rules.version;
    struct rule *rule = NULL;

    /* Whoever sets rules while one of them waits ends the matter. */
    while (e->file->rules.version == version &&
           (rule = hostile_next(e, rule, operation, WHAT_BEFORE, offset, size)))
        before(e, rule);
}

/* ------------------------------------------------------------------ ioctls */

/* Where a range stands in the argument of an ioctl, and what it reports as done. */
struct ranged {
    size_t offset, length, count;
};

#define RANGED(type)                                                                               \
    (struct ranged)                                                                                \
    {                                                                                              \
        offsetof(struct type, offset), offsetof(struct type, length), offsetof(struct type, count) \
    }

static bool operation_of(struct enclave *e, unsigned long request, enum rule_operation *ret,
                         struct ranged *ret_ranged)
{
    *ret_ranged = (struct ranged){0};
    switch (request) {
    case SGX_IOC_ENCLAVE_CREATE:
        *ret = RULE_CREATE;
        return true;
    case SGX_IOC_ENCLAVE_INIT:
        *ret = RULE_INIT;
        return true;
    case SGX_IOC_ENCLAVE_PROVISION:
        *ret = RULE_PROVISION;
        return true;
    case SGX_IOC_ENCLAVE_ADD_PAGES:
        *ret_ranged = RANGED(sgx_enclave_add_pages);
        *ret = RULE_ADD;
        return true;
    case SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS:
        *ret_ranged = RANGED(sgx_enclave_restrict_permissions);
        *ret = RULE_RESTRICT;
        break;
    case SGX_IOC_ENCLAVE_MODIFY_TYPES:
        *ret_ranged = RANGED(sgx_enclave_modify_types);
        *ret = RULE_MODIFY;
        break;
    case SGX_IOC_ENCLAVE_REMOVE_PAGES:
        *ret_ranged = RANGED(sgx_enclave_remove_pages);
        *ret = RULE_REMOVE;
        break;
    default:
        return false;
    }
    return profile_has_sgx2(e->file->profile);
}

/* It is made, whatever comes of it. */
static void count(struct enclave *e, enum rule_operation operation)
{
    switch (operation) {
    case RULE_CREATE:
        COUNT(e, ioctl_create);
        break;
    case RULE_ADD:
        COUNT(e, ioctl_add_pages);
        break;
    case RULE_INIT:
        COUNT(e, ioctl_init);
        break;
    case RULE_PROVISION:
        COUNT(e, ioctl_provision);
        break;
    case RULE_RESTRICT:
        COUNT(e, ioctl_restrict);
        break;
    case RULE_MODIFY:
        COUNT(e, ioctl_modify_types);
        break;
    default:
        COUNT(e, ioctl_remove);
        break;
    }
}

bool hostile_ioctl(struct enclave *e, unsigned long request, void *argument, int *ret)
{
    const uint64_t at = (uint64_t)(uintptr_t)argument;
    uint64_t offset = 0, length = 0;
    enum rule_operation operation;
    struct ranged ranged;
    bool done = false;
    struct rule *rule = NULL;

    if (!operation_of(e, request, &operation, &ranged) || !hostile(e, RULE_BIT(operation)))
        return false;
    if (ranged.count && (user_read(&offset, at + ranged.offset, sizeof offset) < 0 ||
                         user_read(&length, at + ranged.length, sizeof length) < 0))
        return false;
    hostile_before(e, operation, offset, length);
    while ((rule = hostile_next(e, rule, operation, WHAT(RULE_REFUSE) | WHAT(RULE_LIE), offset,
                                length))) {
        if (done)
            continue;
        done = true;
        *ret = rule->what == RULE_REFUSE ? -(int)rule->a : 0;
        if (rule->what == RULE_LIE && ranged.count &&
            user_write(at + ranged.count, &length, sizeof length) < 0)
            *ret = -EFAULT;
    }
    if (done)
        count(e, operation);
    return done;
}

/* ------------------------------------------------------------------ pages of ioctls */

/* The first of the rules that strike; the others have been counted. */
static const struct rule *first_for_page(struct enclave *e, enum rule_operation operation,
                                         enum rule_what what, uint64_t page)
{
    const struct rule *first = NULL;
    struct rule *rule = NULL;

    if (!hostile(e, RULE_BIT(operation)))
        return NULL;
    while ((
        rule = hostile_next(e, rule, operation, WHAT(what), page << SGX_PAGE_SHIFT, SGX_PAGE_SIZE)))
        first = first ? first : rule;
    return first;
}

bool hostile_skip_page(struct enclave *e, enum rule_operation operation, uint64_t page)
{
    return first_for_page(e, operation, RULE_SKIP, page) != NULL;
}

uint64_t hostile_permission(struct enclave *e, uint64_t page, uint64_t permission)
{
    const struct rule *rule = first_for_page(e, RULE_RESTRICT, RULE_PERMISSION, page);

    return rule ? rule->a : permission;
}

uint8_t hostile_type(struct enclave *e, uint64_t page, uint8_t type)
{
    const struct rule *rule = first_for_page(e, RULE_MODIFY, RULE_TYPE, page);

    return rule ? (uint8_t)rule->a : type;
}

/* ------------------------------------------------------------------ faults */

/* As the driver would, with a frame of its own for each time. */
static enum fault_result add(struct enclave *e, uint64_t page)
{
    const struct vma *vma;
    uint64_t frame;

    if (reclaim_prepare_wait(e, page) < 0)
        return FAULT_BUS;
    vma = vma_find(e, page_address(e, page)); /* the lock may have been dropped */
    frame = frame_for(e, page);
    if (frame == FRAME_NONE || fault_eaug(e, page, (uint32_t)frame).kind != LEAF_DONE)
        return FAULT_BUS;
    COUNT(e, eaug_faults);
    if (vma)
        pagetable_insert(e, page, e->records[page].frame, vma->prot);
    share_page_changed(e, page);
    return FAULT_RETRY;
}

static enum fault_result add_elsewhere(struct enclave *e, uint64_t offset)
{
    const uint64_t page = offset >> SGX_PAGE_SHIFT;

    if (offset >= e->file->size || e->records[page].present)
        return FAULT_BUS;
    return add(e, page);
}

static enum fault_result misfault(struct enclave *e, const struct rule *rule, uint64_t page)
{
    switch ((enum rule_what)rule->what) {
    case RULE_LIE: /* a thread that gets nowhere must not keep the others from the lock */
        enclave_unlock(e);
        sched_yield();
        enclave_lock(e);
        return FAULT_RETRY;
    case RULE_ELSEWHERE:
        return add_elsewhere(e, rule->a);
    case RULE_TWICE:
        return add(e, page) == FAULT_RETRY ? add(e, page) : FAULT_BUS;
    default:
        return FAULT_BUS;
    }
}

bool hostile_fault(struct enclave *e, uint64_t page, enum fault_result *ret)
{
    const uint64_t whats =
        WHAT(RULE_REFUSE) | WHAT(RULE_LIE) | WHAT(RULE_ELSEWHERE) | WHAT(RULE_TWICE);
    const struct rule *first = NULL;
    struct rule *rule = NULL;

    while ((rule = hostile_next(e, rule, RULE_EAUG, whats, page << SGX_PAGE_SHIFT, SGX_PAGE_SIZE)))
        first = first ? first : rule;
    if (!first)
        return false;
    *ret = misfault(e, first, page);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ioctls that build an enclave: CREATE, ADD_PAGES, INIT, PROVISION
 * (arch/x86/kernel/cpu/sgx/ioctl.c).
 */
#include <asm/sgx.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "driver/hostile.h"
#include "driver/reclaim.h"
#include "trace.h"

#define ALLOWED_ATTRIBUTES (SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_KSS)

int attach_early_mappings(struct enclave *e)
{
    for (size_t i = 0; i < e->vma_count; i++) {
        uint64_t start = e->vmas[i].start, end = e->vmas[i].end;
        int r;

        if (start < e->file->base)
            start = e->file->base;
        if (end > e->file->base + e->file->size)
            end = e->file->base + e->file->size;
        if (start >= end)
            continue;
        r = pagetable_attach(e, start, end);
        if (r < 0)
            return r;
    }
    return 0;
}

static int create_secs(struct enclave *e, const struct sgx_secs *secs)
{
    struct sgx_secinfo secinfo = {.flags = SGX_SECINFO_PT(SGX_PT_SECS)};
    struct sgx_pageinfo info = {
        .srcpge = (uint64_t)(uintptr_t)secs,
        .secinfo = (uint64_t)(uintptr_t)&secinfo,
    };
    struct outcome outcome;

    outcome =
        cpu_ecreate(&e->epc, (uint64_t)(uintptr_t)&info, epc_address(&e->epc, EPC_SECS_FRAME));
    COUNT(e, encls[SGX_ECREATE]);
    TRACE_EVENT(e, TRACE_ENCLS, "ECREATE", trace_hex("address", "base %", secs->base),
                trace_hex("size", "size %", secs->size), trace_leaf_result(outcome));
    return outcome.kind == LEAF_DONE ? 0 : -EIO;
}

int ioctl_create(struct enclave *e, void *argument)
{
    struct sgx_enclave_create create;
    struct sgx_secs *secs;
    int r;

    if (e->file->created)
        return -EINVAL;
    if (user_read(&create, (uint64_t)(uintptr_t)argument, sizeof create) < 0)
        return -EFAULT;
    secs = aligned_alloc(SGX_PAGE_SIZE, SGX_PAGE_SIZE);
    if (!secs)
        return -ENOMEM;
    r = user_read(secs, create.src, SGX_PAGE_SIZE);
    if (r == 0 && (secs->size == 0 || (secs->size & (secs->size - 1))))
        r = -EINVAL;
    if (r == 0)
        r = reclaim_room(e, 2); /* a version array and the SECS */
    /* The processor refuses such a size; the file need not be grown for it. */
    if (r == 0 && (secs->size < SGX_SECS_MIN_SIZE || secs->size >> run_features()->max_size_bits))
        r = -EIO;
    if (r == 0)
        r = epcfile_grow(e, secs->size);
    if (r == 0)
        r = epcfile_map(e);
    if (r < 0)
        goto free_secs;

    version_grow(e);
    r = create_secs(e, secs);
    if (r < 0) {
        version_drop(e);
        epcfile_unmap(e);
        goto free_secs;
    }
    e->file->reclaim.versioned = 1;
    e->file->base = secs->base;
    e->file->size = secs->size;
    e->file->attributes = secs->attributes.flags;
    e->file->allowed = ALLOWED_ATTRIBUTES;
    if (e->file->profile != PROFILE_SGX1)
        e->file->allowed |= SGX_ATTR_AEXNOTIFY;
    e->file->created = true;
    epcfile_count_page(e);
    r = attach_early_mappings(e);

free_secs:
    free(secs);
    return r;
}

bool range_ok(const struct enclave *e, uint64_t offset, uint64_t length)
{
    if (offset % SGX_PAGE_SIZE || length % SGX_PAGE_SIZE || !length)
        return false;
    if (offset + length < offset)
        return false;
    return offset + length - SGX_PAGE_SIZE < e->file->size;
}

static bool secinfo_ok(const struct sgx_secinfo *secinfo)
{
    const uint64_t perm = secinfo->flags & SGX_SECINFO_RWX;
    const uint64_t pt = secinfo->flags & SGX_SECINFO_PT_MASK;
    static const uint8_t zero[sizeof secinfo->reserved];

    if (pt != SGX_SECINFO_REG && pt != SGX_SECINFO_TCS)
        return false;
    if ((perm & SGX_SECINFO_W) && !(perm & SGX_SECINFO_R))
        return false;
    if (pt == SGX_SECINFO_TCS && perm)
        return false;
    if (secinfo->flags & ~(SGX_SECINFO_RWX | SGX_SECINFO_PT_MASK))
        return false;
    return memcmp(secinfo->reserved, zero, sizeof zero) == 0;
}

static bool extend_page(struct enclave *e, uint64_t offset)
{
    const uint64_t target = epc_address(&e->epc, 1 + (offset >> SGX_PAGE_SHIFT));
    struct outcome outcome;

    outcome = cpu_eextend_page(&e->epc, epc_address(&e->epc, EPC_SECS_FRAME), target);
    COUNT_N(e, encls[SGX_EEXTEND], 16);
    TRACE_EVENT(e, TRACE_ENCLS, "EEXTEND", trace_offset(offset),
                trace_number("count", "% x 256 bytes", 16), trace_leaf_result(outcome));
    return outcome.kind == LEAF_DONE;
}

/* An EPC page, and a slot for its version. */
static int make_room(struct enclave *e)
{
    int r;

    do
        r = reclaim_prepare(e);
    while (r == -EAGAIN);
    return r;
}

/* There is room. EADD, then EEXTEND if asked for, of one page whose content stands in `content`. */
static int add_page(struct enclave *e, uint64_t offset, const uint8_t *content,
                    const struct sgx_secinfo *secinfo, bool measure)
{
    const uint64_t page = offset >> SGX_PAGE_SHIFT;
    const uint64_t secs = epc_address(&e->epc, EPC_SECS_FRAME);
    const uint64_t target = epc_address(&e->epc, 1 + page);
    const bool tcs = (secinfo->flags & SGX_SECINFO_PT_MASK) == SGX_SECINFO_TCS;
    struct sgx_pageinfo info = {
        .linaddr = e->file->base + offset,
        .srcpge = (uint64_t)(uintptr_t)content,
        .secinfo = (uint64_t)(uintptr_t)secinfo,
        .secs = secs,
    };
    struct outcome outcome;

    outcome = cpu_eadd(&e->epc, (uint64_t)(uintptr_t)&info, target);
    COUNT(e, encls[SGX_EADD]);
    TRACE_EVENT(e, TRACE_ENCLS, "EADD", trace_offset(offset), trace_flags(secinfo->flags),
                trace_leaf_result(outcome));
    if (outcome.kind != LEAF_DONE)
        return -EIO;
    e->records[page] = (struct record){
        .frame = (uint32_t)(1 + page),
        .present = true,
        .type = tcs ? SGX_PT_TCS : SGX_PT_REG,
        .max_prot = tcs ? PROT_READ | PROT_WRITE : (uint8_t)(secinfo->flags & SGX_SECINFO_RWX),
    };
    epcfile_count_page(e);
    if (measure && !extend_page(e, offset))
        return -EIO;
    reclaim_page_added(e, page);
    return 0;
}

#define CHUNK_PAGES 64u

/* Pages of the device cannot be pinned: VM_IO and VM_PFNMAP. */
static bool is_source(const struct enclave *e, uint64_t start, uint64_t size)
{
    return start + size < start || !vma_first(e, start, start + size);
}

/*
 * Copy what the caller has at src + done: a chunk, or the one page before a hole. The end of what
 * was copied; done if there is nothing.
 */
static uint64_t load_chunk(const struct enclave *e, uint8_t *chunk,
                           const struct sgx_enclave_add_pages *add, uint64_t done)
{
    const uint64_t left = add->length - done, room = CHUNK_PAGES * SGX_PAGE_SIZE;
    const uint64_t size = left < room ? left : room;

    if (is_source(e, add->src + done, size) && user_read(chunk, add->src + done, size) == 0)
        return done + size;
    return is_source(e, add->src + done, SGX_PAGE_SIZE) &&
                   user_read(chunk, add->src + done, SGX_PAGE_SIZE) == 0
               ? done + SGX_PAGE_SIZE
               : done;
}

/*
 * Pages from src on; *done counts the bytes that were added. Linux looks for signals before each
 * page, this before each chunk but the first: a call that adds nothing and is restarted is the same
 * to the caller as one that got the signal a little later.
 */
static int add_run(struct enclave *e, const struct sgx_enclave_add_pages *add,
                   const struct sgx_secinfo *secinfo, uint64_t *done)
{
    const uint64_t exec_end = source_executable_until(add->src, add->src + add->length);
    uint8_t *chunk = aligned_alloc(SGX_PAGE_SIZE, CHUNK_PAGES * SGX_PAGE_SIZE);
    uint64_t first = 0, loaded = 0;
    int r = chunk ? 0 : -ENOMEM;

    for (*done = 0; r == 0 && *done < add->length;) {
        if (*done == loaded) {
            if (*done && driver_signal_pending())
                break;
            first = *done;
            loaded = load_chunk(e, chunk, add, first);
        }
        if (hostile_skip(e, RULE_ADD, (add->offset + *done) >> SGX_PAGE_SHIFT))
            r = 0;
        else if ((r = make_room(e)) < 0)
            ; /* before anything is known of page or source */
        else if (e->records[(add->offset + *done) >> SGX_PAGE_SHIFT].present)
            r = -EBUSY;
        else if (add->src + *done >= exec_end)
            r = -EACCES;
        else if (*done == loaded)
            r = -EFAULT;
        else
            r = add_page(e, add->offset + *done, chunk + (*done - first), secinfo,
                         add->flags & SGX_PAGE_MEASURE);
        if (r == 0)
            *done += SGX_PAGE_SIZE;
    }
    free(chunk);
    return r;
}

int ioctl_add_pages(struct enclave *e, void *argument)
{
    struct sgx_enclave_add_pages add;
    struct sgx_secinfo secinfo;
    uint64_t done;
    int r;

    if (!e->file->created || e->file->initialized)
        return -EINVAL;
    if (user_read(&add, (uint64_t)(uintptr_t)argument, sizeof add) < 0)
        return -EFAULT;
    if (add.src % SGX_PAGE_SIZE || !range_ok(e, add.offset, add.length))
        return -EINVAL;
    if (user_read(&secinfo, add.secinfo, sizeof secinfo) < 0)
        return -EFAULT;
    if (!secinfo_ok(&secinfo))
        return -EINVAL;

    r = add_run(e, &add, &secinfo, &done);
    add.count = done;
    if (user_write((uint64_t)(uintptr_t)argument, &add, sizeof add) < 0)
        return -EFAULT;
    return r;
}

/* What the platform cannot provide and the signer demands. */
static bool demands_too_much(const struct sgx_sigstruct *sig)
{
    const struct cpu_features *can = run_features();

    /* CPUID does not offer INIT, which nobody can set. */
    return (sig->attributes.flags & sig->attribute_mask.flags &
            ~(can->attributes & ~SGX_ATTR_INIT)) ||
           (sig->miscselect & sig->miscmask & ~can->miscselect) ||
           (sig->attributes.xfrm & sig->attribute_mask.xfrm & ~can->xfrm);
}

/* Linux writes the signer into the launch enclave's hash registers, so any signer may launch. */
static int einit(struct enclave *e, const struct sgx_sigstruct *sig)
{
    static const uint8_t token[512] __attribute__((aligned(512)));
    struct outcome outcome;

    if ((e->file->attributes & ~e->file->allowed) != 0)
        return -EACCES;
    if (demands_too_much(sig))
        return -EINVAL;
    SHA256(sig->modulus, sizeof sig->modulus, e->file->platform.le_pubkey_hash);
    outcome = cpu_einit(&e->epc, (uint64_t)(uintptr_t)sig, epc_address(&e->epc, EPC_SECS_FRAME),
                        (uint64_t)(uintptr_t)token);
    COUNT(e, encls[SGX_EINIT]);
    TRACE_EVENT(e, TRACE_ENCLS, "EINIT", trace_leaf_result(outcome));
    if (outcome.kind != LEAF_DONE)
        return -EIO;
    e->file->einit_code = outcome.code;
    if (outcome.code != SGX_OK)
        return -EPERM;
    e->file->initialized = true;
    return 0;
}

int ioctl_init(struct enclave *e, void *argument)
{
    struct sgx_enclave_init init;
    struct sgx_sigstruct *sig;
    int r;

    if (!e->file->created || e->file->initialized)
        return -EINVAL;
    if (user_read(&init, (uint64_t)(uintptr_t)argument, sizeof init) < 0)
        return -EFAULT;
    sig = aligned_alloc(SGX_PAGE_SIZE, SGX_PAGE_SIZE);
    if (!sig)
        return -ENOMEM;
    memset(sig, 0, SGX_PAGE_SIZE);
    r = user_read(sig, init.sigstruct, sizeof *sig);
    if (r == 0 && sig->vendor != 0 && sig->vendor != SGX_SIG_VENDOR_INTEL)
        r = -EINVAL;
    if (r == 0)
        r = einit(e, sig);
    free(sig);
    return r;
}

int ioctl_provision(struct enclave *e, void *argument)
{
    struct sgx_enclave_provision provision;

    if (user_read(&provision, (uint64_t)(uintptr_t)argument, sizeof provision) < 0)
        return -EFAULT;
    /* The capability is an open descriptor of the provisioning device, nothing less. */
    if (!is_provision((int)provision.fd))
        return -EINVAL;
    e->file->allowed |= SGX_ATTR_PROVISIONKEY;
    return 0;
}

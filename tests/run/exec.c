/* SPDX-License-Identifier: Apache-2.0 */
#include "exec.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "author.h"
#include "model.h"

int exec_enter(struct op *op, unsigned function, struct sgx_enclave_run *run, void *stack_top,
               struct exec_host *host);

static uint8_t zero[SGX_PAGE_SIZE] __attribute__((aligned(4096)));

#define RW (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W)
#define RX (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X)

static void add(struct raw *raw, struct author *author, uint64_t page_number, const void *page,
                uint64_t secinfo)
{
    const uint64_t offset = page_number * SGX_PAGE_SIZE;

    cr_assert_eq(raw_add(raw, offset, page, secinfo, true), 0);
    author_add(author, offset, secinfo);
    author_extend(author, offset, page);
}

static void add_thread(struct raw *raw, struct author *author, uint64_t tcs_page, uint64_t ssa_page,
                       uint32_t nssa, uint32_t frame_pages)
{
    struct sgx_tcs *tcs = aligned_alloc(SGX_PAGE_SIZE, SGX_PAGE_SIZE);

    memset(tcs, 0, sizeof *tcs);
    tcs->ossa = ssa_page * SGX_PAGE_SIZE;
    tcs->nssa = nssa;
    tcs->oentry = RAW_CODE;
    tcs->ofsbase = RAW_DATA;
    tcs->ogsbase = RAW_OPERAND;
    tcs->fslimit = tcs->gslimit = ~UINT32_C(0);
    add(raw, author, tcs_page, tcs, SGX_SECINFO_TCS);
    for (uint32_t i = 0; i < nssa * frame_pages; i++)
        add(raw, author, ssa_page + i, zero, RW);
    free(tcs);
}

static void create(struct raw *raw, const struct exec_options *o)
{
    struct sgx_secs *secs = aligned_alloc(SGX_PAGE_SIZE, SGX_PAGE_SIZE);

    memset(raw, 0, sizeof *raw);
    raw->fd = sgx2_open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    cr_assert_geq(raw->fd, 0);
    raw->base = raw_reserve(RAW_SIZE);
    memset(secs, 0, sizeof *secs);
    secs->size = RAW_SIZE;
    secs->base = raw_address(raw, 0);
    secs->ssa_frame_size = o->frame_pages;
    secs->miscselect = o->miscselect;
    secs->attributes.flags = SGX_ATTR_MODE64BIT | o->flags;
    secs->attributes.xfrm = o->xfrm;
    cr_assert_eq(raw_ioctl_create(raw, secs), 0);
    free(secs);
}

static void sign(struct raw *raw, struct author *author, const struct exec_options *o)
{
    author_sigstruct(author, &raw->sig);
    raw->sig.miscselect = o->miscselect;
    raw->sig.miscmask = ~UINT32_C(0);
    raw->sig.attributes.flags = SGX_ATTR_MODE64BIT | o->flags;
    raw->sig.attributes.xfrm = o->xfrm;
    author_sign(&raw->sig, 0);
}

static void map(struct raw *raw, uint64_t page, uint64_t pages, int prot)
{
    cr_assert_eq(sgx2_mmap(raw->base + page * SGX_PAGE_SIZE, pages * SGX_PAGE_SIZE, prot,
                           MAP_SHARED | MAP_FIXED, raw->fd, 0),
                 (intptr_t)raw->base + (intptr_t)(page * SGX_PAGE_SIZE));
}

void exec_open(struct raw *raw, const struct exec_options *o)
{
    struct author author;

    create(raw, o);
    author_create(&author, o->frame_pages, RAW_SIZE);
    add_thread(raw, &author, 0, 32, 2, o->frame_pages);
    add_thread(raw, &author, 3, 64, 1, o->frame_pages);
    add(raw, &author, 5, exec_blob, RX);
    for (uint64_t page = 6; page < 9; page++)
        add(raw, &author, page, zero, RW);
    add_thread(raw, &author, 9, 96, 1, o->frame_pages);
    sign(raw, &author, o);
    cr_assert_eq(raw_init(raw), 0);
    map(raw, 0, 5, PROT_READ | PROT_WRITE);
    map(raw, 5, 1, PROT_READ | PROT_EXEC);
    map(raw, 6, 4, PROT_READ | PROT_WRITE);
    map(raw, 32, 96, PROT_READ | PROT_WRITE);
}

int exec_call(struct raw *raw, unsigned tcs_page, unsigned function, struct op *op,
              struct exec_host *host)
{
    static uint8_t stack[65536] __attribute__((aligned(64)));

    raw->run = (struct sgx_enclave_run){.tcs = raw_address(raw, tcs_page * SGX_PAGE_SIZE)};
    return exec_enter(op, function, &raw->run, stack + sizeof stack, host);
}

/* The end of a frame. The model lets the host look, unless it is told not to. */
static const uint8_t *frame_end(const struct raw *raw, const struct exec_options *o, unsigned frame)
{
    return raw->base + EXEC_SSA + (uint64_t)(frame + 1) * o->frame_pages * SGX_PAGE_SIZE;
}

struct sgx_gprsgx exec_gprsgx(const struct raw *raw, const struct exec_options *o, unsigned frame)
{
    struct sgx_gprsgx gpr;

    memcpy(&gpr, frame_end(raw, o, frame) - sizeof gpr, sizeof gpr);
    return gpr;
}

struct sgx_exinfo exec_exinfo(const struct raw *raw, const struct exec_options *o, unsigned frame)
{
    struct sgx_exinfo info;

    memcpy(&info, frame_end(raw, o, frame) - sizeof(struct sgx_gprsgx) - sizeof info, sizeof info);
    return info;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "aperture/counters.h"
#include "author.h"
#include "model.h"

extern const uint8_t blob_start[];
int raw_enter_on(struct op *op, unsigned function, struct sgx_enclave_run *run, void *stack_top);

int raw_enter(struct op *op, unsigned function, struct sgx_enclave_run *run)
{
    static __thread uint8_t stack[65536] __attribute__((aligned(64)));

    return raw_enter_on(op, function, run, stack + sizeof stack);
}

uint64_t raw_address(const struct raw *raw, uint64_t offset)
{
    return (uint64_t)(uintptr_t)raw->base + offset;
}

uint8_t *raw_reserve(uint64_t size)
{
    uint64_t at = (uint64_t)(uintptr_t)mmap(NULL, 2 * size, PROT_NONE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return (uint8_t *)(uintptr_t)((at + size - 1) & ~(size - 1));
}

int raw_ioctl_create(struct raw *raw, const struct sgx_secs *secs)
{
    struct sgx_enclave_create create = {.src = (uint64_t)(uintptr_t)secs};

    return sgx2_ioctl(raw->fd, SGX_IOC_ENCLAVE_CREATE, &create);
}

int raw_add(struct raw *raw, uint64_t offset, const void *page, uint64_t secinfo, bool measure)
{
    struct sgx_secinfo info = {.flags = secinfo};
    struct sgx_enclave_add_pages add = {
        .src = (uint64_t)(uintptr_t)page,
        .offset = offset,
        .length = SGX_PAGE_SIZE,
        .secinfo = (uint64_t)(uintptr_t)&info,
        .flags = measure ? SGX_PAGE_MEASURE : 0,
    };

    return sgx2_ioctl(raw->fd, SGX_IOC_ENCLAVE_ADD_PAGES, &add);
}

static void add_measured(struct raw *raw, struct author *author, uint64_t page_number,
                         const void *page, uint64_t secinfo)
{
    const uint64_t offset = page_number * SGX_PAGE_SIZE;

    cr_assert_eq(raw_add(raw, offset, page, secinfo, true), 0);
    author_add(author, offset, secinfo);
    author_extend(author, offset, page);
}

static void add_thread(struct raw *raw, struct author *author, uint64_t first, uint32_t nssa)
{
    static uint8_t zero[SGX_PAGE_SIZE] __attribute__((aligned(4096)));
    struct sgx_tcs *tcs = aligned_alloc(SGX_PAGE_SIZE, SGX_PAGE_SIZE);

    memset(tcs, 0, sizeof *tcs);
    tcs->ossa = (first + 1) * SGX_PAGE_SIZE;
    tcs->nssa = nssa;
    tcs->oentry = RAW_CODE;
    tcs->ofsbase = RAW_DATA;
    tcs->ogsbase = RAW_OPERAND;
    tcs->fslimit = tcs->gslimit = ~UINT32_C(0);
    add_measured(raw, author, first, tcs, SGX_SECINFO_TCS);
    for (uint32_t i = 0; i < nssa; i++)
        add_measured(raw, author, first + 1 + i, zero,
                     SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W);
    free(tcs);
}

void raw_build(struct raw *raw)
{
    static uint8_t zero[SGX_PAGE_SIZE] __attribute__((aligned(4096)));
    const uint64_t rw = SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W;
    struct author author;
    struct sgx_secs *secs = aligned_alloc(SGX_PAGE_SIZE, SGX_PAGE_SIZE);

    memset(raw, 0, sizeof *raw);
    raw->fd = sgx2_open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    cr_assert_geq(raw->fd, 0);
    raw->base = raw_reserve(RAW_SIZE);
    memset(secs, 0, sizeof *secs);
    secs->size = RAW_SIZE;
    secs->base = raw_address(raw, 0);
    secs->ssa_frame_size = 1;
    secs->miscselect = SGX_MISC_EXINFO;
    secs->attributes.flags = SGX_ATTR_MODE64BIT;
    secs->attributes.xfrm = SGX_XFRM_LEGACY;
    cr_assert_eq(raw_ioctl_create(raw, secs), 0);
    free(secs);

    author_create(&author, 1, RAW_SIZE);
    add_thread(raw, &author, 0, 2);
    add_thread(raw, &author, 3, 1);
    add_measured(raw, &author, 5, blob_start, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X);
    add_measured(raw, &author, 6, zero, rw);
    add_measured(raw, &author, 7, zero, rw);
    add_measured(raw, &author, 8, zero, rw);
    add_thread(raw, &author, 9, 1);
    author_sigstruct(&author, &raw->sig);
    raw->sig.miscselect = SGX_MISC_EXINFO;
    raw->sig.miscmask = ~UINT32_C(0);
    author_sign(&raw->sig, 0);
}

int raw_init(struct raw *raw)
{
    struct sgx_enclave_init init = {.sigstruct = (uint64_t)(uintptr_t)&raw->sig};

    return sgx2_ioctl(raw->fd, SGX_IOC_ENCLAVE_INIT, &init);
}

static void map(struct raw *raw, uint64_t page, uint64_t pages, int prot)
{
    cr_assert_eq(sgx2_mmap(raw->base + page * SGX_PAGE_SIZE, pages * SGX_PAGE_SIZE, prot,
                           MAP_SHARED | MAP_FIXED, raw->fd, 0),
                 (intptr_t)raw->base + (intptr_t)(page * SGX_PAGE_SIZE));
}

void raw_map(struct raw *raw)
{
    map(raw, 0, 5, PROT_READ | PROT_WRITE);
    map(raw, 5, 1, PROT_READ | PROT_EXEC);
    map(raw, 6, 5, PROT_READ | PROT_WRITE);
}

void raw_open(struct raw *raw)
{
    raw_build(raw);
    cr_assert_eq(raw_init(raw), 0);
    raw_map(raw);
}

void raw_close(struct raw *raw)
{
    sgx2_close(raw->fd);
    sgx2_munmap(raw->base, RAW_SIZE);
}

int raw_call(struct raw *raw, unsigned tcs_page, unsigned function, struct op *op)
{
    raw->run = (struct sgx_enclave_run){.tcs = raw_address(raw, tcs_page * SGX_PAGE_SIZE)};
    return raw_enter(op, function, &raw->run);
}

struct op raw_do(struct raw *raw, unsigned tcs_page, struct op op)
{
    cr_assert_eq(raw_call(raw, tcs_page, SGX_EENTER, &op), 0);
    cr_assert_eq(raw->run.function, SGX_EEXIT, "function %u vector %u error %#x address %#llx",
                 raw->run.function, raw->run.exception_vector, raw->run.exception_error_code,
                 (unsigned long long)raw->run.exception_addr);
    return op;
}

uint64_t raw_leaf(struct raw *raw, unsigned tcs_page, uint32_t leaf, uint64_t secinfo, void *page,
                  void *source)
{
    const uint64_t operand = raw_address(raw, RAW_OPERAND);

    raw_do(raw, tcs_page, (struct op){.op = OP_STORE, .a = operand, .b = secinfo});
    return raw_do(raw, tcs_page,
                  (struct op){.op = OP_ENCLU,
                              .a = leaf,
                              .b = operand,
                              .c = (uint64_t)(uintptr_t)page,
                              .d = (uint64_t)(uintptr_t)source})
        .ret;
}

struct sgx2_counters raw_counters(const struct raw *raw)
{
    struct sgx2_counters counters;

    cr_assert_eq(sgx2_counters_read(raw->fd, &counters), 0);
    return counters;
}

uint64_t raw_epcm(const struct raw *raw, uint64_t offset)
{
    struct sgx2_epcm_query query = {.offset = offset};

    cr_assert_eq(sgx2_ioctl(raw->fd, SGX2_MODEL_EPCM, &query), 0);
    cr_assert(query.present);
    return query.secinfo;
}

int raw_modify(struct raw *raw, uint64_t offset, uint64_t size, uint64_t type,
               struct sgx_enclave_modify_types *ret)
{
    *ret = (struct sgx_enclave_modify_types){.offset = offset, .length = size, .page_type = type};
    return sgx2_ioctl(raw->fd, SGX_IOC_ENCLAVE_MODIFY_TYPES, ret);
}

int raw_restrict(struct raw *raw, uint64_t offset, uint64_t size, uint64_t perm,
                 struct sgx_enclave_restrict_permissions *ret)
{
    *ret = (struct sgx_enclave_restrict_permissions){
        .offset = offset, .length = size, .permissions = perm};
    return sgx2_ioctl(raw->fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, ret);
}

int raw_remove(struct raw *raw, uint64_t offset, uint64_t size,
               struct sgx_enclave_remove_pages *ret)
{
    *ret = (struct sgx_enclave_remove_pages){.offset = offset, .length = size};
    return sgx2_ioctl(raw->fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, ret);
}

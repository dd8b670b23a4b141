/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SGX2 through the kernel's ABI: the sequences that the kernel's own documentation and tests use.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "model.h"
#include "raw.h"

#define RW_PENDING (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING)
#define R_PR       (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR)
#define RX         (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X)
#define TRIMMED    (SGX_SECINFO_TRIM | SGX_SECINFO_MODIFIED)
#define MAGIC      UINT64_C(0x5a5a123455aa8877)

static struct raw raw;

static void open_raw(void)
{
    raw_open(&raw);
}

static void close_raw(void)
{
    raw_close(&raw);
}

TestSuite(edmm, .init = open_raw, .fini = close_raw);

static void map_free(unsigned pages, int prot)
{
    cr_assert_eq(sgx2_mmap(raw.base + RAW_FREE, pages * SGX_PAGE_SIZE, prot, MAP_SHARED | MAP_FIXED,
                           raw.fd, 0),
                 (intptr_t)raw.base + (intptr_t)RAW_FREE);
}

static void expect_fault(struct op op, unsigned error, uint64_t page)
{
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME, "function %u", raw.run.function);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(raw.run.exception_error_code, error, "error %#x", raw.run.exception_error_code);
    cr_assert_eq(raw.run.exception_addr, page);
}

static uint64_t store_and_load(uint64_t where)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = where, .b = MAGIC});
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = where}).ret;
}

Test(edmm, probe_with_a_zeroed_argument_says_einval)
{
    struct sgx_enclave_restrict_permissions r = {0};
    struct sgx_enclave_modify_types m = {0};
    struct sgx_enclave_remove_pages d = {0};

    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &r), -EINVAL);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_MODIFY_TYPES, &m), -EINVAL);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &d), -EINVAL);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, NULL), -EFAULT);
}

Test(edmm, ioctls_refuse_bad_arguments)
{
    struct sgx_enclave_restrict_permissions r;
    struct sgx_enclave_modify_types m;

    cr_assert_eq(raw_restrict(&raw, RAW_DATA + 1, SGX_PAGE_SIZE, 1, &r), -EINVAL);
    cr_assert_eq(raw_restrict(&raw, RAW_SIZE, SGX_PAGE_SIZE, 1, &r), -EINVAL);
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, 8, &r), -EINVAL);
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_W, &r), -EINVAL);
    cr_assert_eq(raw_restrict(&raw, 0, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), -EINVAL, "a TCS");
    cr_assert_eq(r.count + r.result, 0);
    cr_assert_eq(raw_restrict(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), -EFAULT);
    cr_assert_eq(raw_modify(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_PT_REG, &m), -EINVAL);
    cr_assert_eq(raw_modify(&raw, RAW_DATA, SGX_PAGE_SIZE, 0x101, &m), -EINVAL);
    cr_assert_eq(raw_modify(&raw, RAW_CODE, SGX_PAGE_SIZE, SGX_PT_TCS, &m), -EPERM, "not RW");
    cr_assert_eq(raw_modify(&raw, 0, SGX_PAGE_SIZE, SGX_PT_TCS, &m), -EINVAL, "TCS to TCS");
    r = (struct sgx_enclave_restrict_permissions){
        .offset = RAW_DATA, .length = SGX_PAGE_SIZE, .permissions = 1, .count = 1};
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &r), -EINVAL);
}

Test(edmm, the_page_table_refuses_without_bit_fifteen)
{
    const uint64_t p = raw_address(&raw, RAW_DATA);

    cr_assert_eq(store_and_load(p), MAGIC);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ), 0);
    expect_fault((struct op){.op = OP_STORE, .a = p, .b = 1}, 0x7, p);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
}

Test(edmm, restrict_then_accept_then_extend)
{
    const uint64_t p = raw_address(&raw, RAW_DATA);
    struct op op = {.op = OP_STORE, .a = p, .b = 1};
    struct sgx_enclave_restrict_permissions r;

    cr_assert_eq(store_and_load(p), MAGIC);
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), 0);
    cr_assert_eq(r.count, SGX_PAGE_SIZE);
    cr_assert_eq(r.result, 0);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), R_PR);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, R_PR, raw.base + RAW_DATA, NULL), 0);
    expect_fault(op, 0x8007, p);
    raw_leaf(&raw, 3, SGX_EMODPE, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W,
             raw.base + RAW_DATA, NULL);
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = p}).ret, 1);
}

Test(edmm, a_touched_hole_is_added_and_pending)
{
    const uint64_t p = raw_address(&raw, RAW_FREE);
    struct op op = {.op = OP_STORE, .a = p, .b = MAGIC};

    map_free(1, PROT_READ | PROT_WRITE | PROT_EXEC);
    expect_fault(op, 0x8007, p);
    cr_assert_eq(raw_epcm(&raw, RAW_FREE), RW_PENDING);
    cr_assert_eq(raw_leaf(&raw, 3, SGX_EACCEPT, RW_PENDING, raw.base + RAW_FREE, NULL), 0);
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = p}).ret, MAGIC);
}

Test(edmm, eaccept_adds_the_page_that_it_accepts)
{
    struct sgx2_counters before, after;

    map_free(1, PROT_READ | PROT_WRITE);
    raw_leaf(&raw, 0, SGX_EMODPE, SGX_SECINFO_REG | SGX_SECINFO_R, raw.base + RAW_DATA, NULL);
    before = raw_counters(&raw);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, RW_PENDING, raw.base + RAW_FREE, NULL), 0);
    after = raw_counters(&raw);
    cr_assert_eq(after.eaug_faults - before.eaug_faults, 1);
    cr_assert_eq(after.aex - before.aex, 1);
    cr_assert_eq(after.enclu[SGX_EACCEPT] - before.enclu[SGX_EACCEPT], 2, "it ran again");
    cr_assert_eq(store_and_load(raw_address(&raw, RAW_FREE)), MAGIC);
}

Test(edmm, a_second_eaccept_and_a_wrong_one_are_mismatches)
{
    map_free(1, PROT_READ | PROT_WRITE);
    cr_assert_eq(
        raw_leaf(&raw, 0, SGX_EACCEPT, RX | SGX_SECINFO_PENDING, raw.base + RAW_FREE, NULL),
        SGX_PAGE_ATTRIBUTES_MISMATCH);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, RW_PENDING, raw.base + RAW_FREE, NULL), 0);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, RW_PENDING, raw.base + RAW_FREE, NULL),
                 SGX_PAGE_ATTRIBUTES_MISMATCH);
}

Test(edmm, eacceptcopy_makes_code_that_was_never_writable)
{
    static const uint8_t code[] = {0x48, 0x8b, 0x07}; /* anything */
    const uint64_t p = raw_address(&raw, RAW_FREE);

    (void)code;
    map_free(1, PROT_READ | PROT_WRITE | PROT_EXEC);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_DATA), .b = MAGIC});
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPTCOPY, RX, raw.base + RAW_FREE, raw.base + RAW_DATA),
                 0);
    cr_assert_eq(raw_epcm(&raw, RAW_FREE), RX);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = p}).ret, MAGIC);
    expect_fault((struct op){.op = OP_STORE, .a = p, .b = 1}, 0x8007, p);
}

/* Code in a published page runs, and data does not. */
Test(edmm, published_code_runs_and_data_does_not)
{
    const uint64_t code = raw_address(&raw, RAW_FREE), data = raw_address(&raw, RAW_DATA);
    /* mov %r15, %rbx; mov $4, %eax; enclu */
    const uint64_t bytes = UINT64_C(0x000004b8fb894c), rest = UINT64_C(0xd7010f00);
    struct op op = {.op = OP_JUMP, .a = code};

    map_free(1, PROT_READ | PROT_WRITE | PROT_EXEC);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data, .b = bytes | (rest & 0xff) << 56});
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = data + 8, .b = rest >> 8});
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPTCOPY, RX, raw.base + RAW_FREE, raw.base + RAW_DATA),
                 0);
    raw_do(&raw, 0, op);
    op.a = data;
    expect_fault(op, 0x15, data); /* the mapping has no X: the page table refuses */
}

Test(edmm, executing_a_page_that_only_the_epcm_withholds_sets_bit_fifteen)
{
    const uint64_t p = raw_address(&raw, RAW_FREE);

    map_free(1, PROT_READ | PROT_WRITE | PROT_EXEC);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, RW_PENDING, raw.base + RAW_FREE, NULL), 0);
    expect_fault((struct op){.op = OP_JUMP, .a = p}, 0x8015, p);
}

Test(edmm, trim_accept_remove_and_the_page_is_new_again)
{
    const uint64_t p = raw_address(&raw, RAW_FREE);
    struct sgx_enclave_modify_types m;
    struct sgx_enclave_remove_pages d;

    map_free(1, PROT_READ | PROT_WRITE);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, RW_PENDING, raw.base + RAW_FREE, NULL), 0);
    cr_assert_eq(store_and_load(p), MAGIC);
    cr_assert_eq(raw_modify(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_PT_TRIM, &m), 0);
    cr_assert_eq(m.count, SGX_PAGE_SIZE);
    cr_assert_eq(raw_remove(&raw, RAW_FREE, SGX_PAGE_SIZE, &d), -EPERM, "not accepted yet");
    cr_assert_eq(d.count, 0);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, TRIMMED, raw.base + RAW_FREE, NULL), 0);
    cr_assert_eq(raw_remove(&raw, RAW_FREE, SGX_PAGE_SIZE, &d), 0);
    cr_assert_eq(d.count, SGX_PAGE_SIZE);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, RW_PENDING, raw.base + RAW_FREE, NULL), 0);
    cr_assert_eq(raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = p}).ret, 0, "fresh zeroes");
}

Test(edmm, a_trimmed_page_cannot_be_touched_before_or_after_its_acceptance)
{
    const uint64_t p = raw_address(&raw, RAW_DATA);
    struct sgx_enclave_modify_types m;

    store_and_load(p);
    cr_assert_eq(raw_modify(&raw, RAW_DATA, SGX_PAGE_SIZE, SGX_PT_TRIM, &m), 0);
    expect_fault((struct op){.op = OP_LOAD, .a = p}, 0x8005, p);
    cr_assert_eq(raw_leaf(&raw, 3, SGX_EACCEPT, TRIMMED, raw.base + RAW_DATA, NULL), 0);
    {
        struct op op = {.op = OP_LOAD, .a = p};

        cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
        cr_assert_eq(raw.run.exception_error_code, 0x8005);
    }
}

Test(edmm, a_page_that_was_never_touched_can_be_trimmed_and_removed)
{
    struct sgx_enclave_modify_types m;
    struct sgx_enclave_remove_pages d;

    cr_assert_eq(raw_modify(&raw, RAW_DATA + SGX_PAGE_SIZE, SGX_PAGE_SIZE, SGX_PT_TRIM, &m), 0);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, TRIMMED, raw.base + RAW_DATA + SGX_PAGE_SIZE, NULL),
                 0);
    cr_assert_eq(raw_remove(&raw, RAW_DATA + SGX_PAGE_SIZE, SGX_PAGE_SIZE, &d), 0);
}

Test(edmm, a_pending_page_refuses_restriction_and_trimming)
{
    struct sgx_enclave_restrict_permissions r;
    struct sgx_enclave_modify_types m;

    map_free(1, PROT_READ | PROT_WRITE);
    cr_assert_eq(*(volatile uint8_t *)(raw.base + RAW_FREE), 0xff);
    cr_assert_eq(raw_restrict(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_SECINFO_R, &r), -EFAULT);
    cr_assert_eq(r.result, SGX_PAGE_NOT_MODIFIABLE);
    cr_assert_eq(raw_modify(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_PT_TRIM, &m), -EFAULT);
    cr_assert_eq(m.result, SGX_PAGE_NOT_MODIFIABLE);
}

Test(edmm, a_regular_page_becomes_a_tcs_and_takes_a_thread)
{
    struct sgx_tcs tcs = {
        .ossa = RAW_FREE + SGX_PAGE_SIZE,
        .nssa = 1,
        .oentry = RAW_CODE,
        .ofsbase = RAW_DATA,
        .ogsbase = RAW_DATA,
        .fslimit = ~0u,
        .gslimit = ~0u,
    };
    struct sgx_enclave_modify_types m;
    uint64_t words[11];

    map_free(2, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, RW_PENDING,
                              raw.base + RAW_FREE + i * SGX_PAGE_SIZE, NULL),
                     0);
    memcpy(words, &tcs, sizeof words);
    for (unsigned i = 0; i < 11; i++)
        raw_do(
            &raw, 0,
            (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_FREE + 8 * i), .b = words[i]});
    cr_assert_eq(raw_modify(&raw, RAW_FREE, SGX_PAGE_SIZE, SGX_PT_TCS, &m), 0);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_TCS | SGX_SECINFO_MODIFIED,
                          raw.base + RAW_FREE, NULL),
                 0);
    cr_assert_eq(
        raw_do(&raw, (unsigned)(RAW_FREE / SGX_PAGE_SIZE), (struct op){.op = OP_BASES}).ret,
        raw_address(&raw, RAW_DATA));
}

/* What a hostile kernel may do with honest leaves. */
Test(edmm, hostile_acts_do_what_they_say)
{
    struct sgx2_hostile act = {.act = SGX2_HOSTILE_REPLACE, .offset = RAW_DATA};
    const uint64_t p = raw_address(&raw, RAW_DATA);

    store_and_load(p);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), 0);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), RW_PENDING);
    expect_fault((struct op){.op = OP_LOAD, .a = p}, 0x8005, p);

    act = (struct sgx2_hostile){.act = SGX2_HOSTILE_EAUG, .offset = RAW_OPERAND};
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), 0);
    cr_assert_eq(raw_epcm(&raw, RAW_OPERAND), RW_PENDING);

    act = (struct sgx2_hostile){.act = SGX2_HOSTILE_DENY_EAUG, .value = 1};
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), 0);
    map_free(1, PROT_READ | PROT_WRITE);
    {
        struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_FREE)};

        cr_assert_eq(raw_call(&raw, 3, SGX_EENTER, &op), 0);
        cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
        cr_assert_eq(raw.run.exception_error_code, SGX_PFEC_U);
    }
    act.act = 99;
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), -EINVAL);
}

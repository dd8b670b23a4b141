/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An EPC that is too small: what leaves it, what comes back, and what nobody notices.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "driver/enclave.h"
#include "model.h"
#include "raw.h"

#define REG      SGX_SECINFO_REG
#define R        SGX_SECINFO_R
#define W        SGX_SECINFO_W
#define X        SGX_SECINFO_X
#define PENDING  SGX_SECINFO_PENDING
#define MODIFIED SGX_SECINFO_MODIFIED
#define PR       SGX_SECINFO_PR
#define TRIM     SGX_SECINFO_TRIM
#define TCS      SGX_SECINFO_TCS

#define MAGIC UINT64_C(0x1122334455667788)
#define BUILT 13u /* EPC pages of raw.h's enclave: SECS, version array, eleven of its own */

TestSuite(reclaim, .timeout = 120);

static struct raw raw;

static void open_with(const char *epc_size)
{
    setenv("APERTURE_EPC_SIZE", epc_size, 1);
    raw_open(&raw);
}

static void map_free(uint64_t pages, int prot)
{
    cr_assert_gt(sgx2_mmap(raw.base + RAW_FREE, pages * SGX_PAGE_SIZE, prot, MAP_SHARED | MAP_FIXED,
                           raw.fd, 0),
                 0);
}

static uint64_t page(uint64_t n)
{
    return RAW_FREE + n * SGX_PAGE_SIZE;
}

static void store(uint64_t offset, uint64_t value)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, offset), .b = value});
}

static uint64_t load(uint64_t offset)
{
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, offset)}).ret;
}

static uint64_t accept_page(uint64_t offset, uint64_t secinfo)
{
    return raw_leaf(&raw, 0, SGX_EACCEPT, secinfo, raw.base + offset, NULL);
}

/* EACCEPT of pages that faults add. */
static void commit(uint64_t pages)
{
    const uint64_t operand = raw_address(&raw, RAW_OPERAND);

    map_free(pages, PROT_READ | PROT_WRITE);
    store(RAW_OPERAND, REG | R | W | PENDING);
    cr_assert_eq(
        raw_do(&raw, 0,
               (struct op){
                   .op = OP_COMMIT, .b = operand, .c = raw_address(&raw, RAW_FREE), .n = pages})
            .ret,
        0);
}

static int act(enum sgx2_hostile_act what, uint64_t offset, uint64_t value)
{
    struct sgx2_hostile hostile = {.act = what, .offset = offset, .value = value};

    return sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &hostile);
}

static void evict(uint64_t offset)
{
    cr_assert_eq(act(SGX2_HOSTILE_EVICT, offset, 0), 0);
}

static struct sgx2_epcm_query query(uint64_t offset)
{
    struct sgx2_epcm_query q = {.offset = offset};

    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_EPCM, &q), 0);
    cr_assert(q.present);
    return q;
}

/* The kernel's part of a touch by host code, without the touch. */
static enum fault_result fault(uint64_t offset, uint32_t pfec)
{
    struct enclave *e = enclave_by_fd(raw.fd);
    enum fault_result r;

    enclave_lock(e);
    r = fault_handle(e, raw_address(&raw, offset), pfec, FAULT_BY_HOST);
    enclave_unlock(e);
    return r;
}

/* ------------------------------------------------------------------ contents */

#define MANY 200u

Test(reclaim, an_enclave_may_have_more_pages_than_the_epc)
{
    struct sgx2_counters c;

    open_with("256K");
    commit(MANY);
    for (unsigned i = 0; i < MANY; i++)
        store(page(i), MAGIC + i);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < MANY; i++)
            cr_assert_eq(load(page(i * 7 % MANY)), MAGIC + i * 7 % MANY, "page %u", i);
    c = raw_counters(&raw);
    cr_assert_leq(c.epc_pages_max, 64);
    cr_assert_eq(c.epc_pages + c.evicted - c.reloaded, BUILT + MANY);
    cr_assert_gt(c.reloaded, MANY);
    cr_assert_eq(c.encls[SGX_ELDU], c.reloaded);
    cr_assert_eq(c.encls[SGX_EBLOCK], c.evicted);
    cr_assert_eq(c.encls[SGX_EAUG], MANY);
    cr_assert_eq(c.exceptions, 0);
    raw_close(&raw);
}

Test(reclaim, an_enclave_is_built_and_measured_in_an_epc_that_does_not_hold_it)
{
    open_with("40K"); /* ten pages for thirteen */
    store(RAW_DATA, MAGIC);
    cr_assert_eq(load(RAW_DATA), MAGIC);
    cr_assert_eq(raw_counters(&raw).epc_pages_max, 10);
    cr_assert_geq(raw_counters(&raw).evicted, 3);
    raw_close(&raw);
}

Test(reclaim, nothing_is_evicted_without_a_limit)
{
    struct sgx2_counters c;

    raw_open(&raw);
    commit(MANY);
    c = raw_counters(&raw);
    cr_assert_eq(c.evicted + c.encls[SGX_EBLOCK] + c.encls[SGX_EWB], 0);
    cr_assert_eq(c.encls[SGX_EPA], 1);
    cr_assert_eq(c.epc_pages, BUILT + MANY);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ which, and at what price */

/* Sixteen pages: batches look at four. Three are free; the first that leave are 0 to 3. */
static void fill(void)
{
    open_with("64K");
    map_free(16, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(fault(page(i), SGX_PFEC_U), FAULT_RETRY);
    cr_assert_eq(raw_counters(&raw).epc_pages, 16);
    cr_assert_eq(raw_counters(&raw).evicted, 0);
}

Test(reclaim, a_batch_costs_a_block_and_a_write_for_each_page_and_one_etrack)
{
    struct sgx2_counters c;

    fill();
    cr_assert_eq(fault(page(3), SGX_PFEC_U), FAULT_RETRY);
    c = raw_counters(&raw);
    cr_assert_eq(c.evicted, 4);
    cr_assert_eq(c.encls[SGX_EBLOCK], 4);
    cr_assert_eq(c.encls[SGX_EWB], 5);
    cr_assert_eq(c.encls[SGX_ETRACK], 1);
    cr_assert_eq(c.ipis, 0);
    cr_assert_eq(c.epc_pages, 13);
    for (unsigned i = 0; i < 11; i++)
        cr_assert_eq(query(i * SGX_PAGE_SIZE).evicted, i < 4, "page %u", i);

    cr_assert_eq(fault(0, SGX_PFEC_U), FAULT_RETRY);
    c = raw_counters(&raw);
    cr_assert_eq(c.encls[SGX_ELDU], 1);
    cr_assert_eq(c.reloaded, 1);
    cr_assert_eq(c.evicted, 4);
    cr_assert_eq(c.epc_pages, 14);
    cr_assert_eq(c.page_faults, 5);
    raw_close(&raw);
}

Test(reclaim, a_page_that_was_faulted_in_gets_another_round)
{
    fill();
    cr_assert_eq(fault(SGX_PAGE_SIZE, SGX_PFEC_U), FAULT_RETRY);
    cr_assert_eq(fault(page(3), SGX_PFEC_U), FAULT_RETRY);
    for (unsigned i = 0; i < 11; i++)
        cr_assert_eq(query(i * SGX_PAGE_SIZE).evicted, i < 4 && i != 1, "page %u", i);
    for (unsigned i = 4; i < 15; i++) /* the next round takes it, among others */
        cr_assert_eq(fault(page(i), SGX_PFEC_U), FAULT_RETRY);
    cr_assert(query(SGX_PAGE_SIZE).evicted);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ the state of a page */

static void expect_state_kept(uint64_t offset, uint64_t secinfo)
{
    cr_assert_eq(query(offset).secinfo, secinfo, "%#lx", (unsigned long)query(offset).secinfo);
    evict(offset);
    cr_assert(query(offset).evicted);
    cr_assert_eq(query(offset).secinfo, secinfo, "what EWB wrote");
    cr_assert_eq(fault(offset, SGX_PFEC_U), FAULT_RETRY);
    cr_assert(!query(offset).evicted);
    cr_assert_eq(query(offset).secinfo, secinfo, "%#lx", (unsigned long)query(offset).secinfo);
}

Test(reclaim, every_state_of_the_epcm_survives)
{
    struct sgx_enclave_restrict_permissions r;
    struct sgx_enclave_modify_types m;

    raw_open(&raw);
    expect_state_kept(0, TCS);
    expect_state_kept(RAW_CODE, REG | R | X);
    expect_state_kept(RAW_DATA, REG | R | W);

    map_free(8, PROT_READ | PROT_WRITE);
    cr_assert_eq(fault(page(0), SGX_PFEC_U), FAULT_RETRY);
    expect_state_kept(page(0), REG | R | W | PENDING);
    cr_assert_eq(accept_page(page(0), REG | R | W | PENDING), SGX_OK);
    expect_state_kept(page(0), REG | R | W);

    cr_assert_eq(raw_restrict(&raw, page(0), SGX_PAGE_SIZE, R, &r), 0);
    expect_state_kept(page(0), REG | R | PR);
    cr_assert_eq(accept_page(page(0), REG | R | PR), SGX_OK);
    expect_state_kept(page(0), REG | R);

    cr_assert_eq(accept_page(page(1), REG | R | W | PENDING), SGX_OK);
    cr_assert_eq(raw_modify(&raw, page(1), SGX_PAGE_SIZE, SGX_PT_TCS, &m), 0);
    expect_state_kept(page(1), TCS | MODIFIED);

    cr_assert_eq(raw_modify(&raw, page(0), SGX_PAGE_SIZE, SGX_PT_TRIM, &m), 0);
    expect_state_kept(page(0), TRIM | MODIFIED);
    cr_assert_eq(accept_page(page(0), TRIM | MODIFIED), SGX_OK);
    expect_state_kept(page(0), TRIM);
    raw_close(&raw);
}

Test(reclaim, permissions_hold_before_and_after)
{
    struct op op = {.op = OP_STORE, .a = 0};

    raw_open(&raw);
    evict(RAW_CODE);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_CODE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE), -EACCES,
                 "vm_max_prot of an evicted page");
    op.a = raw_address(&raw, RAW_CODE);
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(raw.run.exception_error_code, SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_W);
    raw_close(&raw);
}

Test(reclaim, a_mapping_that_allows_more_than_the_page_does_not_bring_it_back)
{
    static uint8_t zero[SGX_PAGE_SIZE] __attribute__((aligned(4096)));

    raw_build(&raw);
    cr_assert_gt(sgx2_mmap(raw.base + RAW_FREE, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 0);
    cr_assert_eq(raw_add(&raw, RAW_FREE, zero, REG | R, false), 0);
    cr_assert_eq(fault(RAW_FREE, SGX_PFEC_U), FAULT_BUS);
    cr_assert_eq(raw_counters(&raw).encls[SGX_ELDU], 0);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ TCS and SSA */

Test(reclaim, a_thread_resumes_from_a_tcs_and_a_frame_that_were_evicted)
{
    struct op op = {.op = OP_REGISTERS};

    raw_open(&raw);
    op.a = raw_address(&raw, RAW_DATA);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ), 0);
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    for (unsigned i = 0; i < 11; i++)
        evict(i * SGX_PAGE_SIZE);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_DATA, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    cr_assert_eq(op.ret, 1, "all registers are what they were");
    cr_assert_eq(raw_counters(&raw).reloaded, 5, "SECS, TCS, its frame, code, data");
    raw_close(&raw);
}

Test(reclaim, the_secs_leaves_last_and_comes_back_first)
{
    struct sgx2_counters c;

    raw_open(&raw);
    store(RAW_DATA, MAGIC);
    for (unsigned i = 0; i < 11; i++)
        evict(i * SGX_PAGE_SIZE);
    c = raw_counters(&raw);
    cr_assert_eq(c.evicted, 12);
    cr_assert_eq(c.epc_pages, 1, "the version array");
    cr_assert_eq(c.encls[SGX_EBLOCK], 11, "a SECS is not blocked");
    cr_assert_eq(act(SGX2_HOSTILE_EVICT, RAW_DATA, 0), 0, "it is out already");
    cr_assert_eq(raw_counters(&raw).evicted, 12);

    map_free(1, PROT_READ | PROT_WRITE);
    cr_assert_eq(fault(page(0), SGX_PFEC_U), FAULT_RETRY, "EAUG wants a SECS");
    cr_assert_eq(raw_counters(&raw).reloaded, 1);
    cr_assert_eq(load(RAW_DATA), MAGIC);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ ioctls */

Test(reclaim, ioctls_bring_back_the_pages_that_they_change)
{
    struct sgx_enclave_restrict_permissions r;
    struct sgx_enclave_modify_types m;
    struct sgx_enclave_remove_pages d;
    struct sgx2_counters c;

    raw_open(&raw);
    commit(3);
    for (unsigned i = 0; i < 3; i++)
        evict(page(i));
    cr_assert_eq(raw_restrict(&raw, page(0), SGX_PAGE_SIZE, R, &r), 0);
    cr_assert_eq(raw_modify(&raw, page(1), SGX_PAGE_SIZE, SGX_PT_TCS, &m), 0);
    cr_assert_eq(raw_modify(&raw, page(2), SGX_PAGE_SIZE, SGX_PT_TRIM, &m), 0);
    cr_assert_eq(raw_counters(&raw).reloaded, 3);
    cr_assert_eq(query(page(0)).secinfo, REG | R | PR);
    cr_assert_eq(query(page(1)).secinfo, TCS | MODIFIED);

    evict(page(2));
    cr_assert_eq(raw_remove(&raw, page(2), SGX_PAGE_SIZE, &d), -EPERM, "not accepted");
    cr_assert_eq(accept_page(page(2), TRIM | MODIFIED), SGX_OK);
    evict(page(2));
    c = raw_counters(&raw);
    cr_assert_eq(raw_remove(&raw, page(2), SGX_PAGE_SIZE, &d), 0);
    cr_assert_eq(raw_counters(&raw).encls[SGX_ELDU], c.encls[SGX_ELDU] + 1);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EREMOVE], 1);
    cr_assert_eq(raw_counters(&raw).epc_pages, c.epc_pages);
    cr_assert_eq(raw_remove(&raw, page(2), SGX_PAGE_SIZE, &d), -EFAULT);
    raw_close(&raw);
}

Test(reclaim, a_range_larger_than_the_epc_is_trimmed_and_removed)
{
    struct sgx_enclave_modify_types m;
    struct sgx_enclave_remove_pages d;

    open_with("128K");
    for (unsigned round = 0; round < 2; round++) {
        commit(MANY);
        cr_assert_eq(raw_modify(&raw, RAW_FREE, MANY * SGX_PAGE_SIZE, SGX_PT_TRIM, &m), 0);
        for (unsigned i = 0; i < MANY; i++)
            cr_assert_eq(accept_page(page(i), TRIM | MODIFIED), SGX_OK);
        cr_assert_eq(raw_remove(&raw, RAW_FREE, MANY * SGX_PAGE_SIZE, &d), 0);
        cr_assert_eq(d.count, MANY * SGX_PAGE_SIZE);
    }
    cr_assert_leq(raw_counters(&raw).epc_pages_max, 32);
    cr_assert_eq(raw_counters(&raw).encls[SGX_EPA], 1);
    raw_close(&raw);
}

/* ------------------------------------------------------------------ replay */

static void expect_bus_error(uint64_t offset)
{
    struct op op = {.op = OP_LOAD, .a = raw_address(&raw, offset)};

    cr_assert_eq(fault(offset, SGX_PFEC_U), FAULT_BUS);
    cr_assert_eq(raw_call(&raw, 3, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(raw.run.exception_error_code, SGX_PFEC_U, "not present");
    cr_assert_eq(raw.run.exception_addr, raw_address(&raw, offset));
}

Test(reclaim, an_old_version_of_a_page_is_refused_and_the_others_live_on)
{
    raw_open(&raw);
    store(RAW_DATA, 1);
    store(RAW_OPERAND, MAGIC);
    evict(RAW_DATA);
    cr_assert_eq(act(SGX2_HOSTILE_KEEP, RAW_DATA, 0), 0);
    store(RAW_DATA, 2);
    evict(RAW_DATA);
    cr_assert_eq(act(SGX2_HOSTILE_REPLAY, RAW_DATA, RAW_DATA), 0);
    expect_bus_error(RAW_DATA);
    cr_assert_eq(raw_counters(&raw).reloaded, 1);
    cr_assert_eq(load(RAW_OPERAND), MAGIC);
    evict(RAW_OPERAND);
    cr_assert_eq(load(RAW_OPERAND), MAGIC);
    raw_close(&raw);
}

Test(reclaim, a_page_in_place_of_another_is_refused_and_the_right_one_taken)
{
    const uint64_t other = RAW_DATA + SGX_PAGE_SIZE;

    raw_open(&raw);
    store(RAW_DATA, 1);
    store(other, 2);
    evict(RAW_DATA);
    evict(other);
    cr_assert_eq(act(SGX2_HOSTILE_KEEP, RAW_DATA, 0), 0);
    cr_assert_eq(act(SGX2_HOSTILE_KEEP, other, 0), 0);
    cr_assert_eq(act(SGX2_HOSTILE_REPLAY, RAW_DATA, other), 0);
    expect_bus_error(RAW_DATA);
    cr_assert_eq(load(other), 2);
    cr_assert_eq(act(SGX2_HOSTILE_REPLAY, RAW_DATA, RAW_DATA), 0, "its own, the last version");
    cr_assert_eq(load(RAW_DATA), 1);
    raw_close(&raw);
}

Test(reclaim, acts_on_pages_that_are_not_out_are_refused)
{
    raw_open(&raw);
    cr_assert_eq(act(SGX2_HOSTILE_EVICT, RAW_FREE, 0), -EINVAL, "no page");
    cr_assert_eq(act(SGX2_HOSTILE_KEEP, RAW_DATA, 0), -EINVAL);
    cr_assert_eq(act(SGX2_HOSTILE_KEEP, RAW_FREE, 0), -EINVAL);
    evict(RAW_DATA);
    cr_assert_eq(act(SGX2_HOSTILE_REPLAY, RAW_DATA, RAW_DATA), -EINVAL, "nothing was kept");
    cr_assert_eq(act(SGX2_HOSTILE_REPLAY, RAW_DATA, RAW_SIZE), -EINVAL);
    cr_assert_eq(act(SGX2_HOSTILE_REPLAY, RAW_DATA, 1), -EINVAL);
    cr_assert_eq(act(SGX2_HOSTILE_KEEP, RAW_DATA, 0), 0);
    cr_assert_eq(act(SGX2_HOSTILE_REPLAY, RAW_OPERAND, RAW_DATA), -EINVAL, "it is in the EPC");
    raw_close(&raw);
}

Test(reclaim, other_acts_bring_a_page_back_first)
{
    raw_open(&raw);
    store(RAW_DATA, MAGIC);
    evict(RAW_DATA);
    cr_assert_eq(act(SGX2_HOSTILE_REPLACE, RAW_DATA, 0), 0);
    cr_assert_eq(query(RAW_DATA).secinfo, REG | R | W | PENDING);
    evict(RAW_OPERAND);
    cr_assert_eq(act(SGX2_HOSTILE_EAUG, RAW_OPERAND, 0), 0);
    cr_assert_eq(query(RAW_OPERAND).secinfo, REG | R | W | PENDING);
    cr_assert_eq(raw_counters(&raw).reloaded, 2);
    raw_close(&raw);
}

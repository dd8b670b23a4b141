/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each misbehaviour of aperture-hostile(5), done to a hand-made enclave: it happens as described,
 * the processor stays honest, and an honest operation afterwards succeeds.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "misrule.h"
#include "model.h"
#include "raw.h"

#define PAGE    SGX_PAGE_SIZE
#define RW      (SGX_SECINFO_R | SGX_SECINFO_W)
#define WANT_RW (SGX_SECINFO_REG | RW | SGX_SECINFO_PENDING)
#define STACK   (RAW_DATA + 0x800)

static struct raw raw;

static void open_raw(void)
{
    raw_open(&raw);
    cr_assert_eq(sgx2_mmap(raw.base + RAW_FREE, 16 * PAGE, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_FIXED, raw.fd, 0),
                 (intptr_t)raw.base + (intptr_t)RAW_FREE);
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, RAW_OPERAND), .b = WANT_RW});
}

static void close_raw(void)
{
    raw_close(&raw);
}

TestSuite(hostile, .init = open_raw, .fini = close_raw, .timeout = 60);

static void store(uint64_t offset, uint64_t value)
{
    raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, offset), .b = value});
}

static uint64_t load(uint64_t offset)
{
    return raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, offset)}).ret;
}

/* EACCEPT of a page as pending read-write; RAX, or ~0 if the host was told of a page fault. */
static uint64_t accept_page(uint64_t offset)
{
    struct op op = {.op = OP_ENCLU,
                    .a = SGX_EACCEPT,
                    .b = raw_address(&raw, RAW_OPERAND),
                    .c = raw_address(&raw, offset)};

    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    if (raw.run.function == SGX_EEXIT)
        return op.ret;
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(raw.run.exception_addr, raw_address(&raw, offset));
    return ~UINT64_C(0);
}

/* The page fault of a load, whose context is given up. */
static unsigned load_faults(uint64_t offset)
{
    struct op op = {.op = OP_LOAD, .a = raw_address(&raw, offset)};
    struct op drop = {.op = OP_ENCLU, .a = SGX_EDECCSSA};

    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME, "it was read: %#llx", (unsigned long long)op.ret);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    const unsigned error = raw.run.exception_error_code;
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &drop), 0);
    return error;
}

#define DELTA(field) (after.field - before.field)

/* ------------------------------------------------------------------ EAUG */

Test(hostile, a_refused_eaug_is_a_fault_and_the_next_one_succeeds)
{
    struct op op = {.op = OP_NOP};

    misrule(raw.fd, "on eaug first 1 do refuse\n");
    cr_assert_eq(accept_page(RAW_FREE), ~UINT64_C(0));
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0); /* the same EACCEPT once more */
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    cr_assert_eq(raw_epcm(&raw, RAW_FREE), SGX_SECINFO_REG | RW);
    cr_assert_eq(accept_page(RAW_FREE + PAGE), SGX_OK);
    cr_assert_eq(misrule_struck(raw.fd, 1), 1);
}

Test(hostile, an_eaug_that_is_only_claimed_is_asked_for_again)
{
    struct sgx2_counters before = raw_counters(&raw), after;

    misrule(raw.fd, "on eaug first 3 do lie\n");
    cr_assert_eq(accept_page(RAW_FREE), SGX_OK);
    after = raw_counters(&raw);
    cr_assert_eq(DELTA(page_faults), 4);
    cr_assert_eq(DELTA(aex), 4);
    cr_assert_eq(DELTA(eaug_faults), 1);
}

static void *accept_on_tcs_1(void *arg)
{
    struct sgx_enclave_run run = {.tcs = raw_address(&raw, 3 * PAGE)};

    raw_enter(arg, SGX_EENTER, &run);
    return NULL;
}

Test(hostile, an_eaug_that_is_claimed_for_ever_holds_up_one_thread_alone)
{
    struct op op = {.op = OP_ENCLU,
                    .a = SGX_EACCEPT,
                    .b = raw_address(&raw, RAW_OPERAND),
                    .c = raw_address(&raw, RAW_FREE),
                    .ret = 99};
    pthread_t thread;

    misrule(raw.fd, "on eaug do lie\n");
    pthread_create(&thread, NULL, accept_on_tcs_1, &op);
    while (misrule_struck(raw.fd, 1) < 100)
        sched_yield();
    store(RAW_DATA, 5);
    cr_assert_eq(load(RAW_DATA), 5);
    cr_assert_eq(*(volatile uint64_t *)&op.ret, 99);
    misrule(raw.fd, " ");
    pthread_join(thread, NULL);
    cr_assert_eq(op.ret, SGX_OK);
}

Test(hostile, a_page_added_elsewhere_is_not_the_page_that_was_wanted)
{
    misrule(raw.fd, "on eaug nth 1 do elsewhere %#llx\n", (long long)(RAW_FREE + 3 * PAGE));
    cr_assert_eq(accept_page(RAW_FREE), SGX_OK);
    cr_assert_eq(raw_epcm(&raw, RAW_FREE), SGX_SECINFO_REG | RW);
    cr_assert_eq(raw_epcm(&raw, RAW_FREE + 3 * PAGE), WANT_RW, "nobody took it");

    /* With a page there already nothing is left to do: the access fails. */
    misrule(raw.fd, "on eaug do elsewhere %#llx\n", (long long)(RAW_FREE + 3 * PAGE));
    cr_assert_eq(accept_page(RAW_FREE + PAGE), ~UINT64_C(0));
}

Test(hostile, a_page_added_twice_is_accepted_once)
{
    struct sgx2_counters before = raw_counters(&raw), after;

    misrule(raw.fd, "on eaug page %#llx do twice\n", (long long)RAW_FREE);
    cr_assert_eq(accept_page(RAW_FREE), SGX_OK);
    after = raw_counters(&raw);
    cr_assert_eq(DELTA(encls[SGX_EAUG]), 2);
    cr_assert_eq(DELTA(epc_pages), 2);
    cr_assert_eq(DELTA(page_faults), 1);
    store(RAW_FREE, 7);
    cr_assert_eq(load(RAW_FREE), 7);
    cr_assert_neq(accept_page(RAW_FREE), SGX_OK, "it is not pending any more");
}

/* ------------------------------------------------------------------ acts at any operation */

Test(hostile, a_page_augmented_where_none_was_wanted_stays_pending)
{
    misrule(raw.fd, "on enter first 1 do augment %#llx\n", (long long)RAW_FREE);
    cr_assert_eq(load(RAW_DATA), 0);
    cr_assert_eq(raw_epcm(&raw, RAW_FREE), WANT_RW);
    cr_assert_eq(load_faults(RAW_FREE), SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX);
}

Test(hostile, a_page_removed_behind_the_enclave_comes_back_pending)
{
    store(RAW_DATA, 0x5ec2e7);
    misrule(raw.fd, "on exit first 1 do remove %#llx\n", (long long)RAW_DATA);
    cr_assert_eq(load(RAW_DATA), 0x5ec2e7, "before the exit it is there");
    cr_assert_eq(load_faults(RAW_DATA), SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX);
    cr_assert_eq(accept_page(RAW_DATA), SGX_OK);
    cr_assert_eq(load(RAW_DATA), 0, "what it held is lost, and not shown to anybody");
}

Test(hostile, a_page_replaced_during_an_interrupt_is_a_fault)
{
    struct op op = {.op = OP_COUNT, .a = raw_address(&raw, RAW_DATA), .n = 100};

    store(RAW_DATA, 0);
    misrule(raw.fd,
            "on enter first 1 do interrupt 50\n"
            "on aex first 1 do replace %#llx\n",
            (long long)RAW_DATA);
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(raw.run.exception_error_code & (SGX_PFEC_SGX | SGX_PFEC_P),
                 SGX_PFEC_SGX | SGX_PFEC_P);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), WANT_RW);
}

Test(hostile, frames_swapped_between_two_pages_are_refused_by_the_processor)
{
    const uint64_t other = RAW_DATA + PAGE;

    store(RAW_DATA, 0x11);
    store(other, 0x22);
    misrule(raw.fd, "on exit nth 1 do swap %#llx %#llx\n", (long long)RAW_DATA, (long long)other);
    cr_assert_eq(load(other), 0x22);
    cr_assert_eq(load_faults(RAW_DATA), SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX);
    cr_assert_eq(load_faults(other), SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX);
    cr_assert_eq(*(volatile uint64_t *)(raw.base + RAW_DATA), UINT64_MAX, "nor is it shown");

    misrule(raw.fd, "on enter nth 1 do swap %#llx %#llx\n", (long long)RAW_DATA, (long long)other);
    cr_assert_eq(load(RAW_DATA), 0x11);
    cr_assert_eq(load(other), 0x22);
}

/* ------------------------------------------------------------------ eviction */

Test(hostile, a_page_evicted_comes_back_with_its_content)
{
    struct sgx2_counters before, after;

    store(RAW_DATA, 0x1234);
    before = raw_counters(&raw);
    misrule(raw.fd, "on exit first 2 do evict %#llx\n", (long long)RAW_DATA);
    cr_assert_eq(load(RAW_DATA), 0x1234);
    cr_assert_eq(load(RAW_DATA), 0x1234);
    after = raw_counters(&raw);
    cr_assert_eq(DELTA(evicted), 2);
    cr_assert_eq(DELTA(reloaded), 1);
}

/* Keep the image, let the enclave change the page, feed the old image: ELDU refuses. */
Test(hostile, an_old_version_of_a_page_is_never_seen_again)
{
    struct sgx2_counters before, after;
    struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA), .ret = 77};

    store(RAW_DATA, 1);
    misrule(raw.fd, "on exit nth 1 do keep %#llx\non exit nth 2 do replay %#llx\n",
            (long long)RAW_DATA, (long long)RAW_DATA);
    store(RAW_DATA + PAGE, 0);
    before = raw_counters(&raw);
    store(RAW_DATA, 2);
    cr_assert_eq(misrule_struck(raw.fd, 2), 1);
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(op.ret, 77);
    after = raw_counters(&raw);
    cr_assert_eq(DELTA(reloaded), 1, "for the store, and not for the load");
    store(RAW_DATA + PAGE, 3);
    cr_assert_eq(load(RAW_DATA + PAGE), 3, "the rest lives on");
}

/* ------------------------------------------------------------------ ioctls */

Test(hostile, a_refused_ioctl_has_the_errno_that_the_rule_names)
{
    struct sgx_enclave_restrict_permissions ret;
    struct sgx_enclave_provision provision = {.fd = (uint64_t)-1};

    misrule(raw.fd, "on restrict nth 2 do refuse EBUSY\n"
                    "on provision do refuse ENODEV\n"
                    "on modify do refuse\n");
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, PAGE, RW, &ret), 0);
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, PAGE, SGX_SECINFO_R, &ret), -EBUSY);
    cr_assert_eq(ret.count, 0);
    cr_assert(raw_epcm(&raw, RAW_DATA) & SGX_SECINFO_W);
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, PAGE, SGX_SECINFO_R, &ret), 0);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX_IOC_ENCLAVE_PROVISION, &provision), -ENODEV);
    cr_assert_eq(
        raw_modify(&raw, RAW_DATA, PAGE, SGX_PT_TRIM, &(struct sgx_enclave_modify_types){0}),
        -EPERM);
    cr_assert_eq(raw_counters(&raw).ioctl_restrict, 3);
}

Test(hostile, an_ioctl_that_is_only_claimed_changes_no_page_and_reports_all_of_them)
{
    struct sgx_enclave_restrict_permissions ret;
    struct sgx_enclave_modify_types modified;
    struct sgx_enclave_remove_pages removed;

    misrule(raw.fd, "on ioctl page %#llx always do lie\n", (long long)(RAW_DATA + PAGE));
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, 2 * PAGE, SGX_SECINFO_R, &ret), 0);
    cr_assert_eq(ret.count, 2 * PAGE);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), SGX_SECINFO_REG | RW);
    cr_assert_eq(raw_modify(&raw, RAW_DATA + PAGE, PAGE, SGX_PT_TRIM, &modified), 0);
    cr_assert_eq(modified.count, PAGE);
    cr_assert_eq(raw_remove(&raw, RAW_DATA + PAGE, PAGE, &removed), 0);
    cr_assert_eq(removed.count, PAGE);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA + PAGE), SGX_SECINFO_REG | RW);
    /* EACCEPT is what tells. */
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR,
                          raw.base + RAW_DATA, NULL),
                 SGX_PAGE_ATTRIBUTES_MISMATCH);
    /* Beside that page it is an honest kernel. */
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, PAGE, SGX_SECINFO_R, &ret), 0);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR);
}

Test(hostile, one_page_of_a_range_is_skipped_and_counted_all_the_same)
{
    struct sgx_enclave_restrict_permissions ret;

    misrule(raw.fd, "on restrict page %#llx do skip\n", (long long)(RAW_DATA + PAGE));
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, 3 * PAGE, SGX_SECINFO_R, &ret), 0);
    cr_assert_eq(ret.count, 3 * PAGE);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA + PAGE), SGX_SECINFO_REG | RW);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA + 2 * PAGE),
                 SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR);
}

Test(hostile, a_page_that_is_only_said_to_be_removed_is_still_there)
{
    struct sgx_enclave_modify_types modified;
    struct sgx_enclave_remove_pages removed;

    cr_assert_eq(raw_modify(&raw, RAW_DATA, PAGE, SGX_PT_TRIM, &modified), 0);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_TRIM | SGX_SECINFO_MODIFIED,
                          raw.base + RAW_DATA, NULL),
                 SGX_OK);
    misrule(raw.fd, "on remove nth 1 do skip\n");
    cr_assert_eq(raw_remove(&raw, RAW_DATA, PAGE, &removed), 0);
    cr_assert_eq(removed.count, PAGE);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), SGX_SECINFO_TRIM);
    cr_assert_eq(raw_remove(&raw, RAW_DATA, PAGE, &removed), 0);
}

Test(hostile, emodpr_of_another_permission_is_not_what_the_enclave_accepts)
{
    struct sgx_enclave_restrict_permissions ret;

    misrule(raw.fd, "on restrict nth 1 do permission rw-\n");
    cr_assert_eq(raw_restrict(&raw, RAW_DATA, PAGE, SGX_SECINFO_R, &ret), 0);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), SGX_SECINFO_REG | RW | SGX_SECINFO_PR);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_PR,
                          raw.base + RAW_DATA, NULL),
                 SGX_PAGE_ATTRIBUTES_MISMATCH);
}

Test(hostile, emodt_to_another_type_is_not_what_the_enclave_accepts)
{
    struct sgx_enclave_modify_types modified;

    misrule(raw.fd, "on modify do type tcs\n");
    cr_assert_eq(raw_modify(&raw, RAW_DATA, PAGE, SGX_PT_TRIM, &modified), 0);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA) & SGX_SECINFO_PT_MASK, SGX_SECINFO_TCS);
    cr_assert_eq(raw_leaf(&raw, 0, SGX_EACCEPT, SGX_SECINFO_TRIM | SGX_SECINFO_MODIFIED,
                          raw.base + RAW_DATA, NULL),
                 SGX_PAGE_ATTRIBUTES_MISMATCH);
}

/* ------------------------------------------------------------------ while it is built */

static void with_rules(const char *text)
{
    char path[] = "/tmp/hostile-test-XXXXXX";
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    setenv("APERTURE_HOSTILE", path, 1);
    raw_build(&raw);
    unlink(path);
}

Test(hostile_file, a_page_that_was_not_added_is_missed_by_the_measurement)
{
    uint64_t code;

    with_rules("# page 6 holds data\non add page 0x6000 do skip\n");
    cr_assert_eq(raw_init(&raw), -EPERM);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_EINIT_CODE, &code), 0);
    cr_assert_eq(code, SGX_INVALID_MEASUREMENT);
    raw_close(&raw);
}

Test(hostile_file, an_enclave_that_is_only_said_to_be_initialised_cannot_be_entered)
{
    struct op op = {.op = OP_NOP};

    with_rules("on init first 1 do lie");
    cr_assert_eq(raw_init(&raw), 0);
    raw_map(&raw);
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EENTER);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_GP);
    cr_assert_eq(raw_init(&raw), 0);
    raw_do(&raw, 0, op);
    raw_close(&raw);
}

Test(hostile_file, that_is_wrong_or_absent_opens_no_device)
{
    char path[] = "/tmp/hostile-test-XXXXXX";
    int fd = mkstemp(path);

    cr_assert_eq(write(fd, "on eagu do lie\n", 15), 15);
    close(fd);
    setenv("APERTURE_HOSTILE", path, 1);
    cr_assert_eq(sgx2_open("/dev/sgx_enclave", 2), -EINVAL);
    unlink(path);
    cr_assert_eq(sgx2_open("/dev/sgx_enclave", 2), -EINVAL);
    setenv("APERTURE_HOSTILE", "", 1);
    fd = sgx2_open("/dev/sgx_enclave", 2);
    cr_assert_geq(fd, 0);
    sgx2_close(fd);
}

/* ------------------------------------------------------------------ registers */

Test(hostile, registers_are_the_rules_inside_and_the_hosts_again_outside)
{
    struct op op = {.op = OP_WITNESS, .a = raw_address(&raw, STACK)};
    unsigned mxcsr;

    store(RAW_DATA, 0);
    misrule(raw.fd, "on enter do registers rsp=0x1234\n"
                    "on enter do registers rbp=0x8000000000000000\n"
                    "on enter do registers rsi=1\n"
                    "on enter do registers rdx=2\n"
                    "on enter do registers r13=3\n"
                    "on enter do registers rflags=0x40d01\n" /* AC DF OF TF CF */
                    "on enter do registers mxcsr=0x7fa0\n");
    op = raw_do(&raw, 0, op);
    __asm__("stmxcsr %0" : "=m"(mxcsr));
    cr_assert_eq(op.ret, 0x1234);
    cr_assert_eq(op.a, UINT64_C(0x8000000000000000));
    cr_assert_eq(op.b, 1);
    cr_assert_eq(op.c, 2);
    cr_assert_eq(op.d, 3);
    cr_assert_eq(op.ret2 & 0x40500, 0x40400, "AC and DF, but TF is cleared: %#llx",
                 (unsigned long long)op.ret2);
    cr_assert_eq((uint32_t)op.n, 0x7fa0);
    cr_assert_eq(mxcsr & 0xffc0, 0x1f80, "%#x", mxcsr);
    cr_assert_eq(misrule_struck(raw.fd, 7), 1);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
}

Test(hostile, random_registers_are_the_same_for_the_same_seed)
{
    struct op op[3];

    store(RAW_DATA, 0);
    for (unsigned i = 0; i < 3; i++) {
        op[i] = (struct op){.op = OP_WITNESS, .a = raw_address(&raw, STACK)};
        misrule(raw.fd,
                "on enter do registers random %u\n"
                "on enter do registers rdi=%llu\n",
                i / 2 + 5, (unsigned long long)(uintptr_t)&op[i]);
        cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op[i]), 0);
        cr_assert_eq(raw.run.function, SGX_EEXIT);
    }
    cr_assert_eq(op[0].ret, op[1].ret);
    cr_assert_eq(op[0].b, op[1].b);
    cr_assert_neq(op[0].ret, op[2].ret);
    cr_assert_neq(op[0].b, op[2].b);
    cr_assert_neq(op[0].b, op[0].c);
}

/* A context that knows the disguise leaves with it, long after. */
Test(hostile, a_disguise_outlasts_an_exception)
{
    struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_FREE)};

    cr_assert_eq(accept_page(RAW_FREE), SGX_OK);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_FREE, PAGE, PROT_NONE), 0);
    misrule(raw.fd, "on enter nth 1 do registers rsp=16\non enter nth 1 do registers rbp=32\n");
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(sgx2_mprotect(raw.base + RAW_FREE, PAGE, PROT_READ | PROT_WRITE), 0);
    misrule(raw.fd, " ");
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    raw_do(&raw, 0, (struct op){.op = OP_NOP});
}

/* ------------------------------------------------------------------ interrupts */

Test(hostile, an_interrupt_is_one_exit_and_one_resumption)
{
    struct sgx2_counters before, after;
    struct op op = {.op = OP_COUNT, .a = raw_address(&raw, RAW_DATA), .n = 100};

    store(RAW_DATA, 0);
    before = raw_counters(&raw);
    misrule(raw.fd, "on entry nth 1 do interrupt 40\n");
    op = raw_do(&raw, 0, op);
    after = raw_counters(&raw);
    cr_assert_eq(op.ret, 100);
    cr_assert_eq(DELTA(aex), 1);
    cr_assert_eq(DELTA(enclu[SGX_ERESUME]), 1);
    cr_assert_eq(DELTA(exceptions), 0);
    cr_assert_eq(load(RAW_DATA), 100);
}

Test(hostile, a_storm_is_an_exit_after_every_so_many_instructions)
{
    struct sgx2_counters before, after;
    struct op op = {.op = OP_COUNT, .a = raw_address(&raw, RAW_DATA), .n = 250};
    uint64_t each = 0;

    store(RAW_DATA, 0);
    for (unsigned n = 1; n <= 8; n *= 2) {
        before = raw_counters(&raw);
        misrule(raw.fd, "on enter do storm %u\n", n);
        cr_assert_eq(raw_do(&raw, 0, op).ret, 250);
        after = raw_counters(&raw);
        each = n == 1 ? DELTA(aex) : each;
        cr_assert_geq(each, 4 * 250);
        cr_assert_eq(DELTA(aex), each / n);
        cr_assert_eq(DELTA(aex), DELTA(enclu[SGX_ERESUME]));
    }
    misrule(raw.fd, " ");
    cr_assert_eq(load(RAW_DATA), 4 * 250);
}

Test(hostile, an_exception_that_never_occurred_is_told_in_place_of_a_resumption)
{
    struct op op = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA), .ret = 9};

    store(RAW_DATA, 3);
    misrule(raw.fd, "on enter do interrupt 4\non aex nth 1 do return 14\n");
    cr_assert_eq(raw_call(&raw, 0, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_PF);
    cr_assert_eq(op.ret, 9);
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EEXIT);
    cr_assert_eq(op.ret, 3);
}

Test(hostile, an_exception_is_told_in_place_of_an_entry)
{
    struct sgx2_counters before = raw_counters(&raw), after;
    struct op op = {.op = OP_NOP};

    misrule(raw.fd, "on enter page 0x3000 do return 6\non resume do return 0\n");
    raw_do(&raw, 0, op);
    cr_assert_eq(raw_call(&raw, 3, SGX_EENTER, &op), 0);
    cr_assert_eq(raw.run.function, SGX_EENTER);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_UD);
    cr_assert_eq(raw_call(&raw, 0, SGX_ERESUME, &op), 0);
    cr_assert_eq(raw.run.function, SGX_ERESUME);
    cr_assert_eq(raw.run.exception_vector, SGX_VECTOR_DE);
    after = raw_counters(&raw);
    cr_assert_eq(DELTA(enclu[SGX_EENTER]), 1);
    cr_assert_eq(DELTA(enclu[SGX_ERESUME]), 0);
}

Test(hostile, a_kernel_that_enters_again_finds_cssa_1_and_resumes_later)
{
    struct op op = {.op = OP_COUNT, .a = raw_address(&raw, RAW_DATA), .n = 20};
    struct op again = {.op = OP_LOAD, .a = raw_address(&raw, RAW_DATA), .ret2 = 77};
    struct sgx2_counters before, after;

    store(RAW_DATA, 0);
    misrule(raw.fd,
            "on enter nth 1 do interrupt 40\n"
            "on aex nth 1 do reenter %llu\n",
            (unsigned long long)(uintptr_t)&again);
    before = raw_counters(&raw);
    cr_assert_eq(raw_do(&raw, 0, op).ret, 20);
    after = raw_counters(&raw);
    cr_assert_eq(again.ret2, 1, "CSSA");
    cr_assert(again.ret > 0 && again.ret < 20, "half way: %llu", (unsigned long long)again.ret);
    cr_assert_eq(DELTA(eexit), 2);
    cr_assert_eq(DELTA(enclu[SGX_ERESUME]), 1);
    cr_assert_eq(DELTA(aex), 1);
}

Test(hostile, a_kernel_that_enters_again_without_a_frame_left_resumes)
{
    struct op op = {.op = OP_COUNT, .a = raw_address(&raw, RAW_DATA), .n = 20};
    struct sgx2_counters before, after;

    raw_do(&raw, 3, (struct op){.op = OP_NOP});
    misrule(raw.fd, "on enter do interrupt 40\non aex do reenter -3\n");
    before = raw_counters(&raw);
    cr_assert_eq(raw_do(&raw, 3, op).ret, 20);
    after = raw_counters(&raw);
    cr_assert_eq(misrule_struck(raw.fd, 2), DELTA(aex));
    cr_assert_eq(DELTA(enclu[SGX_EENTER]), 1);
    cr_assert_eq(DELTA(enclu[SGX_ERESUME]), DELTA(aex));
}

Test(hostile, a_thread_that_is_never_resumed_stands_still_until_the_rules_change)
{
    struct op op = {.op = OP_COUNT, .a = raw_address(&raw, RAW_DATA), .n = 20};
    pthread_t thread;

    store(RAW_DATA, 0);
    misrule(raw.fd, "on enter page 0x3000 do interrupt 40\non aex nth 1 do never\n");
    pthread_create(&thread, NULL, accept_on_tcs_1, &op);
    while (misrule_struck(raw.fd, 2) == 0)
        sched_yield();
    for (unsigned i = 0; i < 20; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        cr_assert_lt(load(RAW_DATA), 20);
    }
    misrule(raw.fd, " ");
    pthread_join(thread, NULL);
    cr_assert_eq(op.ret, 20);
    cr_assert_eq(load(RAW_DATA), 20);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

Test(hostile, a_delay_takes_its_time_and_nothing_else)
{
    const double start = seconds();

    misrule(raw.fd, "on enter nth 1 do delay 50\non exit nth 1 do delay 50\n"
                    "on eaug nth 1 do delay 50\n");
    cr_assert_eq(accept_page(RAW_FREE), SGX_OK);
    cr_assert_geq(seconds() - start, 0.15);
    cr_assert_eq(accept_page(RAW_FREE + PAGE), SGX_OK);
    cr_assert_eq(raw_counters(&raw).eaug_faults, 2);
}

/* ------------------------------------------------------------------ the rules themselves */

Test(hostile, rules_that_are_wrong_leave_those_in_force)
{
    struct sgx2_rules rules;

    misrule(raw.fd, "on eaug do refuse\n");
    cr_assert_eq(rules_try(raw.fd, "on eaug do lie\n\n on exit  do nothing\n", &rules), -EINVAL);
    cr_assert_eq(rules.line, 3);
    cr_assert_eq(rules.column, 14);
    cr_assert_not_null(strstr(rules.message, "nothing"));
    cr_assert_eq(accept_page(RAW_FREE), ~UINT64_C(0));
    rules = (struct sgx2_rules){.text = 1, .size = 10};
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_RULES, &rules), -EFAULT);
    rules = (struct sgx2_rules){.text = 1, .size = UINT64_MAX};
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_RULES, &rules), -EINVAL);
    cr_assert_eq(misrule_struck(raw.fd, 1), 1);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_STRUCK, &(struct sgx2_struck){.line = 2}), -EINVAL);
    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_STRUCK, &(struct sgx2_struck){.line = 0}), -EINVAL);
}

Test(hostile, rules_hold_for_other_processes_that_have_the_enclave)
{
    struct sgx_enclave_restrict_permissions ret;
    pid_t child;
    int status;

    misrule(raw.fd, "on restrict do lie\n");
    child = fork();
    if (child == 0) {
        int r = raw_restrict(&raw, RAW_DATA, PAGE, SGX_SECINFO_R, &ret);

        _exit(r == 0 && ret.count == PAGE ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(misrule_struck(raw.fd, 1), 1);
    cr_assert_eq(raw_epcm(&raw, RAW_DATA), SGX_SECINFO_REG | RW);
}

/* The acts of model.h are rules as well: both ways at once. */
Test(hostile, rules_take_the_place_of_acts)
{
    struct sgx2_hostile act = {.act = SGX2_HOSTILE_DENY_EAUG, .value = 1};

    cr_assert_eq(sgx2_ioctl(raw.fd, SGX2_MODEL_HOSTILE, &act), 0);
    cr_assert_eq(accept_page(RAW_FREE), ~UINT64_C(0));
    misrule(raw.fd, "on restrict do lie\n");
    cr_assert_eq(accept_page(RAW_FREE), SGX_OK);
}

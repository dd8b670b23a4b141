/* SPDX-License-Identifier: Apache-2.0 */
/*
 * basic_test.c - the test enclave through the public interface: calls, faults that reach its
 * handlers, pages and code that come while it runs, and a kernel that does not do its part
 */
#include <criterion/criterion.h>
#include <string.h>

#include "aperture/counters.h"
#include "aperture/urts.h"
#include "arch/secinfo.h"
#include "arch/ssa.h"
#include "ecalls.h"
#include "model.h"

#define PAGE 4096u

static struct ap_enclave *enclave;
static struct ap_ocall_table ocalls;

static sgx_status_t call(int index, void *ms)
{
    return ap_ecall(enclave, index, &ocalls, ms);
}

/* ------------------------------------------------------------------ the host's ocalls */

static sgx_status_t private_status, public_status, note_status, strict_status;
static uint64_t notes, last_note;

static sgx_status_t on_recurse(void *ms)
{
    struct basic_recurse *r = ms, inner = *r;
    struct basic_add add = {.a = 1, .b = 2};
    sgx_status_t status;

    private_status = call(BASIC_PRIVATE, &add);
    public_status = call(BASIC_NOP, NULL);
    status = call(BASIC_RECURSE, &inner);
    *r = inner;
    return status;
}

static sgx_status_t on_note(void *ms)
{
    notes++;
    last_note = ((struct basic_note *)ms)->number;
    note_status = call(BASIC_NOP, NULL);
    return SGX_SUCCESS;
}

static sgx_status_t on_strict(void *ms)
{
    (void)ms;
    strict_status = call(BASIC_NOP, NULL);
    return SGX_SUCCESS;
}

static ap_ocall_fn *const functions[BASIC_OCALL_COUNT] = {
    [BASIC_OCALL_RECURSE] = on_recurse,
    [BASIC_OCALL_NOTE] = on_note,
    [BASIC_OCALL_STRICT] = on_strict,
};

static void setup(void)
{
    const struct ap_options options = {.device = AP_DEVICE_MODEL};
    struct ap_error error = {0};

    ocalls = (struct ap_ocall_table){BASIC_OCALL_COUNT, functions};
    cr_assert(ap_enclave_create(BASIC_ENCLAVE, &options, &enclave, &error) == SGX_SUCCESS, "%s",
              error.text);
}

static void teardown(void)
{
    ap_enclave_destroy(enclave);
}

TestSuite(basic, .init = setup, .fini = teardown);

/* ------------------------------------------------------------------ calls and data */

Test(basic, ecalls_take_and_return_data)
{
    struct basic_add add = {.a = 40, .b = 2};
    struct basic_echo echo;
    char from[10000], to[10000] = {0};

    cr_assert(call(BASIC_ADD, &add) == SGX_SUCCESS && add.sum == 42);
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (char)(i * 7);
    echo = (struct basic_echo){(uintptr_t)from + 1, (uintptr_t)to + 3, 9990, 0};
    cr_assert(call(BASIC_ECHO, &echo) == SGX_SUCCESS && echo.status == SGX_SUCCESS);
    cr_assert(memcmp(from + 1, to + 3, 9990) == 0 && to[2] == 0 && to[9993] == 0);
}

Test(basic, structures_and_buffers_that_lie_inside_are_refused)
{
    uint64_t base = (uintptr_t)ap_enclave_base(enclave);
    struct basic_echo echo = {.from = base, .to = (uintptr_t)&echo, .size = 8};

    cr_assert(call(BASIC_ADD, (void *)base) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call(BASIC_ADD, (void *)(base - 8)) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call(BASIC_ADD, NULL) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call(BASIC_ECHO, &echo) == SGX_SUCCESS);
    cr_assert(echo.status == SGX_ERROR_INVALID_PARAMETER);
}

Test(basic, calls_nest_through_ocalls_as_the_matrix_allows)
{
    struct basic_recurse ms = {.depth = 6};
    struct basic_ocall strict = {.index = BASIC_OCALL_STRICT, .size = 8, .inside = 1};
    struct basic_ocall note = {.index = BASIC_OCALL_NOTE, .size = 8, .inside = 1};

    cr_assert(call(BASIC_RECURSE, &ms) == SGX_SUCCESS);
    cr_assert(ms.status == SGX_SUCCESS && ms.reached == 7 && ms.canary == 1);
    cr_assert(private_status == SGX_SUCCESS);
    cr_assert(public_status == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(call(BASIC_OCALL, &strict) == SGX_SUCCESS && strict.status == SGX_SUCCESS);
    cr_assert(strict_status == SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert(call(BASIC_OCALL, &note) == SGX_SUCCESS && note_status == SGX_SUCCESS);
}

Test(basic, ocall_arguments_must_lie_inside_and_fit)
{
    struct basic_ocall outside = {.index = BASIC_OCALL_NOTE, .size = 8, .inside = 0};
    struct basic_ocall unknown = {.index = 77, .size = 8, .inside = 1};

    cr_assert(call(BASIC_OCALL, &outside) == SGX_SUCCESS);
    cr_assert(outside.status == SGX_ERROR_INVALID_PARAMETER && notes == 0);
    cr_assert(call(BASIC_OCALL, &unknown) == SGX_SUCCESS);
    cr_assert(unknown.status == SGX_ERROR_INVALID_FUNCTION && unknown.changed == 0);
}

Test(basic, thread_local_storage_is_initialised_and_kept)
{
    struct basic_tls ms = {.add = 5};

    cr_assert(call(BASIC_TLS, &ms) == SGX_SUCCESS);
    cr_assert(ms.counter == 1005 && ms.zero == 5 && ms.aligned == 0 && ms.text == 1);
    cr_assert(call(BASIC_TLS, &ms) == SGX_SUCCESS);
    cr_assert(ms.counter == 1010 && ms.zero == 10);
}

/* ------------------------------------------------------------------ exceptions */

static struct basic_exception access_at(int ecall, uint64_t address)
{
    struct basic_access ms = {.address = address, .value = 1};

    cr_assert(call(ecall, &ms) == SGX_SUCCESS);
    return ms.exception;
}

static void is_page_fault(struct basic_exception e, uint64_t address, uint64_t error_code)
{
    cr_assert(e.caught == 1 && e.vector == SGX_VECTOR_PF && e.type == SGX_EXIT_HARDWARE);
    cr_assert(e.address == address, "at %#lx", (unsigned long)e.address);
    cr_assert(e.error_code == error_code, "code %#lx", (unsigned long)e.error_code);
}

Test(basic, faults_reach_the_handler_with_address_and_error_code)
{
    struct basic_addresses at = {0};

    cr_assert(call(BASIC_ADDRESSES, &at) == SGX_SUCCESS);
    is_page_fault(access_at(BASIC_POKE, at.text + 3), at.text + 3, 0x7);
    is_page_fault(access_at(BASIC_POKE, at.rodata), at.rodata, 0x7);
    is_page_fault(access_at(BASIC_POKE, at.relro), at.relro, 0x8007);
    is_page_fault(access_at(BASIC_EXECUTE, at.data), at.data, 0x15);
    cr_assert(access_at(BASIC_PEEK, at.relro).caught == 0);
    cr_assert(access_at(BASIC_POKE, at.stack - 4096).caught == 0);
}

static struct basic_exception caught(uint64_t provocation, uint64_t flags)
{
    struct basic_catch ms = {.provocation = provocation, .flags = flags};

    cr_assert(call(BASIC_CATCH, &ms) == SGX_SUCCESS);
    cr_assert(ms.note_status == SGX_SUCCESS);
    cr_assert(ms.nested == ((flags & BASIC_CATCH_NESTED) != 0));
    return ms.exception;
}

Test(basic, every_kind_of_exception_can_be_caught)
{
    cr_assert(caught(BASIC_DIVIDE, 0).vector == SGX_VECTOR_DE);
    cr_assert(caught(BASIC_UD2, 0).vector == SGX_VECTOR_UD);
    cr_assert(caught(BASIC_BREAKPOINT, 0).vector == SGX_VECTOR_UD, "INT3 in an opt-out entry");
    cr_assert(caught(BASIC_UNMASKED, 0).vector == SGX_VECTOR_XM);
    cr_assert(caught(BASIC_GENERAL, 0).vector == SGX_VECTOR_GP);
}

Test(basic, handlers_may_ocall_fault_again_and_leave_by_longjmp)
{
    for (unsigned i = 0; i < 100; i++) {
        struct basic_exception e = caught(BASIC_DIVIDE, BASIC_CATCH_OCALL | BASIC_CATCH_NESTED);

        cr_assert(e.caught == 1 && e.vector == SGX_VECTOR_DE);
    }
    cr_assert(notes == 100 && last_note == SGX_VECTOR_DE);
}

Test(basic, handlers_that_continue_find_and_leave_everything_as_it_was)
{
    struct basic_resume ms = {0};

    cr_assert(call(BASIC_RESUME, &ms) == SGX_SUCCESS);
    cr_assert(ms.registers_kept && ms.vectors_kept && ms.control_kept);
    cr_assert(ms.flags_kept && ms.red_zone_kept && ms.clean_handler);
}

static void ends_with(uint64_t provocation)
{
    struct basic_provoke ms = {.provocation = provocation};

    cr_assert(call(BASIC_PROVOKE, &ms) == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(call(BASIC_NOP, NULL) == SGX_ERROR_ENCLAVE_CRASHED);
}

Test(basic, an_exception_that_nobody_handles_ends_the_enclave)
{
    ends_with(BASIC_DIVIDE);
}

Test(basic, a_failed_assertion_ends_the_enclave)
{
    ends_with(BASIC_ASSERT);
}

Test(basic, a_smashed_stack_ends_the_enclave)
{
    ends_with(BASIC_SMASH);
}

Test(basic, a_handler_that_continues_outside_ends_the_enclave)
{
    ends_with(BASIC_BAD_CONTEXT);
}

Test(basic, a_handler_that_continues_on_another_stack_ends_the_enclave)
{
    ends_with(BASIC_BAD_STACK);
}

Test(basic, a_stack_that_is_full_ends_the_enclave)
{
    cr_assert(call(BASIC_OVERFLOW, NULL) != SGX_SUCCESS);
    cr_assert(call(BASIC_NOP, NULL) == SGX_ERROR_ENCLAVE_CRASHED);
}

/* ------------------------------------------------------------------ pages */

static struct basic_region region(const char *name)
{
    struct basic_region ms = {0};

    memcpy(ms.region, name, strlen(name));
    cr_assert(call(BASIC_REGION, &ms) == SGX_SUCCESS);
    cr_assert(ms.status == SGX_SUCCESS);
    return ms;
}

static sgx_status_t commit(const char *name, uint64_t first, uint64_t pages, uint64_t skew)
{
    struct basic_commit ms = {.first = first, .pages = pages, .skew = skew};

    memcpy(ms.region, name, strlen(name));
    cr_assert(call(BASIC_COMMIT, &ms) == SGX_SUCCESS);
    cr_assert(ms.status != SGX_SUCCESS || ms.zero == 1);
    return (sgx_status_t)ms.status;
}

static struct basic_publish publish(uint64_t pages, uint64_t skew)
{
    struct basic_publish ms = {.region = "jit", .pages = pages, .value = 1000, .skew = skew};

    cr_assert(call(BASIC_PUBLISH, &ms) == SGX_SUCCESS);
    return ms;
}

static struct sgx2_counters counters(void)
{
    struct sgx2_counters c;

    cr_assert(sgx2_counters_read(ap_enclave_fd(enclave), &c) == 0);
    return c;
}

Test(basic, pages_are_committed_with_one_ocall_and_one_leaf_each)
{
    struct sgx2_counters before = counters(), after;

    cr_assert(commit("pool", 0, 16, 0) == SGX_SUCCESS);
    after = counters();
    cr_assert(after.eexit - before.eexit == 2, "the ocall and the ecall's end");
    cr_assert(after.enclu[5] - before.enclu[5] == 16);
    cr_assert(after.aex == before.aex);
    cr_assert(commit("heap", 0, 4, 0) == SGX_SUCCESS);
}

Test(basic, commits_outside_of_the_aperture_are_refused)
{
    uint64_t pages = region("pool").size / PAGE;

    cr_assert(commit("pool", 0, pages + 1, 0) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit("pool", 0, 0, 0) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit("pool", 0, 1, 8) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit("nothing", 0, 1, 0) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit("fixed", 0, 1, 0) == SGX_ERROR_APERTURE);
    cr_assert(commit("jit", 0, 1, 0) == SGX_ERROR_APERTURE);
}

Test(basic, published_code_runs_and_costs_one_ocall_and_one_leaf_a_page)
{
    struct sgx2_counters before = counters(), after;
    struct basic_publish ms = publish(16, 0);

    after = counters();
    cr_assert(ms.status == SGX_SUCCESS && ms.correct == 16);
    cr_assert(ms.again == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(after.eexit - before.eexit == 2);
    cr_assert(after.enclu[7] - before.enclu[7] == 16);
    cr_assert(after.ioctl_restrict == before.ioctl_restrict, "never writable, so never restricted");
    ms = publish(3, 1234);
    cr_assert(ms.status == SGX_SUCCESS && ms.correct == 3, "from any alignment");
}

Test(basic, published_code_cannot_be_written_and_the_epcm_says_why)
{
    struct basic_publish ms = publish(1, 0);
    struct sgx2_epcm_query page = {.offset = ms.where - (uintptr_t)ap_enclave_base(enclave)};

    is_page_fault(access_at(BASIC_POKE, ms.where), ms.where, 0x8007);
    cr_assert(sgx2_ioctl(ap_enclave_fd(enclave), SGX2_MODEL_EPCM, &page) == 0);
    cr_assert(page.secinfo == (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_X));
}

Test(basic, publications_that_make_no_sense_are_refused)
{
    struct basic_publish_bad ms = {.region = "jit", .host_code = (uintptr_t)&ms};
    struct basic_publish data = {.region = "pool", .pages = 1};

    cr_assert(call(BASIC_PUBLISH_BAD, &ms) == SGX_SUCCESS);
    cr_assert(ms.null_region == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ms.zero_size == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ms.too_large == SGX_ERROR_OUT_OF_MEMORY);
    cr_assert(ms.wraps == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ms.not_reserved == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ms.unaligned == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ms.outside_code == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(call(BASIC_PUBLISH, &data) == SGX_SUCCESS);
    cr_assert(data.reserve == SGX_ERROR_APERTURE);
}

/* ------------------------------------------------------------------ a hostile kernel */

static void hostile(uint64_t act, uint64_t address, uint64_t value)
{
    struct sgx2_hostile h = {
        .act = act, .offset = address - (uintptr_t)ap_enclave_base(enclave), .value = value};

    if (act == SGX2_HOSTILE_DENY_EAUG)
        h.offset = 0;
    cr_assert(sgx2_ioctl(ap_enclave_fd(enclave), SGX2_MODEL_HOSTILE, &h) == 0);
}

Test(basic, a_kernel_that_adds_no_pages_costs_an_error_and_no_more)
{
    struct basic_publish ms;

    hostile(SGX2_HOSTILE_DENY_EAUG, 0, 1);
    cr_assert(commit("pool", 0, 4, 0) == SGX_ERROR_HOST);
    ms = publish(2, 0);
    cr_assert(ms.reserve == SGX_SUCCESS && ms.status == SGX_ERROR_HOST);
    ms = publish(2, 77);
    cr_assert(ms.reserve == SGX_SUCCESS && ms.status == SGX_ERROR_HOST, "with a lock held");
    hostile(SGX2_HOSTILE_DENY_EAUG, 0, 0);
    cr_assert(commit("pool", 0, 4, 0) == SGX_SUCCESS, "and it may make up for it");
    cr_assert(publish(2, 77).correct == 2);
}

Test(basic, a_fresh_page_in_place_of_a_held_one_is_not_taken)
{
    uint64_t base = region("pool").base;

    cr_assert(commit("pool", 0, 2, 0) == SGX_SUCCESS);
    hostile(SGX2_HOSTILE_REPLACE, base, 0);
    is_page_fault(access_at(BASIC_PEEK, base), base, 0x8005);
    cr_assert(access_at(BASIC_PEEK, base + PAGE).caught == 0);
}

Test(basic, a_fresh_page_in_place_of_published_code_is_not_taken)
{
    struct basic_publish ms = publish(2, 0);

    cr_assert(ms.status == SGX_SUCCESS);
    hostile(SGX2_HOSTILE_REPLACE, ms.where, 0);
    is_page_fault(access_at(BASIC_EXECUTE, ms.where), ms.where, 0x8015);
    cr_assert(publish(1, 0).where != ms.where);
}

Test(basic, a_page_that_is_added_unasked_is_not_taken)
{
    struct basic_region pool = region("pool");
    uint64_t guard = pool.base + pool.size;

    hostile(SGX2_HOSTILE_EAUG, pool.base + 5 * PAGE, 0);
    is_page_fault(access_at(BASIC_POKE, pool.base + 5 * PAGE), pool.base + 5 * PAGE, 0x8007);
    hostile(SGX2_HOSTILE_EAUG, guard, 0);
    cr_assert(access_at(BASIC_PEEK, guard).caught == 1);
    cr_assert(commit("pool", pool.size / PAGE, 1, 0) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(commit("pool", 5, 1, 0) == SGX_SUCCESS, "asked for, it is as good as any");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which function, and when: indices that do not exist, private ecalls, ecalls from the wrong ocall.
 */
#include <limits.h>
#include <stdlib.h>

#include "talk.h"

TestSuite(index, .init = host_open, .fini = host_close);

static struct basic_add ms;

static sgx_status_t call(int index)
{
    ms = (struct basic_add){.a = 1, .b = 2, .sum = 0};
    return host_ecall(index, &ms);
}

Test(index, of_an_ecall_that_does_not_exist_is_refused)
{
    static const int64_t wrong[] = {
        BASIC_ECALL_COUNT,
        BASIC_ECALL_COUNT + 1,
        1000,
        INT_MAX,
        INT64_MAX,
        INT64_MIN,
        -3,
        INT_MIN,
        (int64_t)1 << 32,
        ((int64_t)1 << 32) + BASIC_ADD,
        UINT_MAX,
        -1000,
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        TALK_RETURNS(talk_ecall(host_tcs(0), wrong[i], &ms), SGX_ERROR_INVALID_FUNCTION);
        cr_assert_eq(ms.sum, 0);
    }
    host_check_sane();
}

Test(index, that_is_negative_does_not_even_leave_the_untrusted_runtime)
{
    struct sgx2_counters before = host_counters();

    cr_assert_eq(call(-1), SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(call(-2), SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(call(INT_MIN), SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(host_counters().enclu[SGX_EENTER], before.enclu[SGX_EENTER]);
    cr_assert_eq(call(INT_MAX), SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(call(BASIC_ECALL_COUNT), SGX_ERROR_INVALID_FUNCTION);
}

Test(index, of_a_private_ecall_is_refused_as_root)
{
    cr_assert_eq(call(BASIC_PRIVATE), SGX_ERROR_ECALL_NOT_ALLOWED);
    TALK_RETURNS(talk_ecall(host_tcs(1), BASIC_PRIVATE, &ms), SGX_ERROR_ECALL_NOT_ALLOWED);
    cr_assert_eq(ms.sum, 0);
}

/* ------------------------------------------------------------------ from an ocall */

static sgx_status_t nested[BASIC_ECALL_COUNT + 1];

static sgx_status_t try_all(void *argument)
{
    static uint8_t other[512];

    (void)argument;
    for (int index = 0; index <= BASIC_ECALL_COUNT; index++) {
        if (index == BASIC_RECURSE)
            continue;
        memset(other, 0, sizeof other);
        nested[index] = host_ecall(index, other);
    }
    return SGX_SUCCESS;
}

static void expect_nested(int allowed)
{
    for (int index = 0; index < BASIC_ECALL_COUNT; index++)
        if (index != BASIC_RECURSE)
            cr_assert_eq(nested[index],
                         index == allowed ? SGX_SUCCESS : SGX_ERROR_ECALL_NOT_ALLOWED,
                         "ecall %d: %#x", index, nested[index]);
    cr_assert_eq(nested[BASIC_ECALL_COUNT], SGX_ERROR_INVALID_FUNCTION);
    host_check_sane();
}

static void make_ocall(int index)
{
    struct basic_ocall ocall = {.index = (uint64_t)index, .size = 8, .inside = 1};

    host_must(BASIC_OCALL, &ocall);
    cr_assert_eq(ocall.status, SGX_SUCCESS);
}

Test(index, from_an_ocall_is_allowed_only_if_the_matrix_says_so)
{
    host_on_note = host_on_strict = try_all;
    make_ocall(BASIC_OCALL_NOTE);
    expect_nested(BASIC_NOP);
    make_ocall(BASIC_OCALL_STRICT);
    expect_nested(-1);
}

static sgx_status_t call_private(void *argument)
{
    struct basic_recurse *recurse = argument;

    cr_assert_eq(call(BASIC_PRIVATE), SGX_SUCCESS);
    cr_assert_eq(ms.sum, 3);
    cr_assert_eq(call(BASIC_ADD), SGX_ERROR_ECALL_NOT_ALLOWED, "public, and not on the list");
    recurse->reached = 9;
    return SGX_SUCCESS;
}

Test(index, of_a_private_ecall_is_allowed_from_its_ocall)
{
    struct basic_recurse recurse = {.depth = 1};

    host_on_recurse = call_private;
    host_must(BASIC_RECURSE, &recurse);
    cr_assert_eq(recurse.reached, 9);
    cr_assert_eq(call(BASIC_PRIVATE), SGX_ERROR_ECALL_NOT_ALLOWED, "not afterwards");
}

/* The innermost ocall counts, and only on the slot that made it. */
Test(index, is_judged_by_the_innermost_ocall_of_the_same_slot)
{
    struct basic_recurse out = {.depth = 1};
    struct basic_ocall strict = {.index = BASIC_OCALL_STRICT, .size = 8, .inside = 1};

    TALK_OCALLS(talk_ecall(host_tcs(0), BASIC_RECURSE, &out), BASIC_OCALL_RECURSE);
    TALK_RETURNS(talk_ecall(host_tcs(1), BASIC_PRIVATE, &ms), SGX_ERROR_ECALL_NOT_ALLOWED);
    TALK_RETURNS(talk_ecall(host_tcs(1), BASIC_OCALL, &strict).kind == TALK_EXIT
                     ? talk_oret(host_tcs(1), SGX_SUCCESS)
                     : (struct talk){.kind = TALK_REFUSED},
                 SGX_SUCCESS);
    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_PRIVATE, &ms), SGX_SUCCESS);
    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_OCALL, &strict), SGX_ERROR_ECALL_NOT_ALLOWED);
    TALK_RETURNS(talk_oret(host_tcs(0), SGX_SUCCESS), SGX_SUCCESS);
    TALK_RETURNS(talk_ecall(host_tcs(0), BASIC_PRIVATE, &ms), SGX_ERROR_ECALL_NOT_ALLOWED);
}

/* While the runtime itself is out for pages, nothing may come in below it. */
Test(index, of_any_ecall_is_refused_while_the_runtime_asks_for_pages)
{
    struct basic_commit commit = {.region = "pool", .pages = 1};
    struct talk exit = talk_ecall(host_tcs(0), BASIC_COMMIT, &commit);

    TALK_OCALLS(exit, AP_OCALL_TOUCH);
    for (int index = 0; index < BASIC_ECALL_COUNT; index++)
        TALK_RETURNS(talk_ecall(host_tcs(0), index, &ms), SGX_ERROR_ECALL_NOT_ALLOWED);
    TALK_RETURNS(talk_on(host_tcs(0), exit), SGX_SUCCESS);
    /* The nested attempts brought the same memory: the request in it is still what counts. */
    cr_assert_eq(commit.status, SGX_SUCCESS);
}

/* ------------------------------------------------------------------ ocalls */

Test(index, of_an_ocall_that_the_host_does_not_have_comes_back_as_an_error)
{
    struct basic_ocall ocall = {.index = BASIC_OCALL_COUNT, .size = 8, .inside = 1};

    host_must(BASIC_OCALL, &ocall);
    cr_assert_eq(ocall.status, SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(ocall.changed, 0);
    ocall.index = UINT32_MAX; /* not -1: that would be the runtime's own */
    host_must(BASIC_OCALL, &ocall);
    cr_assert_neq(ocall.status, SGX_SUCCESS);
    cr_assert_eq(ocall.changed, 0);
    cr_assert_eq(ap_ecall(host.enclave, BASIC_OCALL, NULL, &ocall), SGX_SUCCESS);
    cr_assert_neq(ocall.status, SGX_SUCCESS, "no table at all");
}

static sgx_status_t scribble_and_fail(void *argument)
{
    memset(argument, 0x11, 8);
    return (sgx_status_t)0x77;
}

Test(index, an_ocall_that_failed_changes_nothing_inside)
{
    struct basic_ocall ocall = {.index = BASIC_OCALL_NOTE, .size = 8, .inside = 1};

    host_on_note = scribble_and_fail;
    host_must(BASIC_OCALL, &ocall);
    cr_assert_eq(ocall.status, 0x77);
    cr_assert_eq(ocall.changed, 0);
}

/* ------------------------------------------------------------------ after the end */

Test(index, of_any_kind_is_refused_once_the_enclave_has_crashed)
{
    struct basic_provoke ud2 = {.provocation = BASIC_UD2};

    cr_assert_eq(host_ecall(BASIC_PROVOKE, &ud2), SGX_ERROR_ENCLAVE_CRASHED);
    for (int index = 0; index <= BASIC_ECALL_COUNT; index++)
        TALK_RETURNS(talk_ecall(host_tcs(0), index, &ms), SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert_eq(call(BASIC_ADD), SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert_eq(call(-1), SGX_ERROR_INVALID_FUNCTION);
    cr_assert_eq(ap_ecall(NULL, 0, NULL, NULL), SGX_ERROR_INVALID_PARAMETER);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* ocall_test.c - sibling of trts/ocall.c */
#include <criterion/criterion.h>
#include <string.h>

#include "abi/call.h"
#include "aperture/trts.h"
#include "fake.h"
#include "ocall.h"

static uint64_t memory[16]; /* the host's, 128 bytes */
static struct ecall_frame frame;

static unsigned exits;
static int64_t index_seen;
static uint64_t args_seen;
static sgx_status_t answer;
static void (*on_exit_do)(void);

/* In place of entry.S and the host behind it. */
sgx_status_t ocall_leave(int64_t index, uint64_t args)
{
    exits++;
    index_seen = index;
    args_seen = args;
    if (on_exit_do)
        on_exit_do();
    return answer;
}

static void setup(void)
{
    fake_reset();
    memset(memory, 0xee, sizeof memory);
    frame = (struct ecall_frame){.memory = (uintptr_t)memory, .size = sizeof memory};
    fake_thread()->ecall = &frame;
}
TestSuite(ocall, .init = setup);

static uint8_t *inside(void)
{
    return fake_base() + 0x2000;
}

static void change_first_word(void)
{
    memory[0] = 0x1122334455667788;
}

Test(ocall, arguments_go_out_and_come_back)
{
    memset(inside(), 0x5a, 24);
    on_exit_do = change_first_word;
    cr_assert(ap_ocall(3, inside(), 24) == SGX_SUCCESS);
    cr_assert(exits == 1 && index_seen == 3 && args_seen == (uintptr_t)memory);
    cr_assert(memory[1] == 0x5a5a5a5a5a5a5a5a);
    cr_assert(inside()[0] == 0x88 && inside()[8] == 0x5a);
    cr_assert(frame.used == 0);
}

Test(ocall, whole_words_leave_and_what_pads_them_is_zero)
{
    memset(inside(), 0x5a, 24);
    cr_assert(ap_ocall(0, inside(), 11) == SGX_SUCCESS);
    cr_assert(memory[1] == 0x5a5a5a, "three bytes of argument, five of zeroes");
    cr_assert(memory[2] == 0xeeeeeeeeeeeeeeee);
    cr_assert(inside()[11] == 0x5a, "only what was asked for comes back");
}

Test(ocall, a_failed_ocall_changes_no_argument)
{
    answer = SGX_ERROR_UNEXPECTED;
    on_exit_do = change_first_word;
    cr_assert(ap_ocall(0, inside(), 8) == SGX_ERROR_UNEXPECTED);
    cr_assert(inside()[0] == 0 && frame.used == 0);
}

static uint64_t inner_args;

static void nested(void)
{
    on_exit_do = NULL;
    cr_assert(ap_ocall(1, inside() + 64, 8) == SGX_SUCCESS);
    inner_args = args_seen;
}

Test(ocall, a_nested_one_does_not_overwrite_the_outer_ones_arguments)
{
    memset(inside(), 0x11, 16);
    memset(inside() + 64, 0x22, 8);
    on_exit_do = nested;
    cr_assert(ap_ocall(0, inside(), 16) == SGX_SUCCESS);
    cr_assert(inner_args == (uintptr_t)memory + 16);
    cr_assert(inside()[0] == 0x11 && inside()[15] == 0x11);
    cr_assert(frame.used == 0);
}

Test(ocall, what_does_not_fit_makes_no_exit)
{
    cr_assert(ap_ocall(0, inside(), sizeof memory) == SGX_SUCCESS);
    cr_assert(exits == 1);
    cr_assert(ap_ocall(0, inside(), sizeof memory + 1) == SGX_ERROR_OUT_OF_MEMORY);
    cr_assert(ocall(0, inside(), SIZE_MAX) == SGX_ERROR_OUT_OF_MEMORY);
    frame.used = 120;
    cr_assert(ap_ocall(0, inside(), 9) == SGX_ERROR_OUT_OF_MEMORY);
    cr_assert(frame.used == 120);
    fake_thread()->ecall = NULL;
    cr_assert(ap_ocall(0, inside(), 0) == SGX_ERROR_OUT_OF_MEMORY);
    cr_assert(exits == 1);
}

Test(ocall, arguments_that_are_not_inside_are_refused)
{
    uint64_t outside = 0;

    cr_assert(ap_ocall(0, &outside, 8) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_ocall(0, fake_base() + FAKE_SIZE - 4, 8) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(ap_ocall(0, NULL, 8) == SGX_ERROR_INVALID_PARAMETER);
    cr_assert(exits == 0);
    cr_assert(ap_ocall(0, NULL, 0) == SGX_SUCCESS);
}

Test(ocall, a_request_about_pages_says_which)
{
    struct ap_ocall_pages seen;

    ocall_pages(AP_OCALL_RESTRICT, 0x9000, 0x2000, AP_PERM_R);
    memcpy(&seen, memory, sizeof seen);
    cr_assert(exits == 1 && index_seen == AP_OCALL_RESTRICT);
    cr_assert(seen.offset == 0x9000 && seen.size == 0x2000 && seen.perm == AP_PERM_R);
    cr_assert(seen.result == 0);
}

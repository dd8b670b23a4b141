/* SPDX-License-Identifier: Apache-2.0 */
/* handlers_test.c - sibling of trts/handlers.c: phase two */
#include <criterion/criterion.h>
#include <setjmp.h>
#include <string.h>

#include "aperture/trts.h"
#include "exception.h"
#include "fake.h"
#include "state.h"

static jmp_buf crashed;

_Noreturn void crash(void)
{
    longjmp(crashed, 1);
}

/* This process's code is the fake enclave's: what is judged here is the list, not the address. */
static bool handlers_are_inside = true;

bool ap_is_inside(const void *address, size_t size)
{
    uintptr_t base = (uintptr_t)fake_base();

    if ((uintptr_t)address - base < FAKE_SIZE)
        return (uintptr_t)address - base + size <= FAKE_SIZE;
    return handlers_are_inside && (uintptr_t)address > 0x100000;
}

static union {
    sgx_exception_info_t info;
    uint8_t bytes[sizeof(sgx_exception_info_t) + 576];
} frame __attribute__((aligned(64)));

static char order[8];

static int note(char name, int result)
{
    order[strlen(order)] = name;
    cr_assert(fake_thread()->critical == 0, "handlers run without the list's lock");
    return result;
}

static int search_a(sgx_exception_info_t *info)
{
    (void)info;
    return note('a', EXCEPTION_CONTINUE_SEARCH);
}

static int search_b(sgx_exception_info_t *info)
{
    (void)info;
    return note('b', EXCEPTION_CONTINUE_SEARCH);
}

static int take(sgx_exception_info_t *info)
{
    (void)info;
    return note('t', EXCEPTION_CONTINUE_EXECUTION);
}

/* True if the thread may go on. */
static bool deliver(void)
{
    if (setjmp(crashed))
        return false;
    trts_exception(&frame.info);
    return true;
}

static void setup(void)
{
    fake_reset();
    memset(&frame, 0, sizeof frame);
    frame.info.cpu_context.rip = (uintptr_t)fake_base() + 0x5000;
    frame.info.cpu_context.rsp = (uintptr_t)fake_base() + FAKE_STACK_LOW + 0x8000;
    frame.info.cpu_context.rflags = 2;
}
TestSuite(handlers, .init = setup);

Test(handlers, run_in_their_order_until_one_takes_it)
{
    cr_assert(sgx_register_exception_handler(0, search_a));
    cr_assert(sgx_register_exception_handler(0, take));
    cr_assert(sgx_register_exception_handler(1, search_b));
    cr_assert(sgx_register_exception_handler(0, search_a));
    cr_assert(deliver());
    cr_assert(strcmp(order, "bat") == 0, "%s", order);
}

Test(handlers, none_at_all_is_a_crash)
{
    cr_assert(!deliver());
}

Test(handlers, none_that_takes_it_is_a_crash)
{
    cr_assert(sgx_register_exception_handler(0, search_a));
    cr_assert(sgx_register_exception_handler(0, search_b));
    cr_assert(!deliver());
    cr_assert(strcmp(order, "ab") == 0);
}

Test(handlers, that_were_taken_off_the_list_do_not_run)
{
    void *a = sgx_register_exception_handler(0, search_a);
    void *t = sgx_register_exception_handler(0, take);

    cr_assert(sgx_unregister_exception_handler(a) == 1);
    cr_assert(sgx_unregister_exception_handler(a) == 0);
    cr_assert(deliver());
    cr_assert(strcmp(order, "t") == 0);
    cr_assert(sgx_unregister_exception_handler(t) == 1);
    cr_assert(!deliver());
}

Test(handlers, unknown_handles_are_refused)
{
    int other;

    cr_assert(sgx_unregister_exception_handler(NULL) == 0);
    cr_assert(sgx_unregister_exception_handler(&other) == 0);
}

Test(handlers, beyond_the_lists_end_are_refused_and_places_are_used_again)
{
    void *handle[64];
    size_t count = 0;

    while (count < 64 && (handle[count] = sgx_register_exception_handler(0, search_a)))
        count++;
    cr_assert(count == 32);
    cr_assert(sgx_unregister_exception_handler(handle[7]) == 1);
    cr_assert(sgx_register_exception_handler(0, take));
    cr_assert(!sgx_register_exception_handler(0, take));
}

Test(handlers, outside_of_the_enclave_are_refused)
{
    cr_assert(!sgx_register_exception_handler(0, NULL));
    handlers_are_inside = false;
    cr_assert(!sgx_register_exception_handler(0, take));
}

Test(handlers, cannot_send_the_thread_out_of_the_enclave)
{
    cr_assert(sgx_register_exception_handler(0, take));
    handlers_are_inside = false;
    frame.info.cpu_context.rip = (uintptr_t)fake_base() - 1;
    cr_assert(!deliver());
    frame.info.cpu_context.rip = (uintptr_t)fake_base() + FAKE_SIZE;
    cr_assert(!deliver());
}

Test(handlers, cannot_send_the_thread_to_another_stack)
{
    uint64_t low = (uintptr_t)fake_base() + FAKE_STACK_LOW;
    uint64_t high = (uintptr_t)fake_base() + FAKE_STACK_HIGH;

    cr_assert(sgx_register_exception_handler(0, take));
    frame.info.cpu_context.rsp = high;
    cr_assert(deliver());
    frame.info.cpu_context.rsp = high + 8;
    cr_assert(!deliver());
    frame.info.cpu_context.rsp = low + RESUME_ROOM_BYTES;
    cr_assert(deliver());
    frame.info.cpu_context.rsp = low + RESUME_ROOM_BYTES - 1;
    cr_assert(!deliver());
    frame.info.cpu_context.rsp = 0;
    cr_assert(!deliver());
}

Test(handlers, cannot_set_flags_that_are_not_the_programs)
{
    cr_assert(sgx_register_exception_handler(0, take));
    frame.info.cpu_context.rflags = UINT64_MAX;
    cr_assert(deliver());
    /* CF PF AF ZF SF DF OF AC and the bit that always reads as one. */
    cr_assert(frame.info.cpu_context.rflags == 0x40cd7);
}

Test(handlers, cannot_make_the_restore_fault)
{
    cr_assert(sgx_register_exception_handler(0, take));
    memset(frame.info.xsave_area, 0xff, 576);
    cr_assert(deliver());
    cr_assert(frame.info.xsave_area[512] == SGX_XFRM_LEGACY, "components of XFRM only");
    for (size_t i = 513; i < 576; i++)
        cr_assert(frame.info.xsave_area[i] == 0);
    cr_assert(frame.info.xsave_area[26] == 0 && frame.info.xsave_area[27] == 0, "MXCSR");
    cr_assert(frame.info.xsave_area[100] == 0xff, "contents are the handler's to change");
}

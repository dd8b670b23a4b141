/* SPDX-License-Identifier: Apache-2.0 */
/* exception_test.c - sibling of trts/exception.c: phase one on an SSA frame of ordinary memory */
#include <criterion/criterion.h>
#include <string.h>

#include "exception.h"
#include "fake.h"
#include "state.h"

/* The sections that the linker bounds; a label in each is all that is needed. */
__asm__(".pushsection ap_critical, \"ax\", @progbits\n"
        ".globl fake_door\n"
        "fake_door: .zero 16\n"
        ".popsection\n"
        ".pushsection ap_fixups, \"a\", @progbits\n"
        ".balign 4\n"
        ".long fake_base_of_leaf - ., fake_base_of_leaf + 3 - .\n"
        ".popsection\n"
        ".pushsection .text\n"
        ".globl fake_base_of_leaf\n"
        "fake_base_of_leaf: .zero 16\n"
        ".popsection\n");
extern const char fake_door[], fake_base_of_leaf[];

void exception_phase_two(void)
{
}

#define UD (SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VECTOR_UD)
#define PF (SGX_EXITINFO_VALID | SGX_EXIT_HARDWARE << 8 | SGX_VECTOR_PF)

static uint8_t *xsave(void)
{
    return fake_base() + FAKE_SSA;
}

static struct sgx_gprsgx *gpr(void)
{
    return (struct sgx_gprsgx *)(void *)(xsave() + FAKE_PAGE - sizeof(struct sgx_gprsgx));
}

static sgx_status_t phase_one(void)
{
    return exception_phase_one((uintptr_t)fake_base() + FAKE_TCS, fake_thread());
}

static void setup(void)
{
    fake_reset();
    *gpr() = (struct sgx_gprsgx){.rax = 1,
                                 .rcx = 2,
                                 .rdx = 3,
                                 .rbx = 4,
                                 .rsp = (uintptr_t)fake_base() + FAKE_STACK_HIGH - 0x1000,
                                 .rbp = 6,
                                 .rsi = 7,
                                 .rdi = 8,
                                 .r8 = 9,
                                 .r15 = 16,
                                 .rflags = 0x40602, /* AC, DF */
                                 .rip = (uintptr_t)fake_base() + 0x5000,
                                 .ursp = 0x1234,
                                 .urbp = 0x5678,
                                 .exitinfo = UD};
    for (size_t i = 0; i < 576; i++)
        xsave()[i] = (uint8_t)i;
}
TestSuite(exception, .init = setup);

Test(exception, the_frame_holds_what_was_interrupted)
{
    struct sgx_gprsgx before = *gpr();
    sgx_exception_info_t *info;

    cr_assert(phase_one() == SGX_SUCCESS);
    info = (sgx_exception_info_t *)gpr()->rdi;
    cr_assert(info->exception_vector == SGX_EXCEPTION_VECTOR_UD);
    cr_assert(info->exception_type == SGX_EXCEPTION_HARDWARE);
    cr_assert(info->exception_valid == 1 && info->xsave_size == 576);
    cr_assert(info->exinfo.faulting_address == 0 && info->exinfo.error_code == 0);
    cr_assert(info->cpu_context.rax == 1 && info->cpu_context.rbx == 4);
    cr_assert(info->cpu_context.rdi == 8 && info->cpu_context.r8 == 9);
    cr_assert(info->cpu_context.r15 == 16 && info->cpu_context.rflags == 0x40602);
    cr_assert(info->cpu_context.rsp == before.rsp && info->cpu_context.rip == before.rip);
    for (size_t i = 0; i < 576; i++)
        cr_assert(info->xsave_area[i] == (uint8_t)i);
}

Test(exception, the_interrupted_red_zone_is_left_alone)
{
    uint8_t *rsp = (uint8_t *)gpr()->rsp;

    memset(rsp - 128, 0x5a, 128);
    cr_assert(phase_one() == SGX_SUCCESS);
    for (size_t i = 1; i <= 128; i++)
        cr_assert(rsp[-(ptrdiff_t)i] == 0x5a);
}

Test(exception, eresume_continues_in_phase_two_with_a_clean_state)
{
    uint32_t mxcsr;

    cr_assert(phase_one() == SGX_SUCCESS);
    cr_assert(gpr()->rip == (uintptr_t)exception_phase_two);
    cr_assert(gpr()->rsp == gpr()->rdi && gpr()->rsp % 64 == 0);
    cr_assert(gpr()->rflags == 0x202, "neither AC nor DF reach the handler");
    memcpy(&mxcsr, xsave() + 24, sizeof mxcsr);
    cr_assert(mxcsr == 0x1f80 && xsave()[0] == 0x7f && xsave()[1] == 0x03);
    for (size_t i = 512; i < 576; i++)
        cr_assert(xsave()[i] == 0, "XSTATE_BV and the rest of the header");
    cr_assert(gpr()->ursp == 0x1234 && gpr()->urbp == 0x5678);
}

Test(exception, a_page_fault_brings_its_address_and_error_code)
{
    struct sgx_exinfo *exinfo = (struct sgx_exinfo *)(void *)gpr() - 1;
    sgx_exception_info_t *info;

    *exinfo = (struct sgx_exinfo){.maddr = 0x7fff12345678, .errcd = 0x8007};
    gpr()->exitinfo = PF;
    cr_assert(phase_one() == SGX_SUCCESS);
    info = (sgx_exception_info_t *)gpr()->rdi;
    cr_assert(info->exinfo.faulting_address == 0x7fff12345678);
    cr_assert(info->exinfo.error_code == 0x8007);
}

Test(exception, stale_fault_details_are_not_shown_for_another_vector)
{
    struct sgx_exinfo *exinfo = (struct sgx_exinfo *)(void *)gpr() - 1;
    sgx_exception_info_t *info;

    *exinfo = (struct sgx_exinfo){.maddr = 0x7fff12345678, .errcd = 0x8007};
    cr_assert(phase_one() == SGX_SUCCESS);
    info = (sgx_exception_info_t *)gpr()->rdi;
    cr_assert(info->exinfo.faulting_address == 0 && info->exinfo.error_code == 0);
}

Test(exception, an_exception_is_delivered_once)
{
    struct sgx_gprsgx after;

    cr_assert(phase_one() == SGX_SUCCESS);
    after = *gpr();
    cr_assert(after.exitinfo == 0);
    cr_assert(phase_one() == SGX_ERROR_UNEXPECTED);
    cr_assert(memcmp(&after, gpr(), sizeof after) == 0, "the second entry changed nothing");
    cr_assert(state_now() != STATE_CRASHED);
}

Test(exception, a_forged_entry_changes_nothing)
{
    static uint8_t before[FAKE_SIZE];

    gpr()->exitinfo = 0;
    memcpy(before, fake_base(), FAKE_SIZE);
    cr_assert(phase_one() == SGX_ERROR_UNEXPECTED);
    cr_assert(memcmp(before, fake_base(), FAKE_SIZE) == 0);
    cr_assert(state_now() != STATE_CRASHED);
}

Test(exception, an_exception_in_the_door_crashes_the_enclave)
{
    /* The fake door lies outside of the fake ELRANGE; either is enough. */
    gpr()->rip = (uintptr_t)fake_door;
    cr_assert(phase_one() == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(state_now() == STATE_CRASHED);
    cr_assert(gpr()->rip == (uintptr_t)fake_door, "and nothing is prepared for ERESUME");
}

Test(exception, an_exception_under_a_lock_crashes_the_enclave)
{
    struct lock lock = {0};

    lock_take(&lock);
    cr_assert(phase_one() == SGX_ERROR_ENCLAVE_CRASHED);
    cr_assert(state_now() == STATE_CRASHED);
}

Test(exception, a_full_stack_crashes_the_enclave_and_says_so)
{
    gpr()->rsp = (uintptr_t)fake_base() + FAKE_STACK_LOW + 64;
    cr_assert(phase_one() == SGX_ERROR_STACK_OVERRUN);
    cr_assert(state_now() == STATE_CRASHED);
    cr_assert(phase_one() == SGX_ERROR_ENCLAVE_CRASHED, "from then on");
}

Test(exception, another_threads_data_is_not_mistaken_for_this_ones)
{
    fake_thread()->self = fake_thread() + 1;
    cr_assert(phase_one() == SGX_ERROR_ENCLAVE_CRASHED);
}

Test(exception, a_refused_leaf_gets_its_result)
{
    struct lock lock = {0};

    lock_take(&lock);
    gpr()->rip = (uintptr_t)fake_base_of_leaf;
    gpr()->exitinfo = PF;
    cr_assert(phase_one() == SGX_SUCCESS);
    cr_assert(gpr()->rip == (uintptr_t)fake_base_of_leaf + 3);
    cr_assert(gpr()->rax == LEAF_FAULT && gpr()->exitinfo == 0);
    cr_assert(gpr()->rdi == 8 && gpr()->rflags == 0x40602, "everything else is as it was");
    cr_assert(state_now() != STATE_CRASHED);
}

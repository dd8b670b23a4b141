/* SPDX-License-Identifier: Apache-2.0 */
/* judge_test.c - sibling of trts/judge.c and trts/fixup.c */
#include <criterion/criterion.h>

#include "arch/attributes.h"
#include "exception.h"

#define VALID(vector, type) (SGX_EXITINFO_VALID | (uint32_t)(type) << 8 | (uint32_t)(vector))
#define UD                  VALID(SGX_VECTOR_UD, SGX_EXIT_HARDWARE)
#define PF                  VALID(SGX_VECTOR_PF, SGX_EXIT_HARDWARE)
#define GP                  VALID(SGX_VECTOR_GP, SGX_EXIT_HARDWARE)

#define LOW  UINT64_C(0x510000)
#define HIGH UINT64_C(0x520000)

#define FRAME_SIZE (sizeof(sgx_exception_info_t) + 576)

/* One fixup: the instruction and its target are the bytes of this object, as good as any. */
static const char code[8];
static struct fixup fixups[1];

static struct sgx_gprsgx gpr;
static struct exception_scene scene;

/* #UD in ordinary code, in the middle of the stack. */
static void setup(void)
{
    fixups[0].at = (int32_t)((intptr_t)&code[2] - (intptr_t)&fixups[0].at);
    fixups[0].to = (int32_t)((intptr_t)&code[5] - (intptr_t)&fixups[0].to);
    gpr = (struct sgx_gprsgx){.rip = 0x401000, .rsp = 0x518008, .exitinfo = UD};
    scene = (struct exception_scene){
        .gpr = &gpr,
        .thread_ready = true,
        .critical_begin = 0x404000,
        .critical_end = 0x404400,
        .elrange_begin = 0x400000,
        .elrange_end = 0x800000,
        .fixup_begin = fixups,
        .fixup_end = fixups + 1,
        .stack = {LOW, HIGH},
        .frame_size = FRAME_SIZE,
    };
}
TestSuite(judge, .init = setup);

static enum exception_verdict judge(void)
{
    uint64_t at;

    return exception_judge(&scene, &at);
}

Test(judge, a_real_exception_in_ordinary_code_is_delivered_below_the_red_zone)
{
    uint64_t at = 0;

    cr_assert(exception_judge(&scene, &at) == EXCEPTION_DELIVER);
    cr_assert(at % 64 == 0);
    cr_assert(at + FRAME_SIZE <= gpr.rsp - 128);
    cr_assert(at + FRAME_SIZE + 64 > gpr.rsp - 128, "no more than the alignment is wasted");
}

Test(judge, an_exception_that_the_processor_does_not_report_is_forged)
{
    gpr.exitinfo = 0;
    cr_assert(judge() == EXCEPTION_FORGED);
    gpr.exitinfo = UD & ~SGX_EXITINFO_VALID;
    cr_assert(judge() == EXCEPTION_FORGED);
}

Test(judge, every_vector_that_can_be_is_delivered_with_its_own_type_only)
{
    const unsigned hardware[] = {0, 1, 5, 6, 13, 14, 16, 17, 19, 21};

    for (size_t i = 0; i < sizeof hardware / sizeof hardware[0]; i++) {
        gpr.exitinfo = VALID(hardware[i], SGX_EXIT_HARDWARE);
        cr_assert(judge() == EXCEPTION_DELIVER, "vector %u", hardware[i]);
        gpr.exitinfo = VALID(hardware[i], SGX_EXIT_SOFTWARE);
        cr_assert(judge() == EXCEPTION_FORGED, "vector %u", hardware[i]);
    }
    gpr.exitinfo = VALID(SGX_VECTOR_BP, SGX_EXIT_SOFTWARE);
    cr_assert(judge() == EXCEPTION_DELIVER);
    gpr.exitinfo = VALID(SGX_VECTOR_BP, SGX_EXIT_HARDWARE);
    cr_assert(judge() == EXCEPTION_FORGED);
}

Test(judge, vectors_that_cannot_be_are_forged)
{
    const unsigned impossible[] = {2, 4, 7, 8, 9, 10, 11, 12, 15, 18, 20, 22, 29, 32, 0x80, 255};

    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        gpr.exitinfo = VALID(impossible[i], SGX_EXIT_HARDWARE);
        cr_assert(judge() == EXCEPTION_FORGED, "vector %u", impossible[i]);
    }
}

Test(judge, nothing_is_delivered_into_the_door)
{
    gpr.rip = scene.critical_begin;
    cr_assert(judge() == EXCEPTION_BAD);
    gpr.rip = scene.critical_end - 1;
    cr_assert(judge() == EXCEPTION_BAD);
    gpr.rip = scene.critical_end;
    cr_assert(judge() == EXCEPTION_DELIVER);
    gpr.rip = scene.critical_begin - 1;
    cr_assert(judge() == EXCEPTION_DELIVER);
}

Test(judge, nothing_is_delivered_into_a_critical_section)
{
    scene.critical = 1;
    cr_assert(judge() == EXCEPTION_BAD);
}

Test(judge, nothing_is_delivered_to_a_thread_that_was_never_set_up)
{
    scene.thread_ready = false;
    cr_assert(judge() == EXCEPTION_BAD);
}

Test(judge, a_forged_exception_in_the_door_changes_nothing)
{
    gpr.rip = scene.critical_begin;
    gpr.exitinfo = 0;
    cr_assert(judge() == EXCEPTION_FORGED);
}

Test(judge, an_rip_outside_of_the_enclave_is_bad)
{
    gpr.rip = scene.elrange_begin - 1;
    cr_assert(judge() == EXCEPTION_BAD);
    gpr.rip = scene.elrange_end;
    cr_assert(judge() == EXCEPTION_BAD);
}

Test(judge, an_rsp_that_is_not_in_this_threads_stack_is_an_overrun)
{
    gpr.rsp = LOW - 8;
    cr_assert(judge() == EXCEPTION_OVERRUN);
    gpr.rsp = HIGH + 8;
    cr_assert(judge() == EXCEPTION_OVERRUN);
    gpr.rsp = 0;
    cr_assert(judge() == EXCEPTION_OVERRUN);
    gpr.rsp = UINT64_MAX;
    cr_assert(judge() == EXCEPTION_OVERRUN);
    gpr.rsp = HIGH;
    cr_assert(judge() == EXCEPTION_DELIVER);
}

Test(judge, a_stack_without_room_for_frame_and_handler_is_an_overrun)
{
    uint64_t needed = 128 + FRAME_SIZE + 63 + HANDLER_ROOM_BYTES, at;

    gpr.rsp = LOW + needed;
    cr_assert(exception_judge(&scene, &at) == EXCEPTION_DELIVER);
    cr_assert(at >= LOW + HANDLER_ROOM_BYTES);
    gpr.rsp--;
    cr_assert(judge() == EXCEPTION_OVERRUN);
}

Test(judge, a_refused_leaf_goes_on_behind_itself)
{
    uint64_t at = 0;

    gpr.rip = (uintptr_t)&code[2];
    gpr.exitinfo = PF;
    cr_assert(exception_judge(&scene, &at) == EXCEPTION_FIXUP);
    cr_assert(at == (uintptr_t)&code[5]);
    gpr.exitinfo = GP;
    cr_assert(judge() == EXCEPTION_FIXUP);
}

Test(judge, a_refused_leaf_needs_neither_stack_nor_an_uncritical_section)
{
    gpr.rip = (uintptr_t)&code[2];
    gpr.exitinfo = PF;
    scene.critical = 3;
    gpr.rsp = 0;
    cr_assert(judge() == EXCEPTION_FIXUP);
}

Test(judge, only_page_and_protection_faults_are_a_leafs_refusal)
{
    scene.elrange_begin = 0;
    scene.elrange_end = UINT64_MAX;
    gpr.rip = (uintptr_t)&code[2];
    gpr.exitinfo = UD;
    cr_assert(judge() == EXCEPTION_DELIVER);
    gpr.exitinfo = 0;
    cr_assert(judge() == EXCEPTION_FORGED);
    gpr.exitinfo = PF;
    gpr.rip = (uintptr_t)&code[3];
    cr_assert(judge() == EXCEPTION_DELIVER, "beside the instruction");
}

Test(judge, the_saved_state_is_as_large_as_its_highest_component)
{
    cr_assert(exception_xsave_size(SGX_XFRM_LEGACY) == 576);
    cr_assert(exception_xsave_size(SGX_XFRM_LEGACY | SGX_XFRM_AVX) == 832);
    cr_assert(exception_xsave_size(SGX_XFRM_LEGACY | SGX_XFRM_MPX) == 1088);
    cr_assert(exception_xsave_size(SGX_XFRM_LEGACY | SGX_XFRM_AVX | SGX_XFRM_AVX512) == 2688);
    cr_assert(exception_xsave_size(SGX_XFRM_LEGACY | SGX_XFRM_PKRU) == 2696);
    cr_assert(exception_xsave_size(SGX_XFRM_LEGACY | SGX_XFRM_AMX) == 11008);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asm_offsets.c - numbers that the assembly needs, taken from C
 *
 * Compiled to text and read by a sed script (CMakeLists.txt); never linked. Enumerators get a
 * trailing underscore: their own names stay C's.
 */
#include "abi/layout.h"
#include "exception.h"
#include "sgx_error.h"
#include "state.h"
#include "thread.h"

#define EXPORT(name, value) __asm__(".ascii \"-> " #name " %c0\"" : : "i"(value))

#define CONTEXT(name, field) EXPORT(CONTEXT_##name, offsetof(sgx_cpu_context_t, field))

void asm_offsets(void);

void asm_offsets(void)
{
    EXPORT(TD_SELF, offsetof(struct thread_data, self));
    EXPORT(TD_FRAME, offsetof(struct thread_data, frame));
    EXPORT(TD_HOST_RSP, offsetof(struct thread_data, host_rsp));
    EXPORT(TD_HOST_RBP, offsetof(struct thread_data, host_rbp));
    EXPORT(TD_HOST_RIP, offsetof(struct thread_data, host_rip));
    EXPORT(TD_RESUME, offsetof(struct thread_data, resume));

    EXPORT(LAYOUT_XFRM, offsetof(struct ap_layout, attributes.xfrm));
    EXPORT(LAYOUT_TD_FROM_TCS, offsetof(struct ap_layout, slots.td_from_tcs));
    EXPORT(LAYOUT_TCS_FROM_STACK, offsetof(struct ap_layout, slots.tcs_from_stack));
    EXPORT(LAYOUT_STACK_SIZE, offsetof(struct ap_layout, slots.stack_size));
    EXPORT(LAYOUT_TD_PAGES, offsetof(struct ap_layout, slots.td_pages));

    EXPORT(FRAME_PREV, offsetof(struct ocall_frame, prev));
    EXPORT(FRAME_INDEX, offsetof(struct ocall_frame, index));
    EXPORT(FRAME_MXCSR, offsetof(struct ocall_frame, mxcsr));
    EXPORT(FRAME_FCW, offsetof(struct ocall_frame, fcw));
    EXPORT(FRAME_SAVED, offsetof(struct ocall_frame, saved));

    EXPORT(INFO_XSAVE, offsetof(sgx_exception_info_t, xsave_area));
    EXPORT(RESUME_ROOM, RESUME_ROOM_BYTES);
    EXPORT(CONTEXT_WORDS, sizeof(sgx_cpu_context_t) / 8);
    CONTEXT(RAX, rax);
    CONTEXT(RCX, rcx);
    CONTEXT(RDX, rdx);
    CONTEXT(RBX, rbx);
    CONTEXT(RSP, rsp);
    CONTEXT(RBP, rbp);
    CONTEXT(RSI, rsi);
    CONTEXT(RDI, rdi);
    CONTEXT(R8, r8);
    CONTEXT(R9, r9);
    CONTEXT(R10, r10);
    CONTEXT(R11, r11);
    CONTEXT(R12, r12);
    CONTEXT(R13, r13);
    CONTEXT(R14, r14);
    CONTEXT(R15, r15);
    CONTEXT(RFLAGS, rflags);
    CONTEXT(RIP, rip);

    EXPORT(ENTER_ROOM, ENTER_ROOM_BYTES);
    EXPORT(STATE_CRASHED_, STATE_CRASHED);
    EXPORT(SGX_ERROR_UNEXPECTED_, SGX_ERROR_UNEXPECTED);
    EXPORT(SGX_ERROR_STACK_OVERRUN_, SGX_ERROR_STACK_OVERRUN);
    EXPORT(SGX_ERROR_ENCLAVE_CRASHED_, SGX_ERROR_ENCLAVE_CRASHED);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "direct.h"

void direct_ecall(uint64_t tcs, int64_t index, void *ms)
{
    gate.in.rdi = (uint64_t)index;
    gate.in.rsi = (uintptr_t)ms;
    gate.in.rdx = (uintptr_t)talk_area();
    gate.in.r8 = TALK_AREA_SIZE;
    gate_enclu_pass(SGX_EENTER, tcs, gate_enclu);
    cr_assert_eq(gate.how, GATE_EEXIT);
}

void direct_returns(sgx_status_t status)
{
    cr_assert_eq(gate.out.rdi, AP_EXIT_RETURN, "exit %llu", (unsigned long long)gate.out.rdi);
    cr_assert_eq(gate.out.rsi, status, "status %#llx", (unsigned long long)gate.out.rsi);
    cr_assert_eq(gate.out.rdx, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <string.h>

#include "arch/leaf.h"

#define CLEAN_RFLAGS UINT64_C(0x202)
#define GARBAGE      0xd7

void gate_pass(void);
int gate_note(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
              struct sgx_enclave_run *run);

_Thread_local struct gate gate;

/* enter_enclave keeps the XSAVE image of this processor and calls C on it. */
static _Thread_local uint8_t stack[256 << 10] __attribute__((aligned(64)));

static uint64_t xcr0(void)
{
    uint32_t low, high;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

bool gate_has_avx(void)
{
    return (xcr0() & 4) != 0;
}

void gate_reset(void)
{
    memset(&gate, 0, sizeof gate);
    gate.mask = gate_has_avx() ? 7 : 3;
    gate.in.rflags = CLEAN_RFLAGS;
    gate.in.rsp = gate.in.rbp = (uint64_t)(uintptr_t)(stack + sizeof stack - 64);
    gate.in_x.fcw = 0x37f;
    gate.in_x.mxcsr = 0x1f80;
    gate.in_x.xstate_bv = gate.mask;
}

void gate_fill(uint64_t seed)
{
    uint64_t *word = &gate.in.rax;

    for (unsigned i = 0; i < GATE_COUNT - 1; i++)
        word[i] = (seed + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    memset(gate.in_x.st, 0x3f, sizeof gate.in_x.st);
    memset(gate.in_x.xmm, 0xb5, sizeof gate.in_x.xmm);
    memset(gate.in_x.ymm_high, 0xc7, sizeof gate.in_x.ymm_high);
    gate.in_x.ftw = 0xff;
}

static void pass(void)
{
    memset(&gate.out, GARBAGE, sizeof gate.out);
    memset(&gate.out_x, 0, sizeof gate.out_x);
    gate.stack = stack + sizeof stack;
    gate.how = GATE_EEXIT;
    gate_pass();
}

void gate_enclu_pass(uint32_t leaf, uint64_t tcs, const char *aep)
{
    gate.enter = NULL;
    gate.in.rax = leaf;
    gate.in.rbx = tcs;
    gate.in.rcx = (uint64_t)(uintptr_t)aep;
    pass();
}

int gate_enter_pass(os_enter_enclave *enter, uint32_t function, struct sgx_enclave_run *run)
{
    gate.enter = enter;
    gate.run = run;
    gate.in.rcx = function;
    run->user_handler = (uint64_t)(uintptr_t)gate_note;
    pass();
    return (int)(int64_t)gate.result;
}

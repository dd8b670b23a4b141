/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.c - ecalls about calling: data across the boundary, ocalls, TLS, processor state
 */
#include <string.h>

#include "basic.h"

sgx_status_t basic_nop(uint64_t at)
{
    (void)at;
    return SGX_SUCCESS;
}

sgx_status_t basic_add(uint64_t at)
{
    struct basic_add ms;

    BASIC_TAKE(ms, at);
    ms.sum = ms.a + ms.b;
    BASIC_GIVE(at, ms);
}

sgx_status_t basic_echo(uint64_t at)
{
    struct basic_echo ms;
    uint8_t buffer[4096];
    sgx_status_t status = SGX_SUCCESS;

    BASIC_TAKE(ms, at);
    for (uint64_t done = 0; status == SGX_SUCCESS && done < ms.size;) {
        size_t part = ms.size - done < sizeof buffer ? ms.size - done : sizeof buffer;

        status = ap_host_read(buffer, ms.from + done, part);
        if (status == SGX_SUCCESS)
            status = ap_host_write(ms.to + done, buffer, part);
        done += part;
    }
    ms.status = status;
    BASIC_GIVE(at, ms);
}

sgx_status_t basic_recurse(uint64_t at)
{
    struct basic_recurse ms, inner;
    volatile uint8_t local[64];
    uint64_t same = 1;

    BASIC_TAKE(ms, at);
    for (size_t i = 0; i < sizeof local; i++)
        local[i] = (uint8_t)(ms.depth + i);
    ms.reached++;
    ms.status = SGX_SUCCESS;
    if (ms.depth > 0) {
        inner = (struct basic_recurse){.depth = ms.depth - 1, .reached = ms.reached};
        ms.status = ap_ocall(BASIC_OCALL_RECURSE, &inner, sizeof inner);
        ms.reached = inner.reached;
    }
    for (size_t i = 0; i < sizeof local; i++)
        same &= local[i] == (uint8_t)(ms.depth + i);
    ms.canary = same;
    BASIC_GIVE(at, ms);
}

static const char text[] = "a constant";

static _Thread_local uint64_t counter = 1000;
static _Thread_local uint64_t zero;
static _Thread_local struct {
    uint8_t bytes[64];
} aligned __attribute__((aligned(64)));
static _Thread_local const char *volatile pointer = text;

/* An address that the compiler cannot tell the alignment of. */
static uintptr_t address_of(void *object)
{
    uintptr_t address = (uintptr_t)object;

    __asm__ volatile("" : "+r"(address));
    return address;
}

sgx_status_t basic_tls(uint64_t at)
{
    struct basic_tls ms;

    BASIC_TAKE(ms, at);
    counter += ms.add;
    zero += ms.add;
    ms.counter = counter;
    ms.zero = zero;
    ms.aligned = address_of(&aligned) % 64;
    ms.text = strcmp((const char *)pointer, "a constant") == 0;
    BASIC_GIVE(at, ms);
}

/* FXSAVE's image: the vectors as the ecall finds them, before C has a chance to use one. */
struct legacy_state {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[128];
    uint8_t xmm[256];
    uint8_t rest[96];
} __attribute__((aligned(16)));

sgx_status_t basic_flags(uint64_t at)
{
    struct legacy_state state;
    struct basic_flags ms;
    uint64_t rflags;

    __asm__ volatile("fxsave64 %0; pushfq; popq %1" : "=m"(state), "=r"(rflags));
    BASIC_TAKE(ms, at);
    ms = (struct basic_flags){.rflags = rflags, .mxcsr = state.mxcsr, .fcw = state.fcw};
    /* FXSAVE abridges the tag word: one bit a register, set if it is in use. */
    ms.ftw = state.ftw ? 0 : 0xffff;
    for (size_t i = 0; i < sizeof state.xmm; i++)
        ms.xmm |= state.xmm[i] != 0;
    BASIC_GIVE(at, ms);
}

sgx_status_t basic_ocall(uint64_t at)
{
    static _Thread_local uint8_t argument[65536];
    struct basic_ocall ms;

    BASIC_TAKE(ms, at);
    if (ms.size > sizeof argument)
        return SGX_ERROR_INVALID_PARAMETER;
    memset(argument, 0xa5, sizeof argument);
    ms.status = ap_ocall((unsigned)ms.index, ms.inside ? (void *)argument : (void *)at, ms.size);
    ms.changed = 0;
    for (size_t i = 0; i < ms.size; i++)
        ms.changed |= argument[i] != 0xa5;
    BASIC_GIVE(at, ms);
}

extern const char enclave_entry[] __attribute__((visibility("hidden")));

sgx_status_t basic_addresses(uint64_t at)
{
    struct basic_addresses ms;

    BASIC_TAKE(ms, at);
    ms.text = (uintptr_t)basic_nop;
    ms.rodata = (uintptr_t)text;
    ms.relro = (uintptr_t)&ap_ecalls;
    ms.data = (uintptr_t)&counter;
    ms.stack = (uintptr_t)&ms;
    ms.critical = (uintptr_t)enclave_entry;
    BASIC_GIVE(at, ms);
}

static uint32_t read_mxcsr(void)
{
    uint32_t mxcsr;

    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return mxcsr;
}

static uint16_t read_fcw(void)
{
    uint16_t fcw;

    __asm__ volatile("fnstcw %0" : "=m"(fcw));
    return fcw;
}

sgx_status_t basic_control(uint64_t at)
{
    const uint32_t mxcsr = 0x5f80; /* round up */
    const uint16_t fcw = 0x0b7f;   /* the same */
    const uint32_t usual_mxcsr = 0x1f80;
    const uint16_t usual_fcw = 0x37f;
    struct basic_note note = {0};
    struct basic_control ms;

    BASIC_TAKE(ms, at);
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(fcw));
    ms.mxcsr_before = read_mxcsr();
    ms.fcw_before = read_fcw();
    (void)ap_ocall(BASIC_OCALL_NOTE, &note, sizeof note);
    ms.mxcsr_after = read_mxcsr();
    ms.fcw_after = read_fcw();
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(usual_mxcsr), "m"(usual_fcw));
    BASIC_GIVE(at, ms);
}

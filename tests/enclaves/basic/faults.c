/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.c - ecalls that provoke exceptions, and the handlers that take them
 */
#undef NDEBUG /* assertions are what is tested */
#include <assert.h>
#include <setjmp.h>
#include <string.h>

#include "basic.h"
#include "sgx_trts_exception.h"

/* What the handlers of this thread are to do, and what they saw. */
enum plan { PLAN_NONE, PLAN_JUMP, PLAN_SKIP_UD2, PLAN_LEAVE_ENCLAVE, PLAN_LEAVE_STACK };

static _Thread_local struct {
    volatile enum plan plan;
    uint64_t flags; /* BASIC_CATCH_* */
    uint64_t note_status, nested, clean;
    struct basic_exception seen;
    jmp_buf back;
} thread;

#define DF (1u << 10)

static bool is_clean(void)
{
    uint64_t rflags;
    uint32_t mxcsr;

    __asm__ volatile("pushfq; popq %0; stmxcsr %1" : "=r"(rflags), "=m"(mxcsr));
    return !(rflags & DF) && mxcsr == 0x1f80;
}

/* A handler is ordinary code: it may ocall, fault again, or leave by longjmp. */
static int on_jump(sgx_exception_info_t *info)
{
    thread.seen = (struct basic_exception){
        .caught = 1,
        .vector = info->exception_vector,
        .type = info->exception_type,
        .address = info->exinfo.faulting_address,
        .error_code = info->exinfo.error_code,
        .rip = info->cpu_context.rip,
    };
    if (thread.flags & BASIC_CATCH_OCALL) {
        struct basic_note note = {.number = info->exception_vector};

        thread.note_status = ap_ocall(BASIC_OCALL_NOTE, &note, sizeof note);
    }
    if (thread.flags & BASIC_CATCH_NESTED) {
        thread.plan = PLAN_SKIP_UD2;
        __asm__ volatile("ud2");
        thread.plan = PLAN_JUMP;
    }
    longjmp(thread.back, 1);
}

static int handler(sgx_exception_info_t *info)
{
    thread.clean = is_clean();
    switch (thread.plan) {
    case PLAN_JUMP:
        return on_jump(info);
    case PLAN_SKIP_UD2:
        thread.nested++;
        info->cpu_context.rip += 2;
        return EXCEPTION_CONTINUE_EXECUTION;
    case PLAN_LEAVE_ENCLAVE:
        info->cpu_context.rip = 0x1000;
        return EXCEPTION_CONTINUE_EXECUTION;
    case PLAN_LEAVE_STACK:
        info->cpu_context.rsp = (uintptr_t)&thread;
        return EXCEPTION_CONTINUE_EXECUTION;
    case PLAN_NONE:
    default:
        return EXCEPTION_CONTINUE_SEARCH;
    }
}

/* Runs before the first ecall. */
__attribute__((constructor)) static void register_handler(void)
{
    (void)sgx_register_exception_handler(1, handler);
}

static void watch(enum plan plan, uint64_t flags)
{
    memset(&thread.seen, 0, sizeof thread.seen);
    thread.note_status = 0;
    thread.nested = 0;
    thread.flags = flags;
    thread.plan = plan;
}

static void unwatch(void)
{
    thread.plan = PLAN_NONE;
}

/* Calls act with its argument; an exception ends it. */
static struct basic_exception guarded(void (*act)(void *), void *argument, uint64_t flags)
{
    watch(PLAN_JUMP, flags);
    if (setjmp(thread.back) == 0)
        act(argument);
    unwatch();
    return thread.seen;
}

static void peek(void *argument)
{
    struct basic_access *ms = argument;

    ms->value = *(const volatile uint64_t *)ms->address;
}

static void poke(void *argument)
{
    struct basic_access *ms = argument;

    *(volatile uint64_t *)ms->address = ms->value;
}

static void execute(void *argument)
{
    struct basic_access *ms = argument;

    ms->value = ((uint64_t(*)(void))ms->address)();
}

static sgx_status_t access_guarded(uint64_t at, void (*act)(void *))
{
    struct basic_access ms;

    BASIC_TAKE(ms, at);
    ms.exception = guarded(act, &ms, 0);
    BASIC_GIVE(at, ms);
}

sgx_status_t basic_peek(uint64_t at)
{
    return access_guarded(at, peek);
}

sgx_status_t basic_poke(uint64_t at)
{
    return access_guarded(at, poke);
}

sgx_status_t basic_execute(uint64_t at)
{
    return access_guarded(at, execute);
}

/* ------------------------------------------------------------------ provocations */

static void divide(void)
{
    __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx"
                     :
                     :
                     : "rax", "rcx", "rdx", "cc");
}

static void divide_unmasked(void)
{
    const uint32_t unmasked = 0x1f80 & ~(1u << 9), usual = 0x1f80;

    __asm__ volatile("ldmxcsr %0\n\t"
                     "mov $1, %%eax\n\t"
                     "cvtsi2sd %%eax, %%xmm0\n\t"
                     "xorps %%xmm1, %%xmm1\n\t"
                     "divsd %%xmm1, %%xmm0\n\t"
                     "ldmxcsr %1"
                     :
                     : "m"(unmasked), "m"(usual)
                     : "rax", "xmm0", "xmm1");
}

static void read_non_canonical(void)
{
    __asm__ volatile("mov (%0), %%rax" : : "r"(UINT64_C(0x8000000000000000)) : "rax");
}

static __attribute__((noinline)) void smash(void)
{
    volatile char local[16];
    volatile char *at = local;

    for (size_t i = 0; i < 64; i++)
        at[i] = 'x';
}

static void provoke(uint64_t provocation)
{
    switch (provocation) {
    case BASIC_DIVIDE:
        divide();
        break;
    case BASIC_BREAKPOINT:
        __asm__ volatile("int3");
        break;
    case BASIC_UNMASKED:
        divide_unmasked();
        break;
    case BASIC_GENERAL:
        read_non_canonical();
        break;
    case BASIC_ASSERT:
        assert(provocation != BASIC_ASSERT);
        break;
    case BASIC_SMASH:
        smash();
        break;
    case BASIC_UD2:
    case BASIC_BAD_CONTEXT:
    case BASIC_BAD_STACK:
    default:
        __asm__ volatile("ud2");
        break;
    }
}

static void provoke_argument(void *argument)
{
    provoke(*(const uint64_t *)argument);
}

sgx_status_t basic_catch(uint64_t at)
{
    struct basic_catch ms;

    BASIC_TAKE(ms, at);
    ms.exception = guarded(provoke_argument, &ms.provocation, ms.flags);
    ms.note_status = thread.note_status;
    ms.nested = thread.nested;
    BASIC_GIVE(at, ms);
}

sgx_status_t basic_provoke(uint64_t at)
{
    struct basic_provoke ms;

    BASIC_TAKE(ms, at);
    if (ms.provocation == BASIC_BAD_CONTEXT)
        watch(PLAN_LEAVE_ENCLAVE, 0);
    else if (ms.provocation == BASIC_BAD_STACK)
        watch(PLAN_LEAVE_STACK, 0);
    else
        unwatch();
    provoke(ms.provocation);
    return SGX_SUCCESS;
}

static volatile uint64_t bottom = UINT64_MAX;

/* Not a tail call: each level keeps something on the stack. */
static __attribute__((noinline)) uint64_t descend(uint64_t n)
{
    volatile uint64_t keep[16];

    keep[n % 16] = n;
    return n == bottom ? 0 : descend(n + 1) + keep[n % 16];
}

sgx_status_t basic_overflow(uint64_t at)
{
    (void)at;
    return descend(0) ? SGX_SUCCESS : SGX_ERROR_UNEXPECTED;
}

/* ------------------------------------------------------------------ resuming */

/* resume.S: patterns everywhere, UD2, and a look at what came back. */
struct resume_check {
    uint64_t registers, vectors, control, flags, red_zone;
};
void resume_check(struct resume_check *ret_check);

sgx_status_t basic_resume(uint64_t at)
{
    struct resume_check check = {0};
    struct basic_resume ms;

    BASIC_TAKE(ms, at);
    watch(PLAN_SKIP_UD2, 0);
    resume_check(&check);
    unwatch();
    ms = (struct basic_resume){
        .registers_kept = check.registers,
        .vectors_kept = check.vectors,
        .control_kept = check.control,
        .flags_kept = check.flags,
        .red_zone_kept = check.red_zone,
        .clean_handler = thread.clean,
    };
    BASIC_GIVE(at, ms);
}

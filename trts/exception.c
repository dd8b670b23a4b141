/* SPDX-License-Identifier: Apache-2.0 */
/* exception.c - phase one; see exception.h */
#include "exception.h"

#include <string.h>

#include "layout.h"
#include "state.h"

extern const char __start_ap_critical[] __attribute__((visibility("hidden")));
extern const char __stop_ap_critical[] __attribute__((visibility("hidden")));

/* IF reads as one outside of the kernel; DF, AC, TF and the arithmetic flags are clear. */
#define PHASE_TWO_RFLAGS 0x202

#define INITIAL_FCW   0x37f
#define INITIAL_MXCSR 0x1f80

/* SSA[0], which the processor filled. This thread is at CSSA 1, so nobody else writes there. */
struct ssa {
    uint8_t *xsave;
    struct sgx_gprsgx *gpr;
};

static struct ssa first_ssa(uintptr_t tcs)
{
    const struct ap_slots *s = &ap_layout.slots;
    uintptr_t frame = tcs + s->ssa_from_tcs;
    uintptr_t end = frame + (uint64_t)s->ssa_frame_size * SGX_PAGE_SIZE;

    return (struct ssa){.xsave = (uint8_t *)frame,
                        .gpr = (struct sgx_gprsgx *)(end - sizeof(struct sgx_gprsgx))};
}

static struct exception_scene look(const struct ssa *ssa, const struct thread_data *td)
{
    uint64_t base = enclave_base();

    return (struct exception_scene){
        .gpr = ssa->gpr,
        .thread_ready = td->self == td,
        .critical = td->critical,
        .critical_begin = (uintptr_t)__start_ap_critical,
        .critical_end = (uintptr_t)__stop_ap_critical,
        .elrange_begin = base,
        .elrange_end = base + ap_layout.elrange_size,
        .fixup_begin = __start_ap_fixups,
        .fixup_end = __stop_ap_fixups,
        .stack = thread_stack(td),
        .frame_size =
            sizeof(sgx_exception_info_t) + exception_xsave_size(ap_layout.attributes.xfrm),
    };
}

static sgx_cpu_context_t context_of(const struct sgx_gprsgx *g)
{
    return (sgx_cpu_context_t){
        .rax = g->rax,
        .rcx = g->rcx,
        .rdx = g->rdx,
        .rbx = g->rbx,
        .rsp = g->rsp,
        .rbp = g->rbp,
        .rsi = g->rsi,
        .rdi = g->rdi,
        .r8 = g->r8,
        .r9 = g->r9,
        .r10 = g->r10,
        .r11 = g->r11,
        .r12 = g->r12,
        .r13 = g->r13,
        .r14 = g->r14,
        .r15 = g->r15,
        .rflags = g->rflags,
        .rip = g->rip,
    };
}

/* EXINFO lies directly below GPRSGX; the processor wrote it for these two vectors only. */
static sgx_misc_exinfo_t exinfo_of(const struct sgx_gprsgx *g)
{
    const struct sgx_exinfo *e = (const struct sgx_exinfo *)(const void *)g - 1;
    unsigned vector = SGX_EXITINFO_VECTOR(g->exitinfo);

    if (vector != SGX_VECTOR_PF && vector != SGX_VECTOR_GP)
        return (sgx_misc_exinfo_t){0};
    return (sgx_misc_exinfo_t){.faulting_address = e->maddr, .error_code = e->errcd};
}

static void fill_frame(sgx_exception_info_t *info, const struct ssa *ssa)
{
    const struct sgx_gprsgx *g = ssa->gpr;
    uint64_t xsave_size = exception_xsave_size(ap_layout.attributes.xfrm);

    *info = (sgx_exception_info_t){
        .cpu_context = context_of(g),
        .exception_vector = (sgx_exception_vector_t)SGX_EXITINFO_VECTOR(g->exitinfo),
        .exception_type = (sgx_exception_type_t)SGX_EXITINFO_TYPE(g->exitinfo),
        .exinfo = exinfo_of(g),
        .exception_valid = 1,
        .xsave_size = xsave_size,
    };
    memcpy(info->xsave_area, ssa->xsave, xsave_size);
}

/* ERESUME then starts C as the ABI has it: initial extended state, stack aligned, flags clear. */
static void resume_in_phase_two(const struct ssa *ssa, sgx_exception_info_t *info)
{
    const uint16_t fcw = INITIAL_FCW;
    const uint32_t mxcsr = INITIAL_MXCSR;

    memset(ssa->xsave, 0, SGX_XSAVE_MIN_SIZE);
    memcpy(ssa->xsave, &fcw, sizeof fcw);
    memcpy(ssa->xsave + 24, &mxcsr, sizeof mxcsr);
    ssa->gpr->rip = (uintptr_t)exception_phase_two;
    ssa->gpr->rsp = (uintptr_t)info;
    ssa->gpr->rdi = (uintptr_t)info;
    ssa->gpr->rflags = PHASE_TWO_RFLAGS;
}

/* What the processor said is used up; a second entry finds nothing to deliver. */
static void consume(const struct ssa *ssa)
{
    ssa->gpr->exitinfo = 0;
}

static sgx_status_t give_up(const struct ssa *ssa, sgx_status_t status)
{
    consume(ssa);
    state_crash();
    return status;
}

sgx_status_t exception_phase_one(uintptr_t tcs, struct thread_data *td)
{
    struct ssa ssa = first_ssa(tcs);
    struct exception_scene scene;
    uint64_t at;

    if (state_now() == STATE_CRASHED)
        return SGX_ERROR_ENCLAVE_CRASHED;
    scene = look(&ssa, td);
    switch (exception_judge(&scene, &at)) {
    case EXCEPTION_FIXUP:
        ssa.gpr->rax = LEAF_FAULT;
        ssa.gpr->rip = at;
        break;
    case EXCEPTION_DELIVER:
        fill_frame((sgx_exception_info_t *)at, &ssa);
        resume_in_phase_two(&ssa, (sgx_exception_info_t *)at);
        break;
    case EXCEPTION_OVERRUN:
        return give_up(&ssa, SGX_ERROR_STACK_OVERRUN);
    case EXCEPTION_BAD:
        return give_up(&ssa, SGX_ERROR_ENCLAVE_CRASHED);
    case EXCEPTION_FORGED:
    default:
        return SGX_ERROR_UNEXPECTED;
    }
    consume(&ssa);
    return SGX_SUCCESS;
}

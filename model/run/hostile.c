/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile kernel does to threads on their way in and out.
 *
 * It has the last word on every register that a host passes in, and a kernel that lies to the
 * enclave need not tell the program: what rules change on the way in is the program's again on the
 * way out.
 */
#include <string.h>
#include <time.h>

#include "run/run.h"
#include "trace.h"

#define WHAT(x) (UINT64_C(1) << (x))

#define XSAVE_FCW   0 /* offsets in an XSAVE image */
#define XSAVE_MXCSR 24
#define XSAVE_BV    512
#define FCW_INITIAL 0x37f

#define RFLAGS_STATUS UINT64_C(0x8d5) /* CF PF AF ZF SF OF: nobody relies on them at a call */

static struct rule *next(struct thread *t, struct rule *previous, enum rule_operation operation,
                         uint64_t whats, uint64_t tcs)
{
    return hostile_next(t->enclave, previous, operation, whats, tcs - t->enclave->file->base,
                        SGX_PAGE_SIZE);
}

/* ------------------------------------------------------------------ registers */

static uint64_t *general(struct cpu_regs *r, uint64_t which)
{
    uint64_t *const all[] = {
        [RULE_RDX] = &r->rdx, [RULE_RSP] = &r->rsp, [RULE_RBP] = &r->rbp, [RULE_RSI] = &r->rsi,
        [RULE_RDI] = &r->rdi, [RULE_R8] = &r->r8,   [RULE_R9] = &r->r9,   [RULE_R10] = &r->r10,
        [RULE_R11] = &r->r11, [RULE_R12] = &r->r12, [RULE_R13] = &r->r13, [RULE_R14] = &r->r14,
        [RULE_R15] = &r->r15,
    };

    return all[which];
}

/* The x87 part of an image that does not say so is whatever was in memory. */
static void set_fcw(uint8_t *image, uint16_t fcw)
{
    if (!(image[XSAVE_BV] & 1)) {
        memset(image + XSAVE_FCW, 0, XSAVE_MXCSR);
        memset(image + 32, 0, 128);
        image[XSAVE_BV] |= 1;
    }
    memcpy(image + XSAVE_FCW, &fcw, sizeof fcw);
}

static void set(struct thread *t, uint64_t which, uint64_t value)
{
    struct cpu_regs *r = &t->cpu.r;
    const uint32_t mxcsr = (uint32_t)value;

    if (which == RULE_RFLAGS)
        r->rflags = (r->rflags & ~RULE_RFLAGS_FREE) | value;
    else if (which == RULE_MXCSR)
        memcpy(t->cpu.xsave + XSAVE_MXCSR, &mxcsr, sizeof mxcsr);
    else if (which == RULE_FCW)
        set_fcw(t->cpu.xsave, (uint16_t)value);
    else
        *general(r, which) = value;
}

/* The same for the same seed, so that an enclave that is entered again is told the same. */
static void randomise(struct thread *t, uint64_t seed)
{
    for (uint64_t which = RULE_RDX; which <= RULE_RFLAGS; which++) {
        uint64_t value = seed * UINT64_C(0x9e3779b97f4a7c15) + which;

        value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        value ^= value >> 27;
        set(t, which, which == RULE_RFLAGS ? value & RULE_RFLAGS_FREE : value);
    }
}

static struct kept kept_now(const struct thread *t)
{
    struct kept kept = {.rsp = t->cpu.r.rsp, .rbp = t->cpu.r.rbp, .rflags = t->cpu.r.rflags};

    memcpy(&kept.mxcsr, t->cpu.xsave + XSAVE_MXCSR, sizeof kept.mxcsr);
    memcpy(&kept.fcw, t->cpu.xsave + XSAVE_FCW, sizeof kept.fcw);
    if (!(t->cpu.xsave[XSAVE_BV] & 1))
        kept.fcw = FCW_INITIAL;
    return kept;
}

/* A call from outside any context of the enclave: what it was told before is forgotten. */
void hostile_note_registers(struct thread *t)
{
    const struct epc *epc = &t->enclave->epc;
    struct disguise *d = &t->disguise;

    if ((uint32_t)t->cpu.r.rax == SGX_EENTER && t->cpu.r.rbx == d->tcs && t->cpu.tcs == d->tcs &&
        t->cpu.tcs_frame < epc->frame_count &&
        ((const struct sgx_tcs *)epc_frame(epc, t->cpu.tcs_frame))->cssa == 0)
        d->on = false;
    else
        d->real = kept_now(t);
}

static void disguise(struct thread *t, const struct rule *rule)
{
    struct disguise *d = &t->disguise;

    if (!d->on) {
        d->on = true;
        d->real = kept_now(t);
    }
    d->tcs = t->cpu.r.rbx;
    if (rule->what == RULE_RANDOM)
        randomise(t, rule->a);
    else
        set(t, rule->a, rule->b);
    d->told = kept_now(t);
}

/* The disguise stays on: a context that waits to be resumed may know it by heart. */
void hostile_undisguise(struct thread *t)
{
    const uint64_t control = RULE_RFLAGS_FREE & ~RFLAGS_STATUS;
    const struct disguise *d = &t->disguise;
    const struct kept now = kept_now(t);
    struct cpu_regs *r = &t->cpu.r;

    if (now.rsp == d->told.rsp)
        r->rsp = d->real.rsp;
    if (now.rbp == d->told.rbp)
        r->rbp = d->real.rbp;
    r->rflags = (r->rflags & ~control) | (d->real.rflags & control);
    if (now.fcw == d->told.fcw && now.fcw != d->real.fcw)
        set(t, RULE_FCW, d->real.fcw);
    if (now.mxcsr == d->told.mxcsr)
        set(t, RULE_MXCSR, d->real.mxcsr);
}

/* ------------------------------------------------------------------ in */

static bool at_vdso(const struct thread *t)
{
    return t->cpu.r.rip == (uint64_t)(uintptr_t)sgx2_enclu_insn;
}

bool hostile_entry(struct thread *t, enum rule_operation operation)
{
    const uint64_t whats = WHAT(RULE_REGISTER) | WHAT(RULE_RANDOM) | WHAT(RULE_RETURN);
    const uint64_t tcs = t->cpu.r.rbx;
    struct event event = {.reported = true};
    struct rule *rule = NULL;
    bool told = false;

    hostile_before(t->enclave, operation, tcs - t->enclave->file->base, SGX_PAGE_SIZE);
    while ((rule = next(t, rule, operation, whats, tcs))) {
        if (rule->what != RULE_RETURN) {
            disguise(t, rule);
        } else if (!told && at_vdso(t)) {
            event.vector = (uint8_t)rule->a;
            told = true;
        }
    }
    if (!told)
        return false;
    if (t->disguise.on)
        hostile_undisguise(t);
    return run_tell(t, &event);
}

/* ------------------------------------------------------------------ out */

void hostile_left(struct thread *t, enum rule_operation operation)
{
    if (t->disguise.on)
        hostile_undisguise(t);
    if (hostile(t->enclave, RULE_BIT(operation)))
        hostile_before(t->enclave, operation, t->cpu.tcs - t->enclave->file->base, SGX_PAGE_SIZE);
}

static void issue(struct thread *t, uint32_t leaf, uint64_t aep)
{
    t->cpu.r.rax = leaf;
    t->cpu.r.rbx = t->cpu.tcs;
    t->cpu.r.rcx = aep;
    t->cpu.r.rip = aep;
}

bool hostile_resumes(struct thread *t)
{
    struct reentry *reentry = &t->reentry;

    if (reentry->tcs != t->cpu.tcs || t->cpu.r.rip != reentry->aep + ENCLU_LENGTH)
        return false;
    reentry->depth--;
    TRACE("hostile", "resumes what it interrupted, tcs +%#llx",
          (unsigned long long)(t->cpu.tcs - t->enclave->file->base));
    issue(t, SGX_ERESUME, reentry->aep);
    return true;
}

static bool has_frame(const struct thread *t)
{
    const struct sgx_tcs *tcs = epc_frame(&t->enclave->epc, t->cpu.tcs_frame);

    return tcs->cssa < tcs->nssa;
}

/* At an ENCLU, where an exit from the new entry is recognised by the address after it. */
static void reenter(struct thread *t, uint64_t index)
{
    const uint64_t aep = t->cpu.r.rip;

    if (!has_frame(t) || memcmp((const void *)(uintptr_t)aep, "\x0f\x01\xd7", ENCLU_LENGTH) != 0)
        return;
    if (t->reentry.tcs != t->cpu.tcs)
        t->reentry.depth = 0;
    t->reentry.depth++;
    t->reentry.tcs = t->cpu.tcs;
    t->reentry.aep = aep;
    issue(t, SGX_EENTER, aep);
    t->cpu.r.rdi = index;
}

/* Until somebody sets other rules. The enclave may end meanwhile: then for ever. */
static void never(struct thread *t)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    struct enclave *e = t->enclave;
    const uint64_t version = e->file->rules.version;
    bool stands = true;

    while (stands && e->file->rules.version == version) {
        enclave_unlock(e);
        do {
            nanosleep(&nap, NULL);
            stands = stands && enclave_by_tcs(t->cpu.tcs) == e;
        } while (!stands);
        enclave_lock(e);
    }
}

bool hostile_stays_out(struct thread *t)
{
    const uint64_t whats = WHAT(RULE_REENTER) | WHAT(RULE_RETURN) | WHAT(RULE_NEVER);
    const struct rule *first = NULL;
    struct event event = {.reported = true};
    struct rule *rule = NULL;

    while ((rule = next(t, rule, RULE_AEX, whats, t->cpu.tcs)))
        first = first ? first : rule;
    if (!first)
        return false;
    switch ((enum rule_what)first->what) {
    case RULE_RETURN:
        event.vector = (uint8_t)first->a;
        return at_vdso(t) && run_tell(t, &event);
    case RULE_REENTER:
        reenter(t, first->a);
        return false;
    default:
        never(t);
        return false;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void *pages(size_t count)
{
    void *memory = aligned_alloc(PAGE, count * PAGE);

    cr_assert_not_null(memory);
    memset(memory, 0, count * PAGE);
    return memory;
}

/* ------------------------------------------------------------------ the machine */

/* A page table that knows ELRANGE only; the rest of the address space is ordinary memory. */
static bool translate(struct cpu *cpu, uint64_t linear, enum access access, uint64_t *ret_frame,
                      uint32_t *ret_pfec)
{
    const struct machine *m = cpu->translate_arg;
    uint64_t page = (linear - BASE) / PAGE;
    uint32_t pfec = SGX_PFEC_U | (access == ACCESS_WRITE ? SGX_PFEC_W : 0);
    const struct pte *pte = page < ENCLAVE_PAGES ? &m->pte[page] : NULL;

    if (!pte) {
        *ret_frame = FRAME_NONE;
        return true;
    }
    if (!pte->present || (access == ACCESS_WRITE && !pte->writable)) {
        *ret_pfec = pfec | (pte->present ? SGX_PFEC_P : 0);
        return false;
    }
    *ret_frame = pte->frame;
    return true;
}

static void set_component(struct cpu_features *f, unsigned number, uint32_t offset, uint32_t size)
{
    f->xfrm |= UINT64_C(1) << number;
    f->xsave_offset[number] = offset;
    f->xsave_size[number] = size;
}

static void boot_features(struct cpu_features *f)
{
    f->attributes = SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY |
                    SGX_ATTR_EINITTOKENKEY | SGX_ATTR_KSS | SGX_ATTR_AEXNOTIFY;
    f->miscselect = SGX_MISC_EXINFO;
    f->max_size_bits = 36;
    f->xfrm = SGX_XFRM_LEGACY;
    set_component(f, 2, 576, 256);    /* AVX */
    set_component(f, 3, 960, 64);     /* MPX */
    set_component(f, 4, 1024, 64);    /* MPX */
    set_component(f, 5, 1088, 64);    /* AVX-512 */
    set_component(f, 6, 1152, 512);   /* AVX-512 */
    set_component(f, 7, 1664, 1024);  /* AVX-512 */
    set_component(f, 9, 2688, 8);     /* PKRU */
    set_component(f, 17, 2752, 64);   /* AMX */
    set_component(f, 18, 2816, 8192); /* AMX */
}

static void boot_platform(struct platform *p)
{
    memset(p->secret, 0x51, sizeof p->secret);
    memset(p->owner_epoch, 0x52, sizeof p->owner_epoch);
    memset(p->report_key_id, 0x53, sizeof p->report_key_id);
    memset(p->cpu_svn, 0x07, sizeof p->cpu_svn);
}

void machine_boot(struct machine *m)
{
    *m = (struct machine){0};
    boot_features(&m->features);
    boot_platform(&m->platform);
    m->epc = (struct epc){
        .epcm = calloc(FRAMES, sizeof *m->epc.epcm),
        .frames = pages(FRAMES),
        .frame_count = FRAMES,
        .state = &m->state,
        .platform = &m->platform,
        .features = &m->features,
    };
    /* What a frame held before it was anyone's must not matter. */
    memset(m->epc.frames, 0xa5, (size_t)FRAMES * PAGE);
    m->cpu.epc = &m->epc;
    m->cpu.translate = translate;
    m->cpu.translate_arg = m;
    m->cpu.xsave = pages(XSAVE_SIZE / PAGE);
    m->cpu.xsave_size = XSAVE_SIZE;
    m->pageinfo = pages(1);
    m->secinfo = pages(1);
    m->source = pages(1);
    m->sig = pages(1);
    m->token = pages(1);
    m->secs = (struct sgx_secs){
        .size = ENCLAVE_SIZE,
        .base = BASE,
        .ssa_frame_size = 1,
        .miscselect = SGX_MISC_EXINFO,
        .attributes = {SGX_ATTR_MODE64BIT, SGX_XFRM_LEGACY | SGX_XFRM_AVX},
    };
}

void machine_halt(struct machine *m)
{
    free(m->epc.epcm);
    free(m->epc.frames);
    free(m->cpu.xsave);
    free(m->pageinfo);
    free(m->secinfo);
    free(m->source);
    free(m->sig);
    free(m->token);
}

void machine_create(struct machine *m)
{
    prepare_ecreate(m);
    cr_assert(is_ok(cpu_ecreate(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx)));
}

static void add_tcs(struct machine *m, unsigned page, unsigned ssa)
{
    *(struct sgx_tcs *)m->source = (struct sgx_tcs){
        .flags = m->secs.attributes.flags & SGX_ATTR_AEXNOTIFY ? SGX_TCS_AEXNOTIFY : 0,
        .ossa = (uint64_t)ssa * PAGE,
        .nssa = 2 / m->secs.ssa_frame_size,
        .oentry = ENTRY,
        .ofsbase = DATA_PAGE * PAGE,
        .ogsbase = DATA2_PAGE * PAGE,
        .fslimit = 0xffffffff,
        .gslimit = 0xffffffff,
    };
    add_page(m, page, SGX_SECINFO_TCS, true);
}

static void add_filled(struct machine *m, unsigned page, uint64_t rwx, int fill)
{
    memset(m->source, fill, PAGE);
    add_page(m, page, SGX_SECINFO_REG | rwx, true);
}

void machine_build(struct machine *m)
{
    uint64_t rw = SGX_SECINFO_R | SGX_SECINFO_W;

    machine_create(m);
    add_tcs(m, TCS_PAGE, SSA_PAGE);
    add_filled(m, SSA_PAGE, rw, 0);
    add_filled(m, SSA_PAGE + 1, rw, 0);
    add_filled(m, DATA_PAGE, rw, 0);
    add_filled(m, DATA2_PAGE, rw, 0x44);
    add_filled(m, CODE_PAGE, SGX_SECINFO_R | SGX_SECINFO_X, 0xcc);
    add_filled(m, CONST_PAGE, SGX_SECINFO_R, 0x66);
    add_tcs(m, TCS2_PAGE, SSA2_PAGE);
    add_filled(m, SSA2_PAGE, rw, 0);
    add_filled(m, SSA2_PAGE + 1, rw, 0);
}

void machine_start(struct machine *m)
{
    machine_build(m);
    prepare_sigstruct(m);
    sign(m->sig);
    cr_assert(is_ok(einit(m)));
}

void machine_enter(struct machine *m)
{
    machine_start(m);
    cr_assert(is_ok(eenter(m, TCS_PAGE)));
}

/* ------------------------------------------------------------------ the kernel's steps */

void prepare_ecreate(struct machine *m)
{
    memcpy(m->source, &m->secs, sizeof m->secs);
    *m->secinfo = (struct sgx_secinfo){.flags = SGX_SECINFO_PT(SGX_PT_SECS)};
    *m->pageinfo = (struct sgx_pageinfo){
        .srcpge = (uintptr_t)m->source,
        .secinfo = (uintptr_t)m->secinfo,
    };
    m->cpu.r.rbx = (uintptr_t)m->pageinfo;
    m->cpu.r.rcx = epc_address(&m->epc, SECS_FRAME);
}

void prepare_eadd(struct machine *m, unsigned page, uint64_t flags)
{
    *m->secinfo = (struct sgx_secinfo){.flags = flags};
    *m->pageinfo = (struct sgx_pageinfo){
        .linaddr = linear_of(page),
        .srcpge = (uintptr_t)m->source,
        .secinfo = (uintptr_t)m->secinfo,
        .secs = epc_address(&m->epc, SECS_FRAME),
    };
    m->cpu.r.rbx = (uintptr_t)m->pageinfo;
    m->cpu.r.rcx = epc_of(m, page);
}

static void map_page(struct machine *m, unsigned page)
{
    m->pte[page] = (struct pte){.present = true, .writable = true, .frame = frame_of(page)};
}

void add_page(struct machine *m, unsigned page, uint64_t flags, bool measured)
{
    prepare_eadd(m, page, flags);
    cr_assert(is_ok(cpu_eadd(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx)));
    if (measured)
        cr_assert(is_ok(cpu_eextend_page(&m->epc, m->pageinfo->secs, m->cpu.r.rcx)));
    map_page(m, page);
}

void augment_page(struct machine *m, unsigned page)
{
    *m->pageinfo = (struct sgx_pageinfo){
        .linaddr = linear_of(page),
        .secs = epc_address(&m->epc, SECS_FRAME),
    };
    cr_assert(is_ok(cpu_eaug(&m->epc, (uintptr_t)m->pageinfo, epc_of(m, page))));
    map_page(m, page);
}

void restrict_page(struct machine *m, unsigned page, uint64_t flags)
{
    *m->secinfo = (struct sgx_secinfo){.flags = flags};
    cr_assert(is_ok(cpu_emodpr(&m->epc, (uintptr_t)m->secinfo, epc_of(m, page))));
}

void retype_page(struct machine *m, unsigned page, enum sgx_page_type type)
{
    *m->secinfo = (struct sgx_secinfo){.flags = SGX_SECINFO_PT(type)};
    cr_assert(is_ok(cpu_emodt(&m->epc, (uintptr_t)m->secinfo, epc_of(m, page))));
}

void etrack(struct machine *m)
{
    cr_assert(is_ok(cpu_etrack(&m->epc, epc_address(&m->epc, SECS_FRAME))));
}

/* ------------------------------------------------------------------ the processor's steps */

void host_registers(struct machine *m, unsigned tcs_page)
{
    m->cpu.r = (struct cpu_regs){
        .rax = 0x100,
        .rcx = AEP,
        .rdx = 0x102,
        .rbx = linear_of(tcs_page),
        .rsp = HOST_RSP,
        .rbp = HOST_RBP,
        .rsi = 0x106,
        .rdi = 0x107,
        .r8 = 0x108,
        .r15 = 0x115,
        .rflags = 0x202,
        .rip = HOST_RIP,
        .fsbase = HOST_FS,
        .gsbase = HOST_GS,
    };
}

struct outcome enclu(struct machine *m, uint64_t leaf)
{
    m->cpu.r.rax = leaf;
    return cpu_enclu(&m->cpu);
}

struct outcome eenter(struct machine *m, unsigned tcs_page)
{
    host_registers(m, tcs_page);
    return enclu(m, SGX_EENTER);
}

struct outcome eresume(struct machine *m, unsigned tcs_page)
{
    host_registers(m, tcs_page);
    return enclu(m, SGX_ERESUME);
}

struct outcome eexit(struct machine *m)
{
    m->cpu.r.rbx = HOST_RIP + ENCLU_LENGTH;
    return enclu(m, SGX_EEXIT);
}

void interrupt(struct machine *m)
{
    cpu_aex(&m->cpu, &(struct event){.vector = 0x20});
}

void put_secinfo(struct machine *m, uint64_t flags)
{
    *(struct sgx_secinfo *)content_of(m, DATA_PAGE) = (struct sgx_secinfo){.flags = flags};
    m->cpu.r.rbx = linear_of(DATA_PAGE);
}

struct outcome eaccept(struct machine *m, unsigned page, uint64_t flags)
{
    put_secinfo(m, flags);
    m->cpu.r.rcx = linear_of(page);
    return enclu(m, SGX_EACCEPT);
}

struct sgx_gprsgx *gpr_of(struct machine *m, unsigned page)
{
    return (void *)((uint8_t *)content_of(m, page) + PAGE - sizeof(struct sgx_gprsgx));
}

struct sgx_exinfo *exinfo_of(struct machine *m, unsigned page)
{
    return (void *)((uint8_t *)gpr_of(m, page) - sizeof(struct sgx_exinfo));
}

/* ------------------------------------------------------------------ snapshots */

struct snapshot {
    struct machine machine;
    struct epcm epcm[FRAMES];
    uint8_t frames[FRAMES * PAGE];
    uint8_t xsave[XSAVE_SIZE];
    uint8_t operand[5][PAGE];
};

struct snapshot *snapshot_take(const struct machine *m)
{
    struct snapshot *s = malloc(sizeof *s);
    const void *const operand[] = {m->pageinfo, m->secinfo, m->source, m->sig, m->token};

    cr_assert_not_null(s);
    s->machine = *m;
    memcpy(s->epcm, m->epc.epcm, sizeof s->epcm);
    memcpy(s->frames, m->epc.frames, sizeof s->frames);
    memcpy(s->xsave, s->machine.cpu.xsave ? s->machine.cpu.xsave : s->frames, sizeof s->xsave);
    for (int i = 0; i < 5; i++)
        memcpy(s->operand[i], operand[i], PAGE);
    return s;
}

void snapshot_restore(const struct snapshot *s, struct machine *m)
{
    void *const operand[] = {m->pageinfo, m->secinfo, m->source, m->sig, m->token};

    *m = s->machine;
    memcpy(m->epc.epcm, s->epcm, sizeof s->epcm);
    memcpy(m->epc.frames, s->frames, sizeof s->frames);
    if (m->cpu.xsave)
        memcpy(m->cpu.xsave, s->xsave, sizeof s->xsave);
    for (int i = 0; i < 5; i++)
        memcpy(operand[i], s->operand[i], PAGE);
}

void snapshot_free(struct snapshot *s)
{
    free(s);
}

static bool same_epc(const struct snapshot *s, const struct machine *m)
{
    return memcmp(s->epcm, m->epc.epcm, sizeof s->epcm) == 0 &&
           memcmp(s->frames, m->epc.frames, sizeof s->frames) == 0 &&
           memcmp(&s->machine.state, &m->state, sizeof m->state) == 0 &&
           memcmp(&s->machine.platform, &m->platform, sizeof m->platform) == 0;
}

static bool same_cpu(const struct snapshot *s, const struct machine *m)
{
    struct cpu now = m->cpu;

    now.r = s->machine.cpu.r;
    return memcmp(&now, &s->machine.cpu, sizeof now) == 0 &&
           (!now.xsave || memcmp(s->xsave, now.xsave, sizeof s->xsave) == 0);
}

bool snapshot_same_but_registers(const struct snapshot *s, const struct machine *m)
{
    return same_epc(s, m) && same_cpu(s, m) && m->cpu.r.fsbase == s->machine.cpu.r.fsbase &&
           m->cpu.r.gsbase == s->machine.cpu.r.gsbase;
}

bool snapshot_same(const struct snapshot *s, const struct machine *m)
{
    return snapshot_same_but_registers(s, m) &&
           memcmp(&s->machine.cpu.r, &m->cpu.r, sizeof m->cpu.r) == 0;
}

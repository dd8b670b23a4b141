/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/measure.h"

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
    f->edeccssa = true;
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
    m->pcmd = pages(1);
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
    free(m->pcmd);
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

/* ------------------------------------------------------------------ SIGSTRUCT */

void prepare_sigstruct(struct machine *m)
{
    *m->sig = (struct sgx_sigstruct){
        .header = SGX_SIG_HEADER,
        .date = 0x20240229,
        .header2 = SGX_SIG_HEADER2,
        .miscselect = m->secs.miscselect,
        .miscmask = 0xffffffff,
        .attributes = m->secs.attributes,
        .attribute_mask = {~SGX_ATTR_DEBUG, ~UINT64_C(0)},
        .isv_prod_id = 0x1234,
        .isv_svn = 5,
    };
    cpu_measure_digest(&m->state, m->sig->enclave_hash);
}

struct outcome einit(struct machine *m)
{
    /* As Linux does: no token, and the launch key is whoever signed. */
    EVP_Digest(m->sig->modulus, SGX_KEY_SIZE, m->platform.le_pubkey_hash, NULL, EVP_sha256(), NULL);
    return cpu_einit(&m->epc, (uintptr_t)m->sig, epc_address(&m->epc, SECS_FRAME),
                     (uintptr_t)m->token);
}

/* ------------------------------------------------------------------ paging */

void add_version_array(struct machine *m, unsigned frame)
{
    cr_assert(is_ok(cpu_epa(&m->epc, SGX_PT_VA, epc_address(&m->epc, frame))));
}

uint64_t *slot_of(struct machine *m, unsigned va_frame, unsigned slot)
{
    return (uint64_t *)epc_frame(&m->epc, va_frame) + slot;
}

struct evicted evict_frame(struct machine *m, uint64_t frame, uint64_t *slot)
{
    struct evicted page;

    *m->pageinfo = (struct sgx_pageinfo){
        .srcpge = (uintptr_t)m->source,
        .secinfo = (uintptr_t)m->pcmd,
    };
    cr_assert(is_ok(
        cpu_ewb(&m->epc, (uintptr_t)m->pageinfo, epc_address(&m->epc, frame), (uintptr_t)slot)));
    memcpy(page.content, m->source, PAGE);
    page.pcmd = *m->pcmd;
    page.linaddr = m->pageinfo->linaddr;
    return page;
}

struct evicted evict_page(struct machine *m, unsigned page, uint64_t *slot)
{
    cr_assert(is_ok(cpu_eblock(&m->epc, epc_of(m, page))));
    etrack(m);
    return evict_frame(m, frame_of(page), slot);
}

void prepare_reload(struct machine *m, const struct evicted *page, uint64_t frame, uint64_t *slot)
{
    bool owned = page->pcmd.secinfo.flags & SGX_SECINFO_PT_MASK &&
                 page->pcmd.secinfo.flags >> SGX_SECINFO_PT_SHIFT != SGX_PT_VA;

    memcpy(m->source, page->content, PAGE);
    *m->pcmd = page->pcmd;
    *m->pageinfo = (struct sgx_pageinfo){
        .linaddr = page->linaddr,
        .srcpge = (uintptr_t)m->source,
        .secinfo = (uintptr_t)m->pcmd,
        .secs = owned ? epc_address(&m->epc, SECS_FRAME) : 0,
    };
    m->cpu.r.rbx = (uintptr_t)m->pageinfo;
    m->cpu.r.rcx = epc_address(&m->epc, frame);
    m->cpu.r.rdx = (uintptr_t)slot;
}

struct outcome reload(struct machine *m, const struct evicted *page, uint64_t frame, uint64_t *slot)
{
    prepare_reload(m, page, frame, slot);
    return cpu_eldu(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx, m->cpu.r.rdx);
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

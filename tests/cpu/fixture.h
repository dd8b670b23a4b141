/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fixture.h - a machine in a test's memory: an EPC, a page table, one logical processor, a signer
 *
 * A test takes the machine as far as it needs - booted, created, built, started, entered - and
 * changes on the way whatever it is about. Registers are the processor's, for ENCLS too.
 */
#ifndef TESTS_CPU_FIXTURE_H
#define TESTS_CPU_FIXTURE_H

#include "author.h"
#include "cpu/cpu.h"
#include "cpu/token.h"

#define PAGE          4096u
#define FRAMES        96u
#define ENCLAVE_PAGES 64u
#define ENCLAVE_SIZE  ((uint64_t)ENCLAVE_PAGES * PAGE)
#define BASE          UINT64_C(0x100000000000) /* low: adding a few TiB leaves it canonical */
#define SECS_FRAME    7u
#define VA_FRAME      8u
#define VA2_FRAME     9u
#define SPARE_FRAME   10u
#define XSAVE_SIZE    12288u

/* The standard enclave, in pages from BASE. Pages from FREE on are in nobody's use. */
enum {
    TCS_PAGE = 0,
    SSA_PAGE = 1, /* and 2 */
    DATA_PAGE = 3,
    DATA2_PAGE = 4,
    CODE_PAGE = 5,
    CONST_PAGE = 6,
    TCS2_PAGE = 7,
    SSA2_PAGE = 8, /* and 9 */
    FREE_PAGE = 10,
};

#define AEP        UINT64_C(0x00005555000011f0)
#define HOST_RIP   UINT64_C(0x00005555000011f0)
#define HOST_RSP   UINT64_C(0x00007ffc12340010)
#define HOST_RBP   UINT64_C(0x00007ffc12345678)
#define HOST_FS    UINT64_C(0x00007fff00001000)
#define HOST_GS    UINT64_C(0x00007fff00002000)
#define ENTRY      UINT64_C(0x5010) /* offset of the entry point */
#define USER_READ  (SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX)
#define USER_WRITE (USER_READ | SGX_PFEC_W)
#define KERNEL     (SGX_PFEC_P | SGX_PFEC_SGX)

struct pte {
    bool present, writable;
    uint64_t frame;
};

struct machine {
    struct epc epc;
    struct enclave_state state;
    struct platform platform;
    struct cpu_features features;
    struct cpu cpu;
    struct pte pte[ENCLAVE_PAGES];

    /* Operands in the kernel's memory; each aligned as its leaf wants it. */
    struct sgx_pageinfo *pageinfo;
    struct sgx_secinfo *secinfo;
    uint8_t *source; /* one page */
    struct sgx_sigstruct *sig;
    struct sgx_einittoken *token;
    struct sgx_pcmd *pcmd;

    struct sgx_secs secs; /* what machine_create() passes to ECREATE */
};

/* An empty EPC, a default SECS in m->secs, a page table without entries. */
void machine_boot(struct machine *m);
void machine_halt(struct machine *m);

void machine_create(struct machine *m); /* boot first; then ECREATE */
void machine_build(struct machine *m);  /* create, then all pages of the standard enclave */
void machine_start(struct machine *m);  /* build, then EINIT */
void machine_enter(struct machine *m);  /* start, then EENTER through TCS_PAGE */

/* ------------------------------------------------------------------ steps */

/* m->secs as the operands of ECREATE, in RBX and RCX. */
void prepare_ecreate(struct machine *m);

/* Fill in PAGEINFO and SECINFO for a page from m->source, and point RBX and RCX at them. */
void prepare_eadd(struct machine *m, unsigned page, uint64_t flags);
void add_page(struct machine *m, unsigned page, uint64_t flags, bool measured);
void augment_page(struct machine *m, unsigned page); /* EAUG, and a page table entry */
void restrict_page(struct machine *m, unsigned page, uint64_t flags);
void retype_page(struct machine *m, unsigned page, enum sgx_page_type type);
void etrack(struct machine *m);

/* A SIGSTRUCT that fits the enclave as it is now, unsigned; then its key, signature, Q1 and Q2. */
void prepare_sigstruct(struct machine *m);
struct outcome einit(struct machine *m);

static inline void sign(struct sgx_sigstruct *sig)
{
    author_sign(sig, 0);
}

/* ------------------------------------------------------------------ paging */

/* A page outside the EPC. */
struct evicted {
    uint8_t content[PAGE];
    struct sgx_pcmd pcmd;
    uint64_t linaddr;
};

void add_version_array(struct machine *m, unsigned frame);
uint64_t *slot_of(struct machine *m, unsigned va_frame, unsigned slot);

/* EWB of a frame as it is; and of a page of the enclave, after EBLOCK and ETRACK. Must succeed. */
struct evicted evict_frame(struct machine *m, uint64_t frame, uint64_t *slot);
struct evicted evict_page(struct machine *m, unsigned page, uint64_t *slot);

/* The operands of ELDB and ELDU in RBX, RCX and RDX; and with them ELDU. */
void prepare_reload(struct machine *m, const struct evicted *page, uint64_t frame, uint64_t *slot);
struct outcome reload(struct machine *m, const struct evicted *page, uint64_t frame,
                      uint64_t *slot);

/* Fresh registers of the host, with RBX and RCX as EENTER and ERESUME take them. */
void host_registers(struct machine *m, unsigned tcs_page);
struct outcome enclu(struct machine *m, uint64_t leaf);
struct outcome eenter(struct machine *m, unsigned tcs_page);
struct outcome eresume(struct machine *m, unsigned tcs_page);
struct outcome eexit(struct machine *m);
void interrupt(struct machine *m); /* an asynchronous exit that nobody reports */

/* EACCEPT and the like with the SECINFO at DATA_PAGE. */
void put_secinfo(struct machine *m, uint64_t flags);
struct outcome eaccept(struct machine *m, unsigned page, uint64_t flags);

/* ------------------------------------------------------------------ places */

static inline uint64_t linear_of(unsigned page)
{
    return BASE + (uint64_t)page * PAGE;
}

/* From the top down, so that neighbours in the enclave are not neighbours in the EPC. */
static inline uint64_t frame_of(unsigned page)
{
    return FRAMES - 1 - page;
}

static inline uint64_t epc_of(const struct machine *m, unsigned page)
{
    return epc_address(&m->epc, frame_of(page));
}

static inline struct epcm *epcm_of(struct machine *m, unsigned page)
{
    return &m->epc.epcm[frame_of(page)];
}

static inline void *content_of(struct machine *m, unsigned page)
{
    return epc_frame(&m->epc, frame_of(page));
}

static inline struct sgx_secs *secs_of(struct machine *m)
{
    return epc_frame(&m->epc, SECS_FRAME);
}

static inline struct sgx_tcs *tcs_of(struct machine *m, unsigned page)
{
    return content_of(m, page);
}

/* GPRSGX and EXINFO of a one-page SSA frame. */
struct sgx_gprsgx *gpr_of(struct machine *m, unsigned page);
struct sgx_exinfo *exinfo_of(struct machine *m, unsigned page);

/* ------------------------------------------------------------------ outcomes */

static inline bool is_ok(struct outcome o)
{
    return o.kind == LEAF_DONE && o.code == SGX_OK;
}

static inline bool is_code(struct outcome o, uint32_t code)
{
    return o.kind == LEAF_DONE && o.code == code;
}

static inline bool is_gp(struct outcome o)
{
    return o.kind == LEAF_GP;
}

static inline bool is_pf(struct outcome o, uint64_t addr, uint32_t pfec)
{
    return o.kind == LEAF_PF && o.addr == addr && o.pfec == pfec;
}

/* ------------------------------------------------------------------ everything at once */

struct snapshot;

struct snapshot *snapshot_take(const struct machine *m);
void snapshot_restore(const struct snapshot *s, struct machine *m);
void snapshot_free(struct snapshot *s);

/* Nothing at all differs; or nothing but the sixteen registers, RFLAGS and RIP. */
bool snapshot_same(const struct snapshot *s, const struct machine *m);
bool snapshot_same_but_registers(const struct snapshot *s, const struct machine *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - a software SGX2 processor: EPC, EPCM and the leaves, as plain C after the manual
 *
 * Nothing here raises a signal or makes a system call: given an EPC and a logical processor, a leaf
 * either does its work, returns a code in RAX, or faults. So every row of the manual's flow charts
 * can be tested in an ordinary process. model/driver puts the Linux driver on top of it, model/run
 * runs native code on it. Memory is allocated by EINIT, EGETKEY, EREPORT, EWB and ELDB/ELDU only,
 * inside libcrypto; when there is none, EINIT returns SGX_UNMASKED_EVENT ("try again") and the
 * others #GP. Entering and leaving an enclave never allocates. The first EWB of an EPC takes a
 * random number from libcrypto, which may ask the kernel for it.
 *
 * Limits. One EPC holds one enclave: a second ECREATE, and loading an evicted SECS beside another,
 * is #GP until the first SECS is removed or evicted. No CET: its fields are reserved, and
 * features->attributes must not offer it. No virtualization leaves and no oversubscription leaves
 * (ERDINFO, ETRACKC, ELDBC, ELDUC); a leaf that is absent is #GP, as on a processor that does not
 * enumerate it. Where the manual is silent, unconfirmed.h lists what was chosen.
 *
 * Serialization. Callers hold the EPC's lock around every function. Leaves are therefore atomic,
 * and the checks that the manual makes for a page "in use by another leaf" cannot fail. The one
 * observable effect: software that races two leaves on one page sees them in some order, where
 * hardware could also answer #GP or SGX_EPC_PAGE_CONFLICT.
 *
 * Addresses. "EPC address" means an address in the window [epc->frames, +frame_count pages): that
 * is how the kernel of this machine sees its EPC. "Linear address" means an address of the process;
 * cpu->translate walks the page table for it.
 */
#ifndef MODEL_CPU_CPU_H
#define MODEL_CPU_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/attributes.h"
#include "arch/key.h"
#include "arch/leaf.h"
#include "arch/report.h"
#include "arch/secinfo.h"
#include "arch/secs.h"
#include "arch/sigstruct.h"
#include "arch/ssa.h"
#include "arch/tcs.h"

/* ------------------------------------------------------------------ what a leaf comes to */

enum outcome_kind {
    LEAF_DONE, /* RAX and the flags say how; for leaves without a code: success */
    LEAF_UD,   /* #UD */
    LEAF_GP,   /* #GP(0) */
    LEAF_PF,   /* #PF: addr and pfec */
};

struct outcome {
    enum outcome_kind kind;
    uint32_t code; /* LEAF_DONE: SGX_OK or an error code of arch/leaf.h */
    uint32_t pfec; /* LEAF_PF: SGX_PFEC_* */
    uint64_t addr; /* LEAF_PF: all 64 bits of CR2 */
    bool carry;    /* LEAF_DONE with a code: CF tells it, and ZF is clear */
};

/* ------------------------------------------------------------------ the EPC */

/* One entry of the EPCM. All zero means free. */
struct epcm {
    uint64_t enclave_address; /* the only linear address the page may be used at */
    uint64_t epoch;           /* tracking epoch of the last EBLOCK, EMODPR or EMODT */
    uint32_t secs;            /* frame of the owner's SECS */
    uint8_t pt;               /* enum sgx_page_type */
    bool valid;
    bool r, w, x;
    bool blocked, pending, modified, pr;
    bool tracked; /* no tracking is due: never stamped, or settled */
    uint8_t unused[2];
};

#define EPOCH_SLOTS 2u

/*
 * What the processor keeps of one enclave beside its SECS page: the running measurement and the
 * tracking state. It lives in shared memory beside the EPC, so it holds no pointers.
 */
struct enclave_state {
    uint32_t sha[28];     /* SHA256_CTX of the running measurement */
    uint8_t padding[352]; /* SECS.PADDING, from EINIT */
    uint8_t isv_family_id[16];
    uint8_t isv_ext_prod_id[16];
    uint64_t eid;                 /* no other enclave of this EPC has had it */
    uint64_t epoch;               /* the current tracking epoch */
    uint64_t inside[EPOCH_SLOTS]; /* logical processors inside, by the epoch they entered in, */
                                  /* index epoch % EPOCH_SLOTS; see track.c for why 2 suffice */
    uint32_t children;            /* valid pages that belong to this SECS */
    uint32_t active;              /* logical processors inside, over all epochs */
    bool measuring_done;          /* EINIT succeeded */
    bool exists;                  /* its SECS is in the EPC */

    /* Of the EPC rather than of the enclave: they outlive it, so that nothing comes twice. */
    uint64_t last_eid;
    uint64_t last_version; /* of an evicted page; 0 until the first, see evict.c */
};

/* What a machine remembers for ever: the secrets that keys are derived from. */
struct platform {
    uint8_t secret[16]; /* stands for the fused keys */
    uint8_t owner_epoch[16];
    uint8_t report_key_id[32]; /* CR_REPORT_KEYID: random at every boot */
    uint8_t cpu_svn[16];
    uint8_t le_pubkey_hash[32]; /* IA32_SGXLEPUBKEYHASH0..3 */
};

/* What CPUID leaf 12H says. */
struct cpu_features {
    uint64_t attributes;       /* settable ATTRIBUTES.FLAGS */
    uint64_t xfrm;             /* settable ATTRIBUTES.XFRM; also XCR0 as the host runs */
    uint32_t miscselect;       /* supported SGX_MISC_* */
    uint8_t max_size_bits;     /* log2 of the largest 64-bit enclave */
    bool edeccssa;             /* CPUID.12H.0:EAX[11]: ENCLU[EDECCSSA] */
    uint32_t xsave_size[64];   /* size of each XSAVE component, CPUID.(0DH,x):EAX, for x >= 2 */
    uint32_t xsave_offset[64]; /* its offset in standard format, CPUID.(0DH,x):EBX */
};

struct epc {
    struct epcm *epcm; /* frame_count entries */
    uint8_t *frames;   /* frame_count pages, page aligned */
    uint64_t frame_count;
    struct enclave_state
        *state; /* of the enclave whose SECS is in this EPC: one EPC, one enclave */
    struct platform *platform;
    const struct cpu_features *features;
};

static inline void *epc_frame(const struct epc *epc, uint64_t frame)
{
    return epc->frames + frame * SGX_PAGE_SIZE;
}

static inline uint64_t epc_address(const struct epc *epc, uint64_t frame)
{
    return (uint64_t)(uintptr_t)epc_frame(epc, frame);
}

/* ------------------------------------------------------------------ a logical processor */

/* The register file in the order of GPRSGX, so that a frame copies in one go. */
struct cpu_regs {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags, rip;
    uint64_t fsbase, gsbase;
};

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

struct cpu;

/*
 * Walk the page table for one page of the process.
 *
 * Returns true and *ret_frame if the page table permits the access and maps an EPC page.
 * Returns true and *ret_frame = FRAME_NONE if it permits the access to ordinary memory.
 * Otherwise false and *ret_pfec, the page-fault error code (never with SGX_PFEC_SGX).
 */
typedef bool translate_fn(struct cpu *cpu, uint64_t linear, enum access access, uint64_t *ret_frame,
                          uint32_t *ret_pfec);

#define FRAME_NONE UINT64_MAX

struct cpu {
    struct cpu_regs r; /* what software sees now */

    /*
     * The extended state, an XSAVE image in standard format, and its size. An asynchronous exit
     * saves from it and leaves the synthetic state in it; ERESUME loads into it. At least
     * SGX_XSAVE_MIN_SIZE bytes. It may hold components beyond XFRM, which no leaf touches, and may
     * be too small for some in XFRM, which then count as never used. May be NULL where a test does
     * not care: then nothing is saved or loaded.
     */
    uint8_t *xsave;
    size_t xsave_size;

    struct epc *epc;
    translate_fn *translate;
    void *translate_arg;

    /* Valid while enclave_mode is set. */
    bool enclave_mode;
    uint64_t tcs; /* linear address */
    uint64_t tcs_frame;
    uint64_t epoch;               /* the tracking epoch this processor entered in */
    uint64_t ssa_gpr_frame;       /* EPC frame that holds GPRSGX of SSA frame CSSA */
    uint64_t ssa_xsave_frame[16]; /* EPC frames of its XSAVE area, from the bottom */
    uint32_t ssa_pages;           /* how many of those; ECREATE refuses an XFRM that needs more */
    uint64_t host_fsbase, host_gsbase; /* what EEXIT and AEX bring back */
    bool host_tf;                      /* RFLAGS.TF at an opt-out entry */
    bool opt_in;                       /* TCS.FLAGS.DBGOPTIN at entry: INT3 is #BP, else #UD */
};

/* ------------------------------------------------------------------ ENCLS: the kernel's leaves */
/*
 * Operands are named after their registers. A pointer operand is an address in kernel memory, taken
 * as an integer so that a misaligned one can be refused rather than dereferenced.
 */

/*
 * A page fault has addr = the operand and pfec = SGX_PFEC_P | SGX_PFEC_SGX: supervisor mode. All
 * other operands in kernel memory must be readable, as nothing here walks the kernel's page table.
 */
struct outcome cpu_ecreate(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc);
struct outcome cpu_eadd(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc);
struct outcome cpu_eextend(struct epc *epc, uint64_t rbx_secs, uint64_t rcx_epc);
struct outcome cpu_einit(struct epc *epc, uint64_t rbx_sigstruct, uint64_t rcx_secs,
                         uint64_t rdx_token);
struct outcome cpu_eremove(struct epc *epc, uint64_t rcx_epc);
struct outcome cpu_eaug(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc);
struct outcome cpu_emodpr(struct epc *epc, uint64_t rbx_secinfo, uint64_t rcx_epc);
struct outcome cpu_emodt(struct epc *epc, uint64_t rbx_secinfo, uint64_t rcx_epc);
struct outcome cpu_etrack(struct epc *epc, uint64_t rcx_secs);

/* Paging. A code of cpu_eblock() and cpu_ewb() may come with carry. */
struct outcome cpu_epa(struct epc *epc, uint64_t rbx_type, uint64_t rcx_epc);
struct outcome cpu_eblock(struct epc *epc, uint64_t rcx_epc);

/*
 * Writes the page encrypted to PAGEINFO.SRCPGE, its PCMD to where PAGEINFO.SECINFO points, and its
 * address to PAGEINFO.LINADDR. SGX_VA_SLOT_OCCUPIED: all of this was done, and the version that
 * stood in the slot is lost. A SECS takes with it everything that the processor keeps of its
 * enclave, so ELDU may bring it back at another place.
 */
struct outcome cpu_ewb(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc, uint64_t rdx_slot);
struct outcome cpu_eldb(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc,
                        uint64_t rdx_slot);
struct outcome cpu_eldu(struct epc *epc, uint64_t rbx_pageinfo, uint64_t rcx_epc,
                        uint64_t rdx_slot);

/* Debugging. EDBGRD writes *ret_rbx on success only. */
struct outcome cpu_edbgrd(const struct epc *epc, uint64_t rcx_epc, uint64_t *ret_rbx);
struct outcome cpu_edbgwr(struct epc *epc, uint64_t rbx_data, uint64_t rcx_epc);

/* Measure a whole page: the sixteen EEXTENDs that Linux issues, as one call. */
struct outcome cpu_eextend_page(struct epc *epc, uint64_t rbx_secs, uint64_t rcx_epc);

/* True while some processor that entered before the last ETRACK is still inside. */
bool cpu_tracking_incomplete(const struct epc *epc);

/*
 * The instruction as a whole, at this privilege level: dispatch checks, then the leaf in EAX with
 * the operands in RBX, RCX and RDX, then RAX, the flags and RIP. An enclave runs at level 3, where
 * ENCLS is #UD. A kernel in C calls the leaves above; this is for code that executes 0F 01 CF.
 */
struct outcome cpu_encls(struct cpu *cpu, unsigned cpl);

#define ENCLS_LENGTH 3u

/* ------------------------------------------------------------------ ENCLU */
/*
 * Executes the ENCLU at cpu->r.rip: dispatch checks, then the leaf in EAX. On LEAF_DONE the
 * registers, flags and RIP are as after the instruction (RIP past it, at the enclave's entry, or
 * wherever the leaf went). On a fault nothing has changed and RIP still points at the instruction.
 * The caller has seen the opcode and that no forbidden prefix stands before it.
 */
struct outcome cpu_enclu(struct cpu *cpu);

#define ENCLU_LENGTH 3u

/*
 * Asynchronous exit. Saves the processor's state into the current SSA frame, loads the synthetic
 * state and leaves enclave mode. cpu->r.rip is the address to resume at.
 */
struct event {
    uint8_t vector; /* enum sgx_vector, or any other for interrupts */
    bool reported;  /* an exception that EXITINFO can report; false for interrupts */
    bool software;  /* INT3: EXIT_TYPE 6 */
    bool fault;     /* RF is set in the saved RFLAGS */
    uint32_t errcd; /* #PF, #GP */
    uint64_t addr;  /* #PF: full address */
};

void cpu_aex(struct cpu *cpu, const struct event *event);

/*
 * The EPCM's verdict on an access by enclave code to a page that the page table already permitted.
 * True: allowed. False: #PF with SGX_PFEC_SGX.
 */
bool cpu_epcm_permits(const struct epc *epc, uint64_t frame, uint64_t linear, uint32_t secs,
                      enum access access);

/* The permissions of a page as enclave code finds them, AP_PERM-style bits (R 1, W 2, X 4). */
uint8_t cpu_epcm_effective(const struct epcm *entry);

/* Size of an XSAVE image for these features: SDM, "XSAVE area" in the SSA. */
size_t cpu_xsave_size(const struct cpu_features *features, uint64_t xfrm);

#endif

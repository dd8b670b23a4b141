/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - the layout page: everything an enclave may ever become, in one measured page
 *
 * ap-sign lays out ELRANGE, writes the result into the image's `.aperture` section and then
 * measures it, read-only, like any other page. So the table is bound by MRENCLAVE, and MRENCLAVE by
 * the author's signature. Three parties read the same bytes:
 *
 *   the image code   derives the load plan from it (urts/image), for signing and loading alike;
 *   the runtime      inside accepts a page only where a row says so (trts/mm);
 *   a person         sees it with `ap-sign dump`.
 *
 * ELRANGE, low to high:
 *
 *   image            the ELF segments, at their own addresses from 0
 *   guard
 *   heap             row AP_KIND_HEAP: `initial` pages loaded, the rest dynamic
 *   guard
 *   pagemap          row AP_KIND_PAGEMAP: the runtime's page states, 2 bits a dynamic page
 *   guard
 *   thread slots     row AP_KIND_THREADS: `slot_count` slots of `slot_pages`, each
 *                      guard | stack | guard | TCS | SSA | guard | TLS | thread data
 *   guard
 *   named regions    rows AP_KIND_REGION, each followed by a guard
 *
 * All offsets are from the enclave's base, all sizes in pages unless the name says otherwise.
 */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

#include "arch/attributes.h"

#define AP_LAYOUT_SECTION ".aperture"                  /* one page, loaded, read-only, measured */
#define AP_LAYOUT_MAGIC   UINT64_C(0x4552555452455041) /* "APERTURE" */
#define AP_LAYOUT_VERSION 1u

/*
 * The section that carries the SIGSTRUCT. Not loaded, not measured: it cannot be, since it holds
 * the measurement's signature. All zero until ap-sign fills it.
 */
#define AP_SIGNATURE_SECTION ".sigstruct"

enum ap_kind {
    AP_KIND_HEAP = 1,
    AP_KIND_THREADS = 2,
    AP_KIND_PAGEMAP = 3,
    AP_KIND_REGION = 4,
};

/* How a region may become executable. Wider policies have larger numbers. */
enum ap_policy {
    AP_POLICY_NONE = 0,    /* no dynamic pages at all */
    AP_POLICY_DATA = 1,    /* never executable */
    AP_POLICY_PUBLISH = 2, /* pages are born R|X and are never writable */
    AP_POLICY_TOGGLE = 3,  /* W xor X */
    AP_POLICY_RWX = 4,     /* both at once; must be asked for by name */
};

#define AP_PERM_R 1u /* as SGX_SECINFO_R, W, X */
#define AP_PERM_W 2u
#define AP_PERM_X 4u

#define AP_REGION_NAME_SIZE 24u

/* One row. Pages [0, initial) are loaded; pages [initial, pages) come by EAUG, or never. */
struct ap_region {
    char name[AP_REGION_NAME_SIZE]; /*  0  lower case, NUL terminated: "heap", "jit" */
    uint64_t offset;                /* 24  bytes from the enclave's base */
    uint64_t pages;                 /* 32 */
    uint64_t initial;               /* 40  pages loaded before EINIT */
    uint64_t pagemap_index;         /* 48  index of the first dynamic page in the page map */
    uint8_t kind;                   /* 56  enum ap_kind */
    uint8_t policy;                 /* 57  enum ap_policy */
    uint8_t max_perm;               /* 58  AP_PERM_*: the most a page here may ever have */
    uint8_t reserved[5];            /* 59  zero */
};
SGX_AT(ap_region, offset, 24);
SGX_AT(ap_region, pagemap_index, 48);
SGX_AT(ap_region, kind, 56);
SGX_SIZE(ap_region, 64);

#define AP_REGION_MAX 56u

/*
 * The slot's geometry, in bytes from the slot's start or from its TCS. Every slot is alike, so the
 * entry code finds its stack and its thread data from the TCS address that the processor vouches
 * for, without asking the host.
 */
struct ap_slots {
    uint64_t offset;         /*  0  of the first slot, from the enclave's base */
    uint64_t slot_size;      /*  8  bytes from one slot to the next, guards included */
    uint64_t slot_count;     /* 16 */
    uint64_t stack_offset;   /* 24  from the slot's start to the lowest byte of the stack */
    uint64_t stack_size;     /* 32  bytes */
    uint64_t tcs_offset;     /* 40  from the slot's start */
    uint64_t tcs_from_stack; /* 48  bytes from the stack's upper end to the TCS: the guard */
    uint64_t ssa_from_tcs;   /* 56  bytes from the TCS to the first SSA frame */
    uint64_t tls_from_tcs;   /* 64  bytes from the TCS to the page where TLS may begin */
    uint64_t td_from_tcs;    /* 72  bytes from the TCS to the thread data: FS and GS base */
    uint64_t td_pages;       /* 80  pages of thread data, phase-one exception stack included */
    uint32_t nssa;           /* 88 */
    uint32_t ssa_frame_size; /* 92  pages, as SECS.SSAFRAMESIZE */
};
SGX_AT(ap_slots, td_from_tcs, 72);
SGX_AT(ap_slots, ssa_frame_size, 92);
SGX_SIZE(ap_slots, 96);

struct ap_layout {
    uint64_t magic;                         /*   0  AP_LAYOUT_MAGIC */
    uint32_t version;                       /*   8  AP_LAYOUT_VERSION */
    uint32_t region_count;                  /*  12  rows in use; the others are zero */
    uint64_t elrange_size;                  /*  16  bytes, a power of two: SECS.SIZE */
    uint64_t image_size;                    /*  24  bytes of ELF segments, from offset 0 */
    uint64_t entry;                         /*  32  TCS.OENTRY */
    struct sgx_attributes attributes;       /*  40  as signed; INIT clear */
    struct sgx_attributes attribute_mask;   /*  56  as signed */
    uint32_t miscselect;                    /*  72 */
    uint32_t miscmask;                      /*  76 */
    uint64_t tls_template;                  /*  80  offset of .tdata in the image */
    uint64_t tls_template_size;             /*  88  bytes of .tdata */
    uint64_t tls_size;                      /*  96  bytes of TLS in all, .tbss included */
    uint64_t tls_align;                     /* 104  a power of two, at most a page */
    struct ap_slots slots;                  /* 112 */
    uint64_t relro_offset;                  /* 208  pages that become read-only after relocation */
    uint64_t relro_pages;                   /* 216 */
    uint8_t reserved[288];                  /* 224  zero */
    struct ap_region region[AP_REGION_MAX]; /* 512 */
};
SGX_AT(ap_layout, elrange_size, 16);
SGX_AT(ap_layout, attributes, 40);
SGX_AT(ap_layout, tls_template, 80);
SGX_AT(ap_layout, slots, 112);
SGX_AT(ap_layout, relro_offset, 208);
SGX_AT(ap_layout, region, 512);
SGX_SIZE(ap_layout, 4096);

/*
 * The aperture's summary in SIGSTRUCT.SWDEFINED, so that a platform owner can decide from the
 * 1808 bytes of a SIGSTRUCT alone:
 *
 *   2:0   union of max_perm over all regions that have dynamic pages
 *   3     zero
 *   7:4   widest policy over the same regions, enum ap_policy
 *   31:8  dynamic pages that may become executable; 0xffffff stands for that many or more
 */
#define AP_SUMMARY_PERM(sw)       ((sw)&7u)
#define AP_SUMMARY_POLICY(sw)     (((sw) >> 4) & 0xfu)
#define AP_SUMMARY_EXEC_PAGES(sw) ((sw) >> 8)
#define AP_SUMMARY_EXEC_MAX       0xffffffu

#endif

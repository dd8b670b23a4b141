/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ecalls.h - what host programs may ask of the test enclave, and in which structures
 *
 * Included by both sides. Every structure lies in untrusted memory; the enclave copies it in once,
 * works on the copy, and copies it back.
 */
#ifndef TESTS_ENCLAVES_BASIC_ECALLS_H
#define TESTS_ENCLAVES_BASIC_ECALLS_H

#include <stdint.h>

enum basic_ecall_index {
    BASIC_NOP = 0,     /* nothing */
    BASIC_ADD,         /* basic_add */
    BASIC_ECHO,        /* basic_echo: through a buffer inside */
    BASIC_RECURSE,     /* basic_recurse: BASIC_OCALL_RECURSE until depth is 0 */
    BASIC_PRIVATE,     /* basic_add; private, allowed from BASIC_OCALL_RECURSE only */
    BASIC_TLS,         /* basic_tls */
    BASIC_PEEK,        /* basic_access: read 8 bytes at address */
    BASIC_POKE,        /* basic_access: write value there */
    BASIC_EXECUTE,     /* basic_access: call address as uint64_t (*)(void) */
    BASIC_CATCH,       /* basic_catch: provoke, catch with longjmp */
    BASIC_RESUME,      /* basic_resume: #UD, skipped by a handler that continues */
    BASIC_FLAGS,       /* basic_flags: what C code finds */
    BASIC_COMMIT,      /* basic_commit */
    BASIC_PUBLISH,     /* basic_publish */
    BASIC_REGION,      /* basic_region */
    BASIC_PROVOKE,     /* basic_provoke: an exception that no handler takes */
    BASIC_OVERFLOW,    /* recursion without end */
    BASIC_OCALL,       /* basic_ocall: any index, a given size */
    BASIC_PUBLISH_BAD, /* basic_publish_bad: arguments that must be refused */
    BASIC_ADDRESSES,   /* basic_addresses: where parts of the image are */
    BASIC_CONTROL,     /* basic_control: are control words kept over an ocall? */
    BASIC_ECALL_COUNT
};

/* Of the host's table. The test program serves them; what each gets is the structure named. */
enum basic_ocall_index {
    BASIC_OCALL_RECURSE = 0, /* basic_recurse: the host calls BASIC_RECURSE with it, or not */
    BASIC_OCALL_NOTE,        /* basic_note: a number from inside a handler or a round trip */
    BASIC_OCALL_STRICT,      /* basic_note: no ecall is allowed from it */
    BASIC_OCALL_COUNT
};

struct basic_add {
    uint64_t a, b;
    uint64_t sum; /* out */
};

/* Copies size bytes from `from` to `to`, both outside, by a buffer of 4096 bytes inside. */
struct basic_echo {
    uint64_t from, to, size;
    uint64_t status; /* out: sgx_status_t of the first copy that failed, or 0 */
};

/* Each level adds one to reached. The ocall's own copy of the structure goes to the host. */
struct basic_recurse {
    uint64_t depth;
    uint64_t reached; /* in and out */
    uint64_t status;  /* out: what ap_ocall() returned at this level */
    uint64_t canary;  /* out: 1 if a local array of this level survived */
};

/* counter is thread-local and starts at 1000; zero is in .tbss; alias points at counter. */
struct basic_tls {
    uint64_t add;
    uint64_t counter; /* out: after adding */
    uint64_t zero;    /* out: after adding */
    uint64_t aligned; /* out: address of a 64-byte aligned thread-local, modulo 64 */
    uint64_t text;    /* out: 1 if a pointer in the TLS template was relocated */
};

/* How an exception looked from inside. caught is 0 if there was none. */
struct basic_exception {
    uint64_t caught;
    uint64_t vector;
    uint64_t type;
    uint64_t address;
    uint64_t error_code;
    uint64_t rip;
};

struct basic_access {
    uint64_t address;
    uint64_t value;                   /* PEEK: out; POKE: in; EXECUTE: out */
    struct basic_exception exception; /* out */
};

enum basic_provocation {
    BASIC_DIVIDE = 0,
    BASIC_UD2,
    BASIC_BREAKPOINT,  /* INT3 */
    BASIC_UNMASKED,    /* an SSE division by zero, unmasked: #XM */
    BASIC_GENERAL,     /* a non-canonical address: #GP */
    BASIC_ASSERT,      /* assert(0): no exception, the runtime gives up */
    BASIC_SMASH,       /* overwrites a stack canary */
    BASIC_BAD_CONTEXT, /* a handler that continues outside of the enclave */
    BASIC_BAD_STACK,   /* a handler that continues on another stack */
};

#define BASIC_CATCH_OCALL  1u /* the handler makes BASIC_OCALL_NOTE first */
#define BASIC_CATCH_NESTED 2u /* the handler provokes #UD and skips it first */

struct basic_catch {
    uint64_t provocation;             /* enum basic_provocation */
    uint64_t flags;                   /* BASIC_CATCH_* */
    struct basic_exception exception; /* out */
    uint64_t note_status;             /* out: of the handler's ocall */
    uint64_t nested;                  /* out: how many nested exceptions were skipped */
};

struct basic_provoke {
    uint64_t provocation;
};

/* Registers and vectors around an exception that a handler resumes from. */
struct basic_resume {
    uint64_t registers_kept; /* out: 1 if all general registers came back */
    uint64_t vectors_kept;   /* out: 1 if xmm0 to xmm15 came back */
    uint64_t control_kept;   /* out: 1 if MXCSR and the x87 control word came back */
    uint64_t flags_kept;     /* out: 1 if DF and CF came back */
    uint64_t red_zone_kept;  /* out: 1 if the 128 bytes below RSP came back */
    uint64_t clean_handler;  /* out: 1 if the handler found DF clear and MXCSR 0x1f80 */
};

struct basic_flags {
    uint64_t rflags; /* out */
    uint64_t mxcsr;  /* out */
    uint64_t fcw;    /* out: x87 control word */
    uint64_t ftw;    /* out: x87 tag word: 0xffff if the x87 stack is empty */
    uint64_t xmm;    /* out: 1 if any of xmm0 to xmm15 was not zero at the ecall's start */
};

/* Pages in a region, from the first dynamic one. */
struct basic_commit {
    char region[24];
    uint64_t first, pages;
    uint64_t skew;   /* bytes added to the address, to make it wrong */
    uint64_t status; /* out */
    uint64_t zero;   /* out: 1 if every page read as zero, then took a value (after success) */
};

/*
 * Reserves and publishes pages of "mov eax, value + page; ret", and calls each. The code's buffer
 * has 64 pages: more are published in as many calls, with the same 64 values again.
 */
struct basic_publish {
    char region[24];
    uint64_t pages;
    uint64_t value;
    uint64_t skew;    /* offset of the code from a page boundary, below 4096 */
    uint64_t reserve; /* out: status of ap_code_reserve() */
    uint64_t status;  /* out: status of ap_code_publish() */
    uint64_t where;   /* out */
    uint64_t correct; /* out: how many pages returned what they should */
    uint64_t again;   /* out: status of a second publish at the same place */
};

struct basic_publish_bad {
    char region[24];
    uint64_t null_region;  /* out: ap_code_reserve(NULL, ...) */
    uint64_t zero_size;    /* out: ap_code_reserve(region, 0) */
    uint64_t too_large;    /* out: more than the region has */
    uint64_t wraps;        /* out: SIZE_MAX */
    uint64_t not_reserved; /* out: publish at the region's last dynamic page, never reserved */
    uint64_t unaligned;    /* out: publish 8 bytes into a reserved page */
    uint64_t outside_code; /* out: publish host memory in a reserved page */
    uint64_t host_code;    /* in: address of that memory */
};

struct basic_region {
    char region[24];
    uint64_t status;                   /* out */
    uint64_t base, size, initial_size; /* out */
    uint64_t policy, max_perm;         /* out */
};

struct basic_ocall {
    uint64_t index;
    uint64_t size;    /* of an argument inside, filled with 0xa5; at most 65536 */
    uint64_t inside;  /* 0: the argument is outside instead, which must be refused */
    uint64_t status;  /* out */
    uint64_t changed; /* out: 1 if the argument is not 0xa5 everywhere any more */
};

struct basic_note {
    uint64_t number;
};

struct basic_addresses {
    uint64_t text;     /* out: in R|X */
    uint64_t rodata;   /* out: in R */
    uint64_t relro;    /* out: relocated constant data, R since initialisation */
    uint64_t data;     /* out: in R|W */
    uint64_t stack;    /* out: in R|W, of this thread */
    uint64_t critical; /* out: the first byte of the runtime's door */
};

struct basic_control {
    uint64_t mxcsr_before, mxcsr_after; /* out: around BASIC_OCALL_NOTE */
    uint64_t fcw_before, fcw_after;     /* out */
};

#endif

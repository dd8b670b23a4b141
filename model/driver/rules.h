/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - how a hostile kernel misbehaves, as a list of rules
 *
 * The language is described in docs/hostile-host.md. Nothing here knows of enclaves: text becomes
 * rules, and rules say whether they strike. driver/hostile.c, run/hostile.c and
 * run/step.c do what they say.
 */
#ifndef MODEL_DRIVER_RULES_H
#define MODEL_DRIVER_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULES_MAX     64u
#define RULES_TEXT    65536u /* bytes of text that are looked at */
#define RULES_MESSAGE 320u

/* What the kernel, or the host program by it, does. */
enum rule_operation {
    RULE_CREATE,
    RULE_ADD,
    RULE_INIT,
    RULE_PROVISION,
    RULE_RESTRICT,
    RULE_MODIFY,
    RULE_REMOVE,
    RULE_EAUG,   /* a page fault that is to be settled by EAUG */
    RULE_ENTER,  /* EENTER, by the host program */
    RULE_RESUME, /* ERESUME, by the host program */
    RULE_EXIT,   /* EEXIT */
    RULE_AEX,    /* an asynchronous exit, whatever its reason */
};

#define RULE_BIT(x)  (1u << (x))
#define RULE_ENTRIES (RULE_BIT(RULE_ENTER) | RULE_BIT(RULE_RESUME))
#define RULE_RANGES                                                                                \
    (RULE_BIT(RULE_ADD) | RULE_BIT(RULE_RESTRICT) | RULE_BIT(RULE_MODIFY) | RULE_BIT(RULE_REMOVE))
#define RULE_IOCTLS                                                                                \
    (RULE_RANGES | RULE_BIT(RULE_CREATE) | RULE_BIT(RULE_INIT) | RULE_BIT(RULE_PROVISION))
#define RULE_ANY  (RULE_IOCTLS | RULE_ENTRIES | RULE_BIT(RULE_EAUG) | RULE_LEFT)
#define RULE_LEFT (RULE_BIT(RULE_EXIT) | RULE_BIT(RULE_AEX))

/* The misbehaviour; a and b are of struct rule. */
enum rule_what {
    /* Before the operation, whatever it is. */
    RULE_WAIT,    /* for a milliseconds */
    RULE_AUGMENT, /* EAUG at offset a */
    RULE_DROP,    /* EREMOVE the page at offset a */
    RULE_REPLACE, /* both, EREMOVE first */
    RULE_SWAP,    /* the frames of the pages at offsets a and b */
    RULE_EVICT,   /* EWB the page at offset a; it comes back on the next fault */
    RULE_KEEP,    /* the same, and keep a copy of the encrypted image */
    RULE_REPLAY,  /* the same, and put the copy kept in the image's place */
    /* In place of the operation. */
    RULE_REFUSE, /* errno a, or a signal; */
    RULE_LIE,    /* do nothing and report success */
    /* In place of one page of an ioctl. */
    RULE_SKIP,       /* do nothing and report success */
    RULE_PERMISSION, /* EMODPR is asked for a: SGX_SECINFO_R, W, X */
    RULE_TYPE,       /* EMODT is asked for a: enum sgx_page_type */
    /* In place of an EAUG. */
    RULE_ELSEWHERE, /* at offset a */
    RULE_TWICE,     /* a second frame shows */
    /* To a thread that enters. */
    RULE_REGISTER,  /* register a, enum rule_register, is b */
    RULE_RANDOM,    /* all that an enclave must not rely on, made from the seed a */
    RULE_INTERRUPT, /* after a instructions; b: 1 + the vector that the host is told of, 0: none */
    RULE_STORM,     /* after each a instructions */
    RULE_STEP,      /* after each instruction at offsets a to b */
    /* In place of resuming. */
    RULE_REENTER, /* enter at the next CSSA with RDI = a, and resume when that has left */
    RULE_RETURN,  /* tell the host of exception a; also in place of entering */
    RULE_NEVER,   /* not until the rules change */
};

/* Registers that a host may set as it likes when it enters. */
enum rule_register {
    RULE_RDX,
    RULE_RSP,
    RULE_RBP,
    RULE_RSI,
    RULE_RDI,
    RULE_R8,
    RULE_R9,
    RULE_R10,
    RULE_R11,
    RULE_R12,
    RULE_R13,
    RULE_R14,
    RULE_R15,
    RULE_RFLAGS, /* within RULE_RFLAGS_FREE */
    RULE_MXCSR,
    RULE_FCW,
    RULE_REGISTERS,
};

/* CF PF AF ZF SF TF DF OF NT AC ID: what a program may set with POPF. */
#define RULE_RFLAGS_FREE UINT64_C(0x244dd5)

enum rule_when { RULE_ALWAYS, RULE_NTH, RULE_FIRST, RULE_EVERY };

struct rule {
    uint32_t operations; /* RULE_BIT of each; 0: no rule */
    uint32_t line;       /* in the text; 0: made by an act of aperture/model.h */
    uint8_t when, what;
    uint64_t k;           /* of when */
    uint64_t first, last; /* only for these bytes, as offsets in ELRANGE */
    uint64_t a, b;
    uint64_t seen, struck; /* occurrences that it was for; those that it struck at */
};

struct rules {
    uint32_t operations; /* of all rules together: 0 costs the operations one branch */
    uint32_t used;       /* rule[0, used) */
    uint64_t version;    /* grows whenever somebody sets rules */
    struct rule rule[RULES_MAX];
};

/* What is wrong with a text, and where. Lines and columns count from 1. */
struct rules_error {
    unsigned line, column;
    char text[RULES_MESSAGE];
};

/*
 * rules_parse() - text to rules
 * @text, @size:   not terminated; any bytes
 * @ret:           on success: the rules, in the order of the text, nothing seen yet; version is 0
 * @ret_error:     on failure: the first error
 *
 * 0, or -1 with *ret untouched: a line that is no rule, more than RULES_MAX rules, more than
 * RULES_TEXT bytes.
 */
int rules_parse(const char *text, size_t size, struct rules *ret, struct rules_error *ret_error);

/* The same from a file. False, and a line on standard error: no such file, or what is wrong in it.
 */
bool rules_load(const char *path, struct rules *ret);

/*
 * rules_next() - the next rule that strikes
 * @previous:     what the last call returned, NULL at first
 * @whats:        RULE_BIT of each misbehaviour that can be carried out here
 * @first, @last: the bytes that the operation is about, as offsets in ELRANGE
 *
 * Counts the occurrence for each rule that it passes, so each operation asks once for each
 * misbehaviour, to the end. NULL: no more.
 */
struct rule *rules_next(struct rules *rules, struct rule *previous, enum rule_operation operation,
                        uint64_t whats, uint64_t first, uint64_t last);

/* In place of all that there are. */
void rules_set(struct rules *rules, const struct rules *set);

/*
 * The one rule of line 0 that does rule->what: rule itself from now on, or none if its operations
 * are 0. False: no room.
 */
bool rules_put(struct rules *rules, const struct rule *rule);

/* Names, for messages. */
const char *rules_what_name(enum rule_what what);
const char *rules_operation_name(enum rule_operation operation);

#endif

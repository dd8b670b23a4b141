/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checks.h - a leaf's list of checks as data
 *
 * A list names the violations of one leaf in the manual's order. checks_hold() proves of it that
 *   - without any violation, the leaf succeeds;
 *   - each violation alone gives the outcome stated, and the leaf has changed nothing;
 *   - of any two at once, the earlier one decides.
 */
#ifndef TESTS_CPU_CHECKS_H
#define TESTS_CPU_CHECKS_H

#include "fixture.h"

/* Which operand a page fault names. */
enum operand { NONE, RBX, RCX, RDX, PAGEINFO_SECS };

struct violation {
    const char *name;
    void (*commit)(struct machine *m);
    enum outcome_kind kind;
    uint32_t value;       /* LEAF_DONE: the code; LEAF_PF: pfec */
    enum operand operand; /* LEAF_PF */
    uint64_t offset;      /* LEAF_PF: beyond the operand */
    bool carry;           /* LEAF_DONE: the code comes with CF */
};

#define GP(name, commit)                                                                           \
    {                                                                                              \
        name, commit, LEAF_GP, 0, NONE, 0, false                                                   \
    }
#define CODE(name, commit, code)                                                                   \
    {                                                                                              \
        name, commit, LEAF_DONE, code, NONE, 0, false                                              \
    }
#define CARRY(name, commit, code)                                                                  \
    {                                                                                              \
        name, commit, LEAF_DONE, code, NONE, 0, true                                               \
    }
#define PF(name, commit, operand, offset, pfec)                                                    \
    {                                                                                              \
        name, commit, LEAF_PF, pfec, operand, offset, false                                        \
    }

/*
 * A violation's function: COMMIT(rbx_misaligned, m->cpu.r.rbx |= 8). The later of two violations is
 * committed first, so none may undo another: set, do not add or toggle.
 */
#define COMMIT(name, ...)                                                                          \
    static void __attribute__((unused)) name(struct machine *m)                                    \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }

/* What can be wrong with an operand of an ENCLU leaf: its register, and a page of the enclave. */
#define COMMIT_REGISTER(reg)                                                                       \
    COMMIT(reg##_misaligned, m->cpu.r.reg |= 8)                                                    \
    COMMIT(reg##_outside, m->cpu.r.reg = BASE + ENCLAVE_SIZE)                                      \
    COMMIT(reg##_below, m->cpu.r.reg = BASE - PAGE)

#define COMMIT_PAGE(reg, page)                                                                     \
    COMMIT(reg##_absent, m->pte[page].present = false)                                             \
    COMMIT(reg##_readonly, m->pte[page].writable = false)                                          \
    COMMIT(reg##_ordinary, m->pte[page].frame = FRAME_NONE)                                        \
    COMMIT(reg##_invalid, epcm_of(m, page)->valid = false)                                         \
    COMMIT(reg##_retyped, epcm_of(m, page)->pt = SGX_PT_VA)                                        \
    COMMIT(reg##_foreign, epcm_of(m, page)->secs = SECS_FRAME + 1)                                 \
    COMMIT(reg##_misplaced, epcm_of(m, page)->enclave_address += PAGE)                             \
    COMMIT(reg##_blocked, epcm_of(m, page)->blocked = true)                                        \
    COMMIT(reg##_pending, epcm_of(m, page)->pending = true)                                        \
    COMMIT(reg##_modified, epcm_of(m, page)->modified = true)                                      \
    COMMIT(reg##_unreadable, epcm_of(m, page)->r = false)                                          \
    COMMIT(reg##_unwritable, epcm_of(m, page)->w = false)

/* Rows: a memory operand that must be aligned and inside, then an ordinary page of the enclave. */
#define RANGE_ROWS(reg)                                                                            \
    GP(#reg " misaligned", reg##_misaligned), GP(#reg " beyond ELRANGE", reg##_outside),           \
        GP(#reg " below ELRANGE", reg##_below)

#define READ_ROWS(reg, operand, offset)                                                            \
    PF(#reg " has no page", reg##_absent, operand, offset, SGX_PFEC_U),                            \
        PF(#reg " in ordinary memory", reg##_ordinary, operand, offset, USER_READ)

#define WRITE_ROWS(reg, operand, offset)                                                           \
    PF(#reg " has no page", reg##_absent, operand, offset, SGX_PFEC_U | SGX_PFEC_W),               \
        PF(#reg " page mapped read-only", reg##_readonly, operand, offset,                         \
           SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_W),                                                  \
        PF(#reg " in ordinary memory", reg##_ordinary, operand, offset, USER_WRITE)

#define EPCM_ROWS(reg, operand, offset, access)                                                    \
    PF(#reg " page not valid", reg##_invalid, operand, offset, access),                            \
        PF(#reg " page of another type", reg##_retyped, operand, offset, access),                  \
        PF(#reg " page of another enclave", reg##_foreign, operand, offset, access),               \
        PF(#reg " page of another address", reg##_misplaced, operand, offset, access),             \
        PF(#reg " page blocked", reg##_blocked, operand, offset, access),                          \
        PF(#reg " page pending", reg##_pending, operand, offset, access),                          \
        PF(#reg " page modified", reg##_modified, operand, offset, access)

/* And the permission that the leaf needs of it. */
#define READABLE_ROWS(reg, operand, offset)                                                        \
    EPCM_ROWS(reg, operand, offset, USER_READ),                                                    \
        PF(#reg " page not readable", reg##_unreadable, operand, offset, USER_READ)

#define WRITABLE_ROWS(reg, operand, offset)                                                        \
    EPCM_ROWS(reg, operand, offset, USER_WRITE),                                                   \
        PF(#reg " page not writable", reg##_unwritable, operand, offset, USER_WRITE)

/* m is ready for run() to succeed. */
void checks_hold(struct machine *m, struct outcome (*run)(struct machine *m),
                 const struct violation *list, size_t count);

#define CHECKS_HOLD(m, run, list) checks_hold(m, run, list, sizeof(list) / sizeof((list)[0]))

/* The same of an ENCLU leaf, with its operands in the registers. */
void enclu_checks_hold(struct machine *m, uint64_t leaf, const struct violation *list,
                       size_t count);

#define ENCLU_CHECKS_HOLD(m, leaf, list)                                                           \
    enclu_checks_hold(m, leaf, list, sizeof(list) / sizeof((list)[0]))

#endif

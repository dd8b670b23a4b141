/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/enclu.h"

#include "cpu/flags.h"
#include "cpu/outcome.h"

enum effect {
    PLAIN,        /* RIP moves past the instruction */
    RETURNS_CODE, /* and RAX and the flags tell the code */
    JUMPS,        /* the leaf has set every register itself */
};

struct row {
    enclu_leaf *body; /* NULL: the processor does not have the leaf */
    bool in_enclave;  /* the mode in which the leaf is legal */
    enum effect effect;
};

static const struct row leaves[] = {
    [SGX_EREPORT] = {enclu_ereport, true, PLAIN},
    [SGX_EGETKEY] = {enclu_egetkey, true, RETURNS_CODE},
    [SGX_EENTER] = {enclu_eenter, false, JUMPS},
    [SGX_ERESUME] = {enclu_eresume, false, JUMPS},
    [SGX_EEXIT] = {enclu_eexit, true, JUMPS},
    [SGX_EACCEPT] = {enclu_eaccept, true, RETURNS_CODE},
    [SGX_EMODPE] = {enclu_emodpe, true, PLAIN},
    [SGX_EACCEPTCOPY] = {enclu_eacceptcopy, true, RETURNS_CODE},
};

static void finish(struct cpu *cpu, enum effect effect, uint32_t code)
{
    if (effect == RETURNS_CODE) {
        cpu->r.rax = code;
        cpu->r.rflags &= ~RFLAGS_STATUS;
        if (code != SGX_OK)
            cpu->r.rflags |= RFLAGS_ZF;
    }
    if (effect != JUMPS)
        cpu->r.rip += ENCLU_LENGTH;
}

struct outcome cpu_enclu(struct cpu *cpu)
{
    uint32_t number = (uint32_t)cpu->r.rax;
    const struct row *leaf;
    struct outcome outcome;

    NEED(number < sizeof leaves / sizeof leaves[0] && leaves[number].body, leaf_gp());
    leaf = &leaves[number];
    NEED(leaf->in_enclave == cpu->enclave_mode, leaf_gp());

    outcome = leaf->body(cpu);
    if (outcome.kind == LEAF_DONE)
        finish(cpu, leaf->effect, outcome.code);
    return outcome;
}

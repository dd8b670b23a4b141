/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/enclu.h"

#include "cpu/dispatch.h"
#include "cpu/outcome.h"

struct row {
    enclu_leaf *body; /* NULL: no processor of this kind has the leaf */
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
    [SGX_EDECCSSA] = {enclu_edeccssa, true, PLAIN},
};

/* Whether this processor has the leaf: CPUID may not offer it. */
static bool enumerated(const struct cpu *cpu, uint32_t number)
{
    if (number >= sizeof leaves / sizeof leaves[0] || !leaves[number].body)
        return false;
    return number != SGX_EDECCSSA || cpu->epc->features->edeccssa;
}

struct outcome cpu_enclu(struct cpu *cpu)
{
    uint32_t number = (uint32_t)cpu->r.rax;
    const struct row *leaf;
    struct outcome outcome;

    NEED(enumerated(cpu, number), leaf_gp());
    leaf = &leaves[number];
    NEED(leaf->in_enclave == cpu->enclave_mode, leaf_gp());

    outcome = leaf->body(cpu);
    cpu_dispatch_finish(cpu, leaf->effect, &outcome);
    return outcome;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/dispatch.h"
#include "cpu/outcome.h"

/* The leaves take their operands as arguments; these fetch them from the registers. */
#define WITH_RCX(name)                                                                             \
    static struct outcome name(struct cpu *cpu)                                                    \
    {                                                                                              \
        return cpu_##name(cpu->epc, cpu->r.rcx);                                                   \
    }
#define WITH_RBX_RCX(name)                                                                         \
    static struct outcome name(struct cpu *cpu)                                                    \
    {                                                                                              \
        return cpu_##name(cpu->epc, cpu->r.rbx, cpu->r.rcx);                                       \
    }
#define WITH_RBX_RCX_RDX(name)                                                                     \
    static struct outcome name(struct cpu *cpu)                                                    \
    {                                                                                              \
        return cpu_##name(cpu->epc, cpu->r.rbx, cpu->r.rcx, cpu->r.rdx);                           \
    }

WITH_RBX_RCX(ecreate)
WITH_RBX_RCX(eadd)
WITH_RBX_RCX_RDX(einit)
WITH_RCX(eremove)
WITH_RBX_RCX(edbgwr)
WITH_RBX_RCX(eextend)
WITH_RBX_RCX_RDX(eldb)
WITH_RBX_RCX_RDX(eldu)
WITH_RCX(eblock)
WITH_RBX_RCX(epa)
WITH_RBX_RCX_RDX(ewb)
WITH_RCX(etrack)
WITH_RBX_RCX(eaug)
WITH_RBX_RCX(emodpr)
WITH_RBX_RCX(emodt)

static struct outcome edbgrd(struct cpu *cpu)
{
    return cpu_edbgrd(cpu->epc, cpu->r.rcx, &cpu->r.rbx);
}

struct row {
    struct outcome (*body)(struct cpu *cpu);
    enum effect effect;
};

static const struct row leaves[] = {
    [SGX_ECREATE] = {ecreate, PLAIN},
    [SGX_EADD] = {eadd, PLAIN},
    [SGX_EINIT] = {einit, RETURNS_CODE},
    [SGX_EREMOVE] = {eremove, RETURNS_CODE},
    [SGX_EDBGRD] = {edbgrd, RETURNS_CODE},
    [SGX_EDBGWR] = {edbgwr, RETURNS_CODE},
    [SGX_EEXTEND] = {eextend, PLAIN},
    [SGX_ELDB] = {eldb, RETURNS_CODE},
    [SGX_ELDU] = {eldu, RETURNS_CODE},
    [SGX_EBLOCK] = {eblock, RETURNS_CODE},
    [SGX_EPA] = {epa, PLAIN},
    [SGX_EWB] = {ewb, RETURNS_CODE},
    [SGX_ETRACK] = {etrack, RETURNS_CODE},
    [SGX_EAUG] = {eaug, PLAIN},
    [SGX_EMODPR] = {emodpr, RETURNS_CODE},
    [SGX_EMODT] = {emodt, RETURNS_CODE},
};

struct outcome cpu_encls(struct cpu *cpu, unsigned cpl)
{
    uint32_t number = (uint32_t)cpu->r.rax;
    struct outcome outcome;

    /* Enclave mode is at level 3 only, and needs no check of its own. */
    NEED(cpl == 0, leaf_ud());
    NEED(number < sizeof leaves / sizeof leaves[0], leaf_gp());

    outcome = leaves[number].body(cpu);
    cpu_dispatch_finish(cpu, leaves[number].effect, &outcome);
    return outcome;
}

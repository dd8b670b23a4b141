/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine as it was: to start from again, and to tell whether anything changed.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

/* The operands in the kernel's memory, a page each. */
#define OPERANDS 6

static void operand_pages(const struct machine *m, void *ret_pages[static OPERANDS])
{
    void *const operand[OPERANDS] = {m->pageinfo, m->secinfo, m->source, m->sig, m->token, m->pcmd};

    memcpy(ret_pages, operand, sizeof operand);
}

struct snapshot {
    struct machine machine;
    struct epcm epcm[FRAMES];
    uint8_t frames[FRAMES * PAGE];
    uint8_t xsave[XSAVE_SIZE];
    uint8_t operand[OPERANDS][PAGE];
};

struct snapshot *snapshot_take(const struct machine *m)
{
    struct snapshot *s = malloc(sizeof *s);
    void *operand[OPERANDS];

    cr_assert_not_null(s);
    operand_pages(m, operand);
    s->machine = *m;
    memcpy(s->epcm, m->epc.epcm, sizeof s->epcm);
    memcpy(s->frames, m->epc.frames, sizeof s->frames);
    memcpy(s->xsave, s->machine.cpu.xsave ? s->machine.cpu.xsave : s->frames, sizeof s->xsave);
    for (int i = 0; i < OPERANDS; i++)
        memcpy(s->operand[i], operand[i], PAGE);
    return s;
}

void snapshot_restore(const struct snapshot *s, struct machine *m)
{
    void *operand[OPERANDS];

    *m = s->machine;
    operand_pages(m, operand);
    memcpy(m->epc.epcm, s->epcm, sizeof s->epcm);
    memcpy(m->epc.frames, s->frames, sizeof s->frames);
    if (m->cpu.xsave)
        memcpy(m->cpu.xsave, s->xsave, sizeof s->xsave);
    for (int i = 0; i < OPERANDS; i++)
        memcpy(operand[i], s->operand[i], PAGE);
}

void snapshot_free(struct snapshot *s)
{
    free(s);
}

static bool same_epc(const struct snapshot *s, const struct machine *m)
{
    return memcmp(s->epcm, m->epc.epcm, sizeof s->epcm) == 0 &&
           memcmp(s->frames, m->epc.frames, sizeof s->frames) == 0 &&
           memcmp(&s->machine.state, &m->state, sizeof m->state) == 0 &&
           memcmp(&s->machine.platform, &m->platform, sizeof m->platform) == 0;
}

static bool same_cpu(const struct snapshot *s, const struct machine *m)
{
    struct cpu now = m->cpu;

    now.r = s->machine.cpu.r;
    return memcmp(&now, &s->machine.cpu, sizeof now) == 0 &&
           (!now.xsave || memcmp(s->xsave, now.xsave, sizeof s->xsave) == 0);
}

static bool same_operands(const struct snapshot *s, const struct machine *m)
{
    void *operand[OPERANDS];

    operand_pages(m, operand);
    for (int i = 0; i < OPERANDS; i++) {
        if (memcmp(s->operand[i], operand[i], PAGE) != 0)
            return false;
    }
    return true;
}

bool snapshot_same_but_registers(const struct snapshot *s, const struct machine *m)
{
    return same_epc(s, m) && same_operands(s, m) && same_cpu(s, m) &&
           m->cpu.r.fsbase == s->machine.cpu.r.fsbase && m->cpu.r.gsbase == s->machine.cpu.r.gsbase;
}

bool snapshot_same(const struct snapshot *s, const struct machine *m)
{
    return snapshot_same_but_registers(s, m) &&
           memcmp(&s->machine.cpu.r, &m->cpu.r, sizeof m->cpu.r) == 0;
}

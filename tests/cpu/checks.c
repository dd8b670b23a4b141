/* SPDX-License-Identifier: Apache-2.0 */
#include "checks.h"

#include <criterion/criterion.h>

static uint64_t operand_value(const struct machine *m, enum operand operand)
{
    switch (operand) {
    case RBX:
        return m->cpu.r.rbx;
    case RCX:
        return m->cpu.r.rcx;
    case RDX:
        return m->cpu.r.rdx;
    case PAGEINFO_SECS:
        return m->pageinfo->secs;
    case NONE:
        break;
    }
    return 0;
}

static bool as_stated(const struct machine *m, const struct violation *v, struct outcome o)
{
    switch (v->kind) {
    case LEAF_DONE:
        return is_code(o, v->value) && o.carry == v->carry;
    case LEAF_PF:
        return is_pf(o, operand_value(m, v->operand) + v->offset, v->value);
    case LEAF_GP:
    case LEAF_UD:
        break;
    }
    return o.kind == v->kind;
}

/* Commits second (may be NULL) and then first; first must decide. */
static void expect_refusal(struct machine *m, struct outcome (*run)(struct machine *m),
                           const struct violation *first, const struct violation *second)
{
    const char *and = second ? ", with " : "", *name = second ? second->name : "";
    struct snapshot *before;
    struct outcome o;

    if (second)
        second->commit(m);
    first->commit(m);
    before = snapshot_take(m);
    o = run(m);
    cr_expect(as_stated(m, first, o), "%s%s%s: kind %d code %u pfec 0x%x addr 0x%llx", first->name,
              and, name, (int)o.kind, o.code, o.pfec, (unsigned long long)o.addr);
    cr_expect(o.kind == LEAF_DONE ? snapshot_same_but_registers(before, m)
                                  : snapshot_same(before, m),
              "%s%s%s: something changed", first->name, and, name);
    snapshot_free(before);
}

void checks_hold(struct machine *m, struct outcome (*run)(struct machine *m),
                 const struct violation *list, size_t count)
{
    struct snapshot *ready = snapshot_take(m);

    cr_expect(is_ok(run(m)), "the leaf succeeds when nothing is violated");
    for (size_t i = 0; i < count; i++) {
        snapshot_restore(ready, m);
        expect_refusal(m, run, &list[i], NULL);
        for (size_t j = i + 1; j < count; j++) {
            snapshot_restore(ready, m);
            expect_refusal(m, run, &list[i], &list[j]);
        }
    }
    snapshot_restore(ready, m);
    snapshot_free(ready);
}

static struct outcome step(struct machine *m)
{
    return cpu_enclu(&m->cpu);
}

void enclu_checks_hold(struct machine *m, uint64_t leaf, const struct violation *list, size_t count)
{
    m->cpu.r.rax = leaf; /* before anything is compared: a fault keeps RAX */
    checks_hold(m, step, list, count);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"

#define OUT_OF_EPC ((uint64_t)FRAMES * PAGE)
#define FLAGS_AT   8u
#define TCS_END    72u
#define UNTOUCHED  UINT64_C(0xdeadbeef)

static void start(struct machine *m)
{
    machine_boot(m);
    m->secs.attributes.flags |= SGX_ATTR_DEBUG;
    machine_start(m);
}

/* As the instruction: RBX is the operand of the one and the result of the other. */
static struct outcome edbgrd(struct machine *m)
{
    return cpu_edbgrd(&m->epc, m->cpu.r.rcx, &m->cpu.r.rbx);
}

static struct outcome edbgwr(struct machine *m)
{
    return cpu_edbgwr(&m->epc, m->cpu.r.rbx, m->cpu.r.rcx);
}

COMMIT(misaligned, m->cpu.r.rcx |= 4)
COMMIT(beyond, m->cpu.r.rcx += OUT_OF_EPC)
COMMIT(invalid, epcm_of(m, DATA2_PAGE)->valid = false)
COMMIT(is_secs, epcm_of(m, DATA2_PAGE)->pt = SGX_PT_SECS)
COMMIT(is_trim, epcm_of(m, DATA2_PAGE)->pt = SGX_PT_TRIM)
COMMIT(is_va, epcm_of(m, DATA2_PAGE)->pt = SGX_PT_VA)
COMMIT(pending, epcm_of(m, DATA2_PAGE)->pending = true)
COMMIT(modified, epcm_of(m, DATA2_PAGE)->modified = true)
COMMIT(production, secs_of(m)->attributes.flags &= ~SGX_ATTR_DEBUG)
COMMIT(tcs_beyond, epcm_of(m, DATA2_PAGE)->pt = SGX_PT_TCS)

#define FIRST_ROWS                                                                                 \
    GP("misaligned", misaligned), PF("beyond the EPC", beyond, RCX, 0, KERNEL),                    \
        PF("page not valid", invalid, RCX, 0, KERNEL), PF("page a SECS", is_secs, RCX, 0, KERNEL), \
        PF("page trimmed", is_trim, RCX, 0, KERNEL)

/* The word is beyond the fields of a TCS, should the page be one. */
#define LAST_ROWS                                                                                  \
    CODE("page pending", pending, SGX_PAGE_NOT_DEBUGGABLE),                                        \
        CODE("page modified", modified, SGX_PAGE_NOT_DEBUGGABLE),                                  \
        GP("no such field of a TCS", tcs_beyond), GP("production enclave", production)

static const struct violation read_violations[] = {FIRST_ROWS, LAST_ROWS};

static const struct violation write_violations[] = {
    FIRST_ROWS,
    PF("page a version array", is_va, RCX, 0, KERNEL),
    LAST_ROWS,
};

Test(debug, every_check_of_edbgrd_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    start(&m);
    m.cpu.r.rbx = UNTOUCHED;
    m.cpu.r.rcx = epc_of(&m, DATA2_PAGE) + TCS_END;
    CHECKS_HOLD(&m, edbgrd, read_violations);
    machine_halt(&m);
}

Test(debug, every_check_of_edbgwr_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    start(&m);
    m.cpu.r.rbx = UNTOUCHED;
    m.cpu.r.rcx = epc_of(&m, DATA2_PAGE) + TCS_END;
    CHECKS_HOLD(&m, edbgwr, write_violations);
    machine_halt(&m);
}

Test(debug, a_refused_read_leaves_rbx)
{
    struct machine m;

    start(&m);
    epcm_of(&m, DATA2_PAGE)->pending = true;
    m.cpu.r.rbx = UNTOUCHED;
    m.cpu.r.rcx = epc_of(&m, DATA2_PAGE);
    cr_expect(is_code(edbgrd(&m), SGX_PAGE_NOT_DEBUGGABLE));
    cr_expect_eq(m.cpu.r.rbx, UNTOUCHED);
    machine_halt(&m);
}

Test(debug, words_are_read_and_written_whatever_the_enclave_may)
{
    struct machine m;
    uint64_t *words;

    start(&m);
    words = content_of(&m, DATA2_PAGE);
    epcm_of(&m, DATA2_PAGE)->r = epcm_of(&m, DATA2_PAGE)->w = false;
    epcm_of(&m, DATA2_PAGE)->blocked = true;
    words[511] = UINT64_C(0x1122334455667788);
    m.cpu.r.rcx = epc_of(&m, DATA2_PAGE) + 511 * 8;
    cr_expect(is_ok(edbgrd(&m)));
    cr_expect_eq(m.cpu.r.rbx, UINT64_C(0x1122334455667788));

    m.cpu.r.rbx = UINT64_C(0x99aabbccddeeff00);
    m.cpu.r.rcx = epc_of(&m, DATA2_PAGE) + 8;
    cr_expect(is_ok(edbgwr(&m)));
    cr_expect_eq(words[1], UINT64_C(0x99aabbccddeeff00));
    cr_expect_eq(words[0], UINT64_C(0x4444444444444444));
    cr_expect_eq(words[2], UINT64_C(0x4444444444444444));
    machine_halt(&m);
}

Test(debug, a_tcs_shows_its_fields_and_takes_its_flags)
{
    struct machine m;

    start(&m);
    for (uint64_t at = 0; at < PAGE; at += 8) {
        m.cpu.r.rcx = epc_of(&m, TCS_PAGE) + at;
        cr_expect_eq(is_ok(edbgrd(&m)), at < TCS_END, "offset %u", (unsigned)at);
        if (at < TCS_END)
            cr_expect_eq(m.cpu.r.rbx, ((uint64_t *)content_of(&m, TCS_PAGE))[at / 8]);
        m.cpu.r.rbx = SGX_TCS_DBGOPTIN;
        cr_expect(at == FLAGS_AT ? is_ok(edbgwr(&m)) : is_gp(edbgwr(&m)), "offset %u",
                  (unsigned)at);
    }
    cr_expect_eq(tcs_of(&m, TCS_PAGE)->flags, SGX_TCS_DBGOPTIN);
    machine_halt(&m);
}

Test(debug, a_debugger_opts_a_thread_in)
{
    struct machine m;

    start(&m);
    cr_assert(is_ok(cpu_edbgwr(&m.epc, SGX_TCS_DBGOPTIN, epc_of(&m, TCS_PAGE) + FLAGS_AT)));
    cr_expect(is_ok(eenter(&m, TCS_PAGE)));
    cr_expect(m.cpu.opt_in);
    cr_expect(is_ok(eexit(&m)));
    cr_assert(is_ok(cpu_edbgwr(&m.epc, 4, epc_of(&m, TCS_PAGE) + FLAGS_AT)));
    cr_expect(is_gp(eenter(&m, TCS_PAGE))); /* EDBGWR takes any value; the entry looks */
    machine_halt(&m);
}

Test(debug, a_version_array_tells_used_from_empty_for_any_enclave)
{
    struct machine m;

    machine_boot(&m);
    machine_start(&m);
    add_version_array(&m, VA_FRAME);
    evict_page(&m, DATA_PAGE, slot_of(&m, VA_FRAME, 3));
    m.cpu.r.rcx = (uintptr_t)slot_of(&m, VA_FRAME, 3);
    cr_expect(is_ok(edbgrd(&m)));
    cr_expect_eq(m.cpu.r.rbx, UINT64_MAX);
    m.cpu.r.rcx += 8;
    cr_expect(is_ok(edbgrd(&m)));
    cr_expect_eq(m.cpu.r.rbx, 0);
    *slot_of(&m, VA_FRAME, 4) = 7; /* not part of a version */
    cr_expect(is_ok(edbgrd(&m)));
    cr_expect_eq(m.cpu.r.rbx, 0);
    machine_halt(&m);
}

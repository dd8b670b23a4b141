/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <string.h>

#include "checks.h"
#include "cpu/derive.h"

/* TARGETINFO and KEYREQUEST share DATA_PAGE; REPORTDATA is in CONST_PAGE, the report in DATA2. */
#define TARGET_OF(m) ((struct sgx_targetinfo *)content_of(m, DATA_PAGE))
#define REQUEST_AT   0x200
#define KEY_AT       0x800
#define REPORT_AT    0x200
#define REPORT_OF(m) ((struct sgx_report *)((uint8_t *)content_of(m, DATA2_PAGE) + REPORT_AT))

COMMIT_REGISTER(rbx)
COMMIT_PAGE(rbx, DATA_PAGE)
COMMIT_REGISTER(rcx)
COMMIT_PAGE(rcx, CONST_PAGE)
COMMIT_REGISTER(rdx)
COMMIT_PAGE(rdx, DATA2_PAGE)

static const struct violation violations[] = {
    RANGE_ROWS(rbx), READ_ROWS(rbx, RBX, 0),  READABLE_ROWS(rbx, RBX, 0),
    RANGE_ROWS(rcx), READ_ROWS(rcx, RCX, 0),  READABLE_ROWS(rcx, RCX, 0),
    RANGE_ROWS(rdx), WRITE_ROWS(rdx, RDX, 0), WRITABLE_ROWS(rdx, RDX, 0),
};

static void enter(struct machine *m)
{
    machine_boot(m);
    m->secs.attributes.flags |= SGX_ATTR_KSS;
    m->secs.config_svn = 4;
    memset(m->secs.config_id, 0xc1, sizeof m->secs.config_id);
    machine_build(m);
    prepare_sigstruct(m);
    memset(m->sig->isv_family_id, 0xf1, 16);
    memset(m->sig->isv_ext_prod_id, 0xe1, 16);
    sign(m->sig);
    cr_assert(is_ok(einit(m)));
    cr_assert(is_ok(eenter(m, TCS_PAGE)));
}

/* A report for the enclave itself, or for nobody. */
static void aim(struct machine *m, bool self)
{
    const struct sgx_secs *secs = secs_of(m);
    struct sgx_targetinfo *target = TARGET_OF(m);

    *target = (struct sgx_targetinfo){0};
    if (self) {
        memcpy(target->measurement, secs->mrenclave, 32);
        memcpy(target->config_id, secs->config_id, 64);
        target->attributes = secs->attributes;
        target->config_svn = secs->config_svn;
        target->miscselect = secs->miscselect;
    }
    m->cpu.r.rbx = linear_of(DATA_PAGE);
    m->cpu.r.rcx = linear_of(CONST_PAGE) + 128;
    m->cpu.r.rdx = linear_of(DATA2_PAGE) + REPORT_AT;
}

Test(report, every_check_of_ereport_refuses_in_the_order_of_the_manual)
{
    struct machine m;

    enter(&m);
    aim(&m, true);
    ENCLU_CHECKS_HOLD(&m, SGX_EREPORT, violations);
    machine_halt(&m);
}

Test(report, tells_who_the_enclave_is)
{
    struct machine m;
    struct sgx_report want = {0};
    const struct sgx_secs *secs;

    enter(&m);
    aim(&m, false);
    secs = secs_of(&m);
    memset(REPORT_OF(&m), 0xee, sizeof want);
    cr_expect(is_ok(enclu(&m, SGX_EREPORT)));
    memset(want.cpu_svn, 7, 16);
    want.miscselect = SGX_MISC_EXINFO;
    memset(want.isv_ext_prod_id, 0xe1, 16);
    want.attributes.flags = SGX_ATTR_INIT | SGX_ATTR_MODE64BIT | SGX_ATTR_KSS;
    want.attributes.xfrm = 7;
    memcpy(want.mrenclave, m.sig->enclave_hash, 32);
    memcpy(want.mrsigner, secs->mrsigner, 32);
    memset(want.config_id, 0xc1, 64);
    want.isv_prod_id = 0x1234;
    want.isv_svn = 5;
    want.config_svn = 4;
    memset(want.isv_family_id, 0xf1, 16);
    memset(want.reportdata, 0x66, 64);
    memset(want.key_id, 0x53, 32);
    cr_expect_eq(memcmp(REPORT_OF(&m), &want, 416), 0);
    machine_halt(&m);
}

Test(report, writes_its_own_bytes_and_touches_no_flag)
{
    struct machine m;
    uint8_t before[PAGE];
    uint64_t rip;

    enter(&m);
    aim(&m, true);
    memcpy(before, content_of(&m, DATA2_PAGE), PAGE);
    m.cpu.r.rflags |= 0x8d5;
    rip = m.cpu.r.rip;
    cr_expect(is_ok(enclu(&m, SGX_EREPORT)));
    cr_expect_eq(m.cpu.r.rflags & 0x8d5, 0x8d5);
    cr_expect_eq(m.cpu.r.rax, SGX_EREPORT);
    cr_expect_eq(m.cpu.r.rip, rip + 3);
    memcpy(before + REPORT_AT, REPORT_OF(&m), 432);
    cr_expect_eq(memcmp(before, content_of(&m, DATA2_PAGE), PAGE), 0);
    machine_halt(&m);
}

Test(report, may_overwrite_its_own_operand)
{
    struct machine m;
    struct sgx_report apart;

    enter(&m);
    aim(&m, true);
    cr_expect(is_ok(enclu(&m, SGX_EREPORT)));
    apart = *REPORT_OF(&m);
    m.cpu.r.rdx = m.cpu.r.rbx;
    cr_expect(is_ok(enclu(&m, SGX_EREPORT)));
    cr_expect_eq(memcmp(content_of(&m, DATA_PAGE), &apart, sizeof apart), 0);
    machine_halt(&m);
}

/* ------------------------------------------------------------------ the MAC */

/* As the target would: EGETKEY for the report's KEYID, CMAC over its first 384 bytes. */
static bool verifies(struct machine *m)
{
    uint8_t *page = content_of(m, DATA_PAGE);
    const struct sgx_report *report = REPORT_OF(m);
    struct sgx_key_request request = {.key_name = SGX_KEY_REPORT};
    uint8_t mac[16];

    memcpy(request.key_id, report->key_id, 32);
    memcpy(page + REQUEST_AT, &request, sizeof request);
    m->cpu.r.rbx = linear_of(DATA_PAGE) + REQUEST_AT;
    m->cpu.r.rcx = linear_of(DATA_PAGE) + KEY_AT;
    cr_assert(is_ok(enclu(m, SGX_EGETKEY)));
    cr_assert(cpu_cmac(page + KEY_AT, report, 384, mac));
    return memcmp(mac, report->mac, 16) == 0;
}

Test(report, verifies_with_the_key_that_the_target_gets)
{
    struct machine m;

    enter(&m);
    aim(&m, true);
    cr_expect(is_ok(enclu(&m, SGX_EREPORT)));
    cr_expect(verifies(&m));
    machine_halt(&m);
}

/* The key put together by hand from the manual's table. */
Test(report, its_key_has_the_inputs_of_the_manual)
{
    struct machine m;
    struct key_inputs inputs = {
        .key_name = SGX_KEY_REPORT,
        .config_svn = 4,
        .seal_fuses = 1,
        .miscselect = SGX_MISC_EXINFO,
        .attributes = {SGX_ATTR_INIT | SGX_ATTR_MODE64BIT | SGX_ATTR_KSS, 7},
    };
    uint8_t key[16], mac[16];

    enter(&m);
    aim(&m, true);
    cr_expect(is_ok(enclu(&m, SGX_EREPORT)));
    memset(inputs.owner_epoch, 0x52, 16);
    memset(inputs.key_id, 0x53, 32);
    memset(inputs.cpu_svn, 7, 16);
    memset(inputs.config_id, 0xc1, 64);
    memcpy(inputs.mrenclave, m.sig->enclave_hash, 32);
    cpu_pkcs_padding(inputs.padding);
    cr_assert(cpu_derive(&m.platform, &inputs, key));
    cr_assert(cpu_cmac(key, REPORT_OF(&m), 384, mac));
    cr_expect_arr_eq(mac, REPORT_OF(&m)->mac, 16);
    machine_halt(&m);
}

Test(report, any_changed_byte_is_noticed)
{
    struct machine m;
    uint8_t *bytes;

    enter(&m);
    aim(&m, true);
    cr_expect(is_ok(enclu(&m, SGX_EREPORT)));
    bytes = (uint8_t *)REPORT_OF(&m);
    for (size_t i = 0; i < 432; i++) {
        bytes[i] ^= 0x20;
        cr_expect_not(verifies(&m), "byte %zu", i);
        bytes[i] ^= 0x20;
    }
    machine_halt(&m);
}

COMMIT(other_measurement, TARGET_OF(m)->measurement[0] ^= 1)
COMMIT(other_attributes, TARGET_OF(m)->attributes.flags ^= SGX_ATTR_DEBUG)
COMMIT(without_init, TARGET_OF(m)->attributes.flags ^= SGX_ATTR_INIT)
COMMIT(other_xfrm, TARGET_OF(m)->attributes.xfrm ^= SGX_XFRM_AVX)
COMMIT(other_misc, TARGET_OF(m)->miscselect ^= 1)
COMMIT(other_config_id, TARGET_OF(m)->config_id[63] ^= 1)
COMMIT(other_config_svn, TARGET_OF(m)->config_svn ^= 1)

Test(report, for_another_target_does_not_verify_here)
{
    static void (*const change[])(struct machine *) = {
        other_measurement, other_attributes, without_init,     other_xfrm,
        other_misc,        other_config_id,  other_config_svn,
    };
    struct machine m;

    enter(&m);
    for (size_t i = 0; i < sizeof change / sizeof change[0]; i++) {
        aim(&m, true);
        change[i](&m);
        cr_expect(is_ok(enclu(&m, SGX_EREPORT)));
        cr_expect_not(verifies(&m), "change %zu", i);
    }
    machine_halt(&m);
}

Test(report, reserved_bytes_of_the_target_do_not_matter)
{
    struct machine m;

    enter(&m);
    aim(&m, true);
    memset(TARGET_OF(&m)->reserved2, 0xff, sizeof TARGET_OF(&m)->reserved2);
    cr_expect(is_ok(enclu(&m, SGX_EREPORT)));
    cr_expect(verifies(&m));
    machine_halt(&m);
}
